//! Noise with the spectrum of a photograph: strong at large scales, weak at small ones.
//!
//! It begins as one pixel and is enlarged twofold five times; new noise is added at each size.

use rand::Rng;

use super::super::layout::{CHANNELS, SIDE};

/// One image, `[channel][y * SIDE + x]`, in sixteenths of a level.
pub type Planes = [[i16; SIDE * SIDE]; CHANNELS];

/// The amplitude, in levels, of the noise added at each size: 1, 2, 4, ... 32 pixels wide. Brightness is the part that
/// all channels share, colour the part that each channel has for itself.
const BRIGHTNESS: [i16; 6] = [60, 60, 50, 40, 30, 20];
const COLOUR: [i16; 6] = [25, 15, 12, 10, 8, 12];

/// Fills `planes` with noise around 0, in sixteenths of a level.
pub fn fill(planes: &mut Planes, random: &mut impl Rng) {
    planes.iter_mut().for_each(|plane| plane[0] = 0);
    for (size, (of_brightness, of_colour)) in BRIGHTNESS.into_iter().zip(COLOUR).enumerate() {
        let side = 1 << size;
        let mut brightness = [0; SIDE * SIDE];
        let brightness = &mut brightness[..side * side];
        add(brightness, of_brightness, random);
        for plane in planes.iter_mut() {
            if side > 1 {
                enlarge(plane, side / 2);
            }
            let plane = &mut plane[..side * side];
            plane.iter_mut().zip(brightness.iter()).for_each(|(value, b)| *value += b);
            add(plane, of_colour, random);
        }
    }
}

/// Adds noise with a triangular distribution from -`amplitude` to `amplitude` levels.
fn add(values: &mut [i16], amplitude: i16, random: &mut impl Rng) {
    let mut bytes = [0; 2 * SIDE * SIDE];
    let (bytes, _) = bytes.split_at_mut(2 * values.len());
    random.fill_bytes(bytes);
    let (first, second) = bytes.split_at(values.len());
    for ((value, &a), &b) in values.iter_mut().zip(first).zip(second) {
        // From -255 to 255, with a symmetric distribution.
        let triangular = i16::from(a) - i16::from(b);
        *value += (triangular * amplitude) >> 4;
    }
}

/// Enlarges `side` x `side` values to twice the width and height, by linear interpolation between pixel centres.
fn enlarge(plane: &mut [i16; SIDE * SIDE], side: usize) {
    let mut rows = [0; SIDE * SIDE / 2];
    let rows = &mut rows[..2 * side * side];
    for (y, pair) in rows.chunks_exact_mut(2 * side).enumerate() {
        let row = |y: usize| &plane[y * side..][..side];
        let (upper, lower) = pair.split_at_mut(side);
        blend(upper, row(y), row(y.saturating_sub(1)));
        blend(lower, row(y), row((y + 1).min(side - 1)));
    }
    for (narrow, wide) in rows.chunks_exact(side).zip(plane.chunks_exact_mut(2 * side)) {
        let (mut before, mut after) = ([0; SIDE / 2], [0; SIDE / 2]);
        let (before, after) = (&mut before[..side], &mut after[..side]);
        before[0] = narrow[0];
        before[1..].copy_from_slice(&narrow[..side - 1]);
        after[side - 1] = narrow[side - 1];
        after[..side - 1].copy_from_slice(&narrow[1..]);
        for (((pair, &value), &before), &after) in
            wide.chunks_exact_mut(2).zip(narrow).zip(before.iter()).zip(after.iter())
        {
            pair[0] = between(value, before);
            pair[1] = between(value, after);
        }
    }
}

fn blend(to: &mut [i16], near: &[i16], far: &[i16]) {
    to.iter_mut().zip(near).zip(far).for_each(|((to, &near), &far)| *to = between(near, far));
}

/// The value a quarter of the way from `near` to `far`.
fn between(near: i16, far: i16) -> i16 {
    (3 * near + far + 2) >> 2
}

/// Proves that no sum of noise, times four as in [`between`], overflows i16.
const _: () = {
    let (mut total, mut size) = (0, 0);
    while size < BRIGHTNESS.len() {
        total += 16 * (BRIGHTNESS[size] as i32 + COLOUR[size] as i32);
        size += 1;
    }
    assert!(4 * total + 2 <= i16::MAX as i32 && 1 << (BRIGHTNESS.len() - 1) == SIDE && CHANNELS > 0);
};
