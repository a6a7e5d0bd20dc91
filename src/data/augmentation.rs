//! Changes of training pictures that leave their class as it is: mirroring, random flips, small random shifts.
//!
//! # Mirror symmetry
//!
//! The losses are convex in the weights, and mirroring every picture of the training set maps the cost with flips, averaged
//! over both, to itself. So if W minimizes it, the mirrored W does too, and so does their mean, which is symmetric: the
//! search may be restricted to symmetric weights. For these, `W . x = W_f . f(x)` with the *folded* picture
//! `f = (x + mirror(x)) / 2`, which has half the features. Training on folded pictures is training with all flips at once,
//! without their noise, at half the work.
//!
//! [`Augmentation::unfold`] makes the model for plain pictures: a weight of a folded pixel is shared out to its two
//! pixels, and both have its mean and deviation. Bytes lose half a level where the two pixels sum to an odd number: they
//! are rounded to the even level, up as often as down, so that no mean is biased.

use rand::{Rng, SeedableRng};
use rand_xoshiro::SplitMix64;

use super::layout::{CHANNELS, SIDE};
use crate::model::{Parameters, Standardization};

/// The shape of pictures whose features are planes of rows of pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PictureShape {
    /// Planes: 3 colours, or 1.
    pub channels: usize,
    /// Rows of a plane.
    pub height: usize,
    /// Pixels of a row.
    pub width: usize,
}

impl PictureShape {
    /// The shape of CIFAR's pictures.
    pub const CIFAR: Self = Self { channels: CHANNELS, height: SIDE, width: SIDE };
    /// The shape of MNIST's pictures.
    pub const MNIST: Self = Self { channels: 1, height: 28, width: 28 };

    /// The shape of pictures that are known by their number of features alone: CIFAR's or MNIST's.
    pub fn of_features(features: usize) -> Option<Self> {
        [Self::CIFAR, Self::MNIST].into_iter().find(|shape| shape.features() == features)
    }

    /// D: the pixels of all planes.
    pub fn features(self) -> usize {
        self.channels * self.height * self.width
    }
}

/// How training pictures are changed. It is a pure function of seed, epoch and sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Augmentation {
    /// The pictures.
    pub shape: PictureShape,
    /// Whether pictures are folded.
    pub mirror: bool,
    /// Whether each picture of an epoch is mirrored with probability 1/2.
    pub flip: bool,
    /// P: each picture of an epoch is moved by -P to P pixels in x and in y, and its edges are repeated.
    pub shift: usize,
    /// Where flips and shifts come from.
    pub seed: u64,
}

/// The flip and the shift of one picture in one epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Whether it is mirrored, after it was moved.
    pub flip: bool,
    /// How far it moves to the right.
    pub right: isize,
    /// How far it moves down.
    pub down: isize,
}

impl Change {
    /// No change.
    pub const NONE: Self = Self { flip: false, right: 0, down: 0 };
}

impl Augmentation {
    /// D of the pictures that it makes.
    pub fn features(&self) -> usize {
        self.shape.channels * self.shape.height * self.width()
    }

    /// Whether it changes pictures in another way in each epoch.
    pub fn varies(&self) -> bool {
        self.flip || self.shift > 0
    }

    /// The flip and the shift of `sample` in `epoch`, counted from 1.
    pub fn change(&self, epoch: usize, sample: usize) -> Change {
        const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
        const HALF: u32 = 31;
        let draw = |seed: u64| SplitMix64::seed_from_u64(seed).next_u64();
        let stream = draw(self.seed ^ (epoch as u64).wrapping_mul(GOLDEN));
        let bits = draw(stream.wrapping_add((sample as u64).wrapping_mul(GOLDEN)));
        // The upper of 31 random bits, times the number of places: as good as uniform for shifts of pixels.
        let place = |bits: u64| {
            let bits = bits & ((1 << HALF) - 1);
            ((bits * (2 * self.shift as u64 + 1)) >> HALF) as isize - self.shift as isize
        };
        Change { flip: self.flip && bits >> 63 == 1, right: place(bits), down: place(bits >> HALF) }
    }

