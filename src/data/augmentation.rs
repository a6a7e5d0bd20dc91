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

use std::array;

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
        let PictureShape { height, width, .. } = self.shape;
        assert_eq!((picture.len(), made.len()), (self.shape.features(), self.features()), "pixels");
        if change == Change::NONE && !self.mirror {
            return made.copy_from_slice(picture);
        }
        if width == SIDE && change.right.unsigned_abs() < WORD {
            return self.apply_to_words(change, picture, made);
        }
        let mut moved = vec![0; width];
        let planes = picture.chunks_exact(height * width).zip(made.chunks_exact_mut(height * self.width()));
        for (plane, made) in planes {
            for (y, made) in made.chunks_exact_mut(self.width()).enumerate() {
                let y = y.saturating_add_signed(-change.down).min(height - 1);
                let mut row = &plane[y * width..][..width];
                if change.right != 0 {
                    shift(row, change.right, &mut moved);
                    row = &moved;
                }
                match (self.mirror, change.flip) {
                    (true, _) => fold(row, made),
                    (false, true) => reverse(row, made),
                    (false, false) => made.copy_from_slice(row),
                }
            }
        }
    }

    /// As [`Augmentation::apply`], for rows of four words, which stay in registers: a row that is written, and read at
    /// another place at once, makes the processor wait.
    fn apply_to_words(&self, change: Change, picture: &[u8], made: &mut [u8]) {
        let (rows, height) = (picture.as_chunks::<SIDE>().0, self.shape.height);
        let planes = rows.chunks_exact(height).zip(made.chunks_exact_mut(height * self.width()));
        for (plane, made) in planes {
            for (y, made) in made.chunks_exact_mut(self.width()).enumerate() {
                let y = y.saturating_add_signed(-change.down).min(height - 1);
                let row = Words::of(&plane[y]).moved(change.right);
                let made = made.as_chunks_mut().0;
                match (self.mirror, change.flip) {
                    (true, _) => row.folded().store(made),
                    (false, true) => row.reversed().store(made),
                    (false, false) => row.store(made),
                }
            }
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

/// Pixels that are changed at a time, as the bytes of a word.
const WORD: usize = size_of::<u64>();

/// A row of pixels, or half of one.
#[derive(Clone, Copy)]
struct Words<const N: usize>([u64; N]);

impl Words<{ SIDE / WORD }> {
    fn of(row: &[u8; SIDE]) -> Self {
        let words = row.as_chunks().0;
        Self(array::from_fn(|i| u64::from_le_bytes(words[i])))
    }

    /// The row, so far to the right, less than a word; the pixel at the edge is repeated.
    #[inline(always)]
    fn moved(self, right: isize) -> Self {
        let Self([a, b, c, d]) = self;
        let bits = 8 * right.unsigned_abs();
        match right {
            0 => self,
            1.. => {
                let edge = ONES * (a & 0xFF);
                let after = |word: u64, before: u64| word << bits | before >> (64 - bits);
                Self([after(a, edge), after(b, a), after(c, b), after(d, c)])
            }
            _ => {
                let edge = ONES * (d >> 56);
                let before = |word: u64, after: u64| word >> bits | after << (64 - bits);
                Self([before(a, b), before(b, c), before(c, d), before(d, edge)])
            }
        }
    }

    fn reversed(self) -> Self {
        let Self([a, b, c, d]) = self;
        Self([d, c, b, a].map(u64::swap_bytes))
    }

    /// See [`fold`].
    fn folded(self) -> Words<{ SIDE / WORD / 2 }> {
        let (Self(left), Self(right)) = (self, self.reversed());
        Words([halves(left[0], right[0]), halves(left[1], right[1])])
    }
}

impl<const N: usize> Words<N> {
    fn store(self, made: &mut [[u8; WORD]]) {
        made.iter_mut().zip(self.0).for_each(|(made, word)| *made = word.to_le_bytes());
    }
}

/// `moved [W] <- pixels [W]`, so far to the right; the pixel at the edge is repeated.
fn shift(pixels: &[u8], right: isize, moved: &mut [u8]) {
    let (count, width) = (right.unsigned_abs(), pixels.len());
    if right > 0 {
        moved[count..].copy_from_slice(&pixels[..width - count]);
        moved[..count].fill(pixels[0]);
    } else {
        moved[..width - count].copy_from_slice(&pixels[count..]);
        moved[width - count..].fill(pixels[width - 1]);
    }
}

/// `folded [(W + 1) / 2] <- (pixels + mirrored pixels) / 2`, halves rounded to the even level.
fn fold(pixels: &[u8], folded: &mut [u8]) {
    let half = folded.len();
    let (left, rest) = pixels[..half].as_chunks::<WORD>();
    let (words, last) = folded.as_chunks_mut::<WORD>();
    let right = pixels.as_rchunks::<WORD>().1.iter().rev();
    for ((folded, left), right) in words.iter_mut().zip(left).zip(right) {
        let [left, right] = [u64::from_le_bytes(*left), u64::from_be_bytes(*right)];
        *folded = halves(left, right).to_le_bytes();
    }
    let mirrored = pixels.iter().rev().skip(half - rest.len());
    for ((folded, &left), &right) in last.iter_mut().zip(rest).zip(mirrored) {
        *folded = halves(left.into(), right.into()) as u8;
    }
}

/// A word whose bytes are all 1.
const ONES: u64 = u64::MAX / 255;

/// `(left + right) / 2`, byte by byte, rounded to even.
fn halves(left: u64, right: u64) -> u64 {
    let differ = left ^ right;
    let floor = (left & right) + ((differ >> 1) & (ONES * 0x7F));
    // An odd sum whose half is odd when it is rounded down.
    floor + (differ & floor & ONES)
}

fn reverse(pixels: &[u8], reversed: &mut [u8]) {
    let (words, last) = reversed.as_chunks_mut::<WORD>();
    let (first, mirrored) = pixels.as_rchunks::<WORD>();
    for (reversed, pixels) in words.iter_mut().zip(mirrored.iter().rev()) {
        *reversed = u64::from_le_bytes(*pixels).swap_bytes().to_le_bytes();
    }
    last.iter_mut().zip(first.iter().rev()).for_each(|(reversed, &pixel)| *reversed = pixel);
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: PictureShape = PictureShape { channels: 2, height: 3, width: 5 };

    fn augmentation() -> Augmentation {
        Augmentation { shape: SHAPE, mirror: false, flip: false, shift: 0, seed: 7 }
    }

    /// Each pixel as the definition says: of what is right of it and below it before it moves.
    fn by_definition(shape: PictureShape, picture: &[u8], change: Change) -> Vec<u8> {
        let (PictureShape { channels, height, width }, Change { flip, right, down }) = (shape, change);
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
        for (shape, most) in [(SHAPE, 2), (PictureShape::CIFAR, 9), (PictureShape::MNIST, 9)] {
            let picture: Vec<u8> = (0..shape.features()).map(|i| (i * i / 7 + i) as u8).collect();
            let plain = Augmentation { shape, shift: most as usize, flip: true, ..augmentation() };
            let mirror = Augmentation { flip: false, mirror: true, ..plain };
            let (mut made, mut folded) = (vec![0; picture.len()], vec![0; mirror.features()]);
            for (right, down) in
                (-most..=most).flat_map(|right| (-most..=most).map(move |down| (right, down)))
            {
                let changes = [false, true].map(|flip| Change { flip, right, down });
                let [moved, flipped] = changes.map(|change| by_definition(shape, &picture, change));
                for (change, expected) in changes.iter().zip([&moved, &flipped]) {
                    plain.apply(*change, &picture, &mut made);
                    assert!(made == *expected, "{shape:?}, {change:?}");
                }
                mirror.apply(changes[0], &picture, &mut folded);
                let both = moved.chunks(shape.width).zip(flipped.chunks(shape.width));
                let halves =
                    both.zip(folded.chunks(shape.width.div_ceil(2))).all(|((moved, flipped), folded)| {
                        let pair = |x: usize| f64::from(u16::from(moved[x]) + u16::from(flipped[x])) / 2.0;
                        folded.iter().enumerate().all(|(x, &f)| f64::from(f) == pair(x).round_ties_even())
                    });
                assert!(halves, "{shape:?}, {right}, {down}");
            }
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
    fn every_pair_of_levels_is_halved_and_every_width_is_mirrored() {
        for (left, right) in (0..=255u16).flat_map(|left| (0..=255).map(move |right| (left, right))) {
            let (exact, word) = (f64::from(left + right) / 2.0, u64::MAX / 255);
            let found = halves(word * u64::from(left), word * u64::from(right));
            assert_eq!(found, word * exact.round_ties_even() as u64, "{left}, {right}");
        }
        for width in 1..70 {
            let pixels: Vec<u8> = (0..width).map(|x| (x * x * 31 + x) as u8).collect();
            let mirrored: Vec<u8> = pixels.iter().rev().copied().collect();
            let (mut reversed, mut folded) = (vec![0; width], vec![0; width.div_ceil(2)]);
            reverse(&pixels, &mut reversed);
            assert_eq!(reversed, mirrored);
            fold(&pixels, &mut folded);
            let pair = |x: usize| f64::from(u16::from(pixels[x]) + u16::from(mirrored[x])) / 2.0;
            assert!(
                folded.iter().enumerate().all(|(x, &f)| f64::from(f) == pair(x).round_ties_even()),
                "{width}"
            );
        }
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