    /// `made [D] <- picture`, changed, and folded where this folds.
    ///
    /// # Panics
    /// If the lengths are not those of the shape.
    pub fn apply(&self, change: Change, picture: &[u8], made: &mut [u8]) {
        assert_eq!((picture.len(), made.len()), (self.shape.features(), self.features()), "pixels");
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            #[target_feature(enable = "avx2")]
            fn with_avx2(of: &Augmentation, change: Change, picture: &[u8], made: &mut [u8]) {
                of.change_rows(change, picture, made);
            }
            // SAFETY: the machine has AVX2.
            return unsafe { with_avx2(self, change, picture, made) };
        }
        self.change_rows(change, picture, made);
    }

    /// As [`Augmentation::apply`]. The compiler unrolls rows of CIFAR's width.
    #[inline(always)]
    fn change_rows(&self, change: Change, picture: &[u8], made: &mut [u8]) {
        const NEAR: usize = 16;
        let PictureShape { height, width, .. } = self.shape;
        let planes = picture.chunks_exact(height * width).zip(made.chunks_exact_mut(height * self.width()));
        for (plane, made) in planes {
            for (y, made) in made.chunks_exact_mut(self.width()).enumerate() {
                let y = y.saturating_add_signed(-change.down).min(height - 1);
                let row = &plane[y * width..][..width];
                match <&[u8; SIDE]>::try_from(row) {
                    Ok(row) if self.shift <= NEAR => {
                        let mut wide = [row[0]; NEAR + SIDE + NEAR];
                        wide[NEAR..][..SIDE].copy_from_slice(row);
                        wide[NEAR + SIDE..].fill(row[SIDE - 1]);
                        let start = NEAR.wrapping_add_signed(-change.right);
                        let moved: &[u8; SIDE] = wide[start..].first_chunk().expect("a row");
                        self.make_row(change.flip, moved, made);
                    }
                    _ => {
                        let last = width as isize - 1;
                        let moved = |x: isize| row[(x - change.right).clamp(0, last) as usize];
                        self.make_row(change.flip, &(0..=last).map(moved).collect::<Vec<u8>>(), made);
                    }
                }
            }
        }
    }

    /// A row of what it makes, of pixels that were moved.
    #[inline(always)]
    fn make_row(&self, flip: bool, row: &[u8], made: &mut [u8]) {
        match (self.mirror, flip) {
            (true, _) => fold(row, made),
            (false, true) => reverse(row, made),
            (false, false) => made.copy_from_slice(row),
        }
    }

    /// The parameters for plain pictures that are `parameters` for folded ones.
    pub fn unfold(&self, parameters: &Parameters) -> Parameters {
        let half = |index: usize, weight: f32| if self.is_own_mirror(index) { weight } else { 0.5 * weight };
        let rows = parameters.weight.chunks(self.features());
        Parameters {
            classes: parameters.classes,
            features: self.shape.features(),
            weight: rows.flat_map(|row| self.spread(row, half)).collect(),
            bias: parameters.bias.clone(),
        }
    }

    /// The parameters for folded pictures that give the logits of `parameters`, for plain ones: of an asymmetric model, the
    /// mean of its logits of a picture and of its mirror image.
    pub fn fold(&self, parameters: &Parameters) -> Parameters {
        let width = self.shape.width;
        let fold = |row: &[f32]| -> Vec<f32> {
            let sum = |x: usize| {
                let mirrored = width - 1 - x;
                if x == mirrored { row[x] } else { row[x] + row[mirrored] }
            };
            (0..self.width()).map(sum).collect()
        };
        Parameters {
            classes: parameters.classes,
            features: self.features(),
            weight: parameters.weight.chunks(width).flat_map(fold).collect(),
            bias: parameters.bias.clone(),
        }
    }

    /// The standardization of plain pictures that is `standardization` of folded ones.
    pub fn unfold_standardization(&self, standardization: &Standardization) -> Standardization {
        let spread = |values: &[f32]| self.spread(values, |_, value| value);
        Standardization { mean: spread(&standardization.mean), std: spread(&standardization.std) }
    }

    /// A value for each pixel, given one for each folded pixel, and what becomes of it.
    fn spread(&self, folded: &[f32], change: impl Fn(usize, f32) -> f32) -> Vec<f32> {
        let width = self.shape.width;
        let row = |row: &[f32]| -> Vec<f32> {
            (0..width).map(|x| x.min(width - 1 - x)).map(|x| change(x, row[x])).collect()
        };
        folded.chunks(self.width()).flat_map(row).collect()
    }

    /// Whether the pixel `x` of a row is its own mirror image.
    fn is_own_mirror(&self, x: usize) -> bool {
        2 * x + 1 == self.shape.width
    }

    /// The pixels of a row that it makes.
    fn width(&self) -> usize {
        if self.mirror { self.shape.width.div_ceil(2) } else { self.shape.width }
    }
}

/// `folded [(W + 1) / 2] <- (pixels + mirrored pixels) / 2`, halves rounded to the even level.
#[inline(always)]
fn fold(pixels: &[u8], folded: &mut [u8]) {
    // Of rows of CIFAR's width, whose loops the compiler unrolls.
    if let (Ok(pixels), Ok(folded)) =
        (<&[u8; SIDE]>::try_from(pixels), <&mut [u8; SIDE / 2]>::try_from(&mut *folded))
    {
        for x in 0..SIDE / 2 {
            folded[x] = half(pixels[x], pixels[SIDE - 1 - x]);
        }
        return;
    }
    let pairs = pixels.iter().zip(pixels.iter().rev());
    folded.iter_mut().zip(pairs).for_each(|(folded, (&left, &right))| *folded = half(left, right));
}

/// `(left + right) / 2`, rounded to even.
#[inline(always)]
fn half(left: u8, right: u8) -> u8 {
    let sum = u16::from(left) + u16::from(right);
    ((sum + ((sum >> 1) & 1)) >> 1) as u8
}

#[inline(always)]
fn reverse(pixels: &[u8], reversed: &mut [u8]) {
    if let (Ok(pixels), Ok(reversed)) =
        (<&[u8; SIDE]>::try_from(pixels), <&mut [u8; SIDE]>::try_from(&mut *reversed))
    {
        for x in 0..SIDE {
            reversed[x] = pixels[SIDE - 1 - x];
        }
        return;
    }
    reversed.iter_mut().zip(pixels.iter().rev()).for_each(|(reversed, &pixel)| *reversed = pixel);
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: PictureShape = PictureShape { channels: 2, height: 3, width: 5 };

    fn augmentation() -> Augmentation {
        Augmentation { shape: SHAPE, mirror: false, flip: false, shift: 0, seed: 7 }
    }

    /// Each pixel as the definition says: of what is right of it and below it before it moves.
    fn by_definition(picture: &[u8], Change { flip, right, down }: Change) -> Vec<u8> {
        let PictureShape { channels, height, width } = SHAPE;
        let inside = |at: isize, size: usize| at.clamp(0, size as isize - 1) as usize;
        let mut made = Vec::new();
        for channel in 0..channels {
            for y in 0..height as isize {
                for x in 0..width as isize {
                    let x = if flip { width as isize - 1 - x } else { x };
                    let (x, y) = (inside(x - right, width), inside(y - down, height));
                    made.push(picture[(channel * height + y) * width + x]);
                }
            }
        }
        made
    }

    #[test]
    fn pictures_are_moved_and_flipped_as_defined() {
        let picture: Vec<u8> = (0..SHAPE.features() as u8).map(|i| i * 7).collect();
        let augmentation = Augmentation { shift: 2, flip: true, ..augmentation() };
        let mut made = vec![0; picture.len()];
        for (flip, right, down) in (-2..=2)
            .flat_map(|right| (-2..=2).flat_map(move |down| [false, true].map(|flip| (flip, right, down))))
        {
            let change = Change { flip, right, down };
            augmentation.apply(change, &picture, &mut made);
            assert_eq!(made, by_definition(&picture, change), "{change:?}");
        }
    }

    #[test]
    fn changes_are_drawn_evenly_and_differ_from_epoch_to_epoch() {
        let augmentation = Augmentation { shift: 1, flip: true, ..augmentation() };
        let mut counts = [[[0; 3]; 3]; 2];
        for (epoch, sample) in (1..=10).flat_map(|epoch| (0..1800).map(move |sample| (epoch, sample))) {
            let Change { flip, right, down } = augmentation.change(epoch, sample);
            counts[usize::from(flip)][(right + 1) as usize][(down + 1) as usize] += 1;
        }
        // 1,000 of each kind, with a standard deviation of 31.
        assert!(
            counts.as_flattened().as_flattened().iter().all(|count| (850..1150).contains(count)),
            "{counts:?}"
        );
        let of_epoch =
            |epoch| -> Vec<Change> { (0..50).map(|sample| augmentation.change(epoch, sample)).collect() };
        assert_eq!(of_epoch(3), of_epoch(3));
        assert_ne!(of_epoch(3), of_epoch(4));
        assert_ne!(of_epoch(3)[1..], of_epoch(4)[..49], "no epoch repeats another's, moved by one");
    }

    #[test]
    fn halves_are_rounded_to_the_even_level() {
        let mut folded = [0; 3];
        fold(&[0, 1, 255, 2, 1], &mut folded);
        assert_eq!(folded, [0, 2, 255]);
        fold(&[255, 3, 9, 4, 255], &mut folded);
        assert_eq!(folded, [255, 4, 9]);
    }

    #[test]
    fn what_is_unfolded_is_symmetric_and_gives_the_logits_of_the_folded() {
        let mirror = Augmentation { mirror: true, ..augmentation() };
        let folded = Parameters::random(3, mirror.features(), 1);
        let plain = mirror.unfold(&folded);
        // Doubling and halving are exact.
        assert_eq!(mirror.fold(&plain), folded);
        let picture: Vec<f64> = (0..SHAPE.features()).map(|i| (i as f64 * 1.7).sin()).collect();
        let mirrored: Vec<f64> = picture.chunks(5).flat_map(|row| row.iter().rev().copied()).collect();
        let logit =
            |weight: &[f32], x: &[f64]| -> f64 { weight.iter().zip(x).map(|(&w, x)| f64::from(w) * x).sum() };
        let half: Vec<f64> = picture
            .chunks(5)
            .zip(mirrored.chunks(5))
            .flat_map(|(a, b)| (0..3).map(|x| (a[x] + b[x]) / 2.0).collect::<Vec<_>>())
            .collect();
        for (plain, folded) in
            plain.weight.chunks(SHAPE.features()).zip(folded.weight.chunks(mirror.features()))
        {
            assert!(plain.chunks(5).all(|row| row.iter().eq(row.iter().rev())), "symmetric to the bit");
            let of_folded = logit(folded, &half);
            for x in [&picture, &mirrored] {
                assert!((logit(plain, x) - of_folded).abs() < 1e-12);
            }
        }
    }
}
