//! The shape of a model's images, and how pixels are arranged in it.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::data::layout::{CHANNELS, SIDE};

/// The largest width and height.
const LARGEST: usize = 1024;

/// A square of pixels, in colour or in grey. As text: `32x32`, or `28x28x1` in grey.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// Its width and height.
    pub side: usize,
    /// Whether there is a plane for each of red, green and blue, instead of one of grey.
    pub colour: bool,
}

impl Shape {
    /// That of CIFAR's images.
    pub const CIFAR: Self = Self { side: SIDE, colour: true };

    /// The shape of images with D features: three planes or one. None of both if that makes no squares.
    pub fn of(features: usize) -> Option<Self> {
        let square = |size: usize| Some(size.isqrt()).filter(|side| side * side == size);
        let colour = features.is_multiple_of(CHANNELS).then(|| square(features / CHANNELS)).flatten();
        let shape = |side, colour| Self { side, colour };
        colour
            .map(|side| shape(side, true))
            .or(square(features).map(|side| shape(side, false)))
            .filter(|shape| shape.side > 0)
    }

    /// D: the features of an image.
    pub fn size(self) -> usize {
        self.side * self.side * if self.colour { CHANNELS } else { 1 }
    }

    /// `[D]`: pixels, row by row, rotated or mirrored as Exif's `orientation` says, in planes.
    pub(super) fn features(self, pixels: &[[u8; CHANNELS]], orientation: u8) -> Vec<u8> {
        let (side, last) = (self.side, self.side - 1);
        let source = |at: usize| {
            let (x, y) = (at % side, at / side);
            let (x, y) = match orientation {
                2 => (last - x, y),
                3 => (last - x, last - y),
                4 => (x, last - y),
                5 => (y, x),
                6 => (y, last - x),
                7 => (last - y, last - x),
                8 => (last - y, x),
                _ => (x, y),
            };
            pixels[y * side + x]
        };
        let turned = (0..side * side).map(source);
        if self.colour {
            (0..CHANNELS).flat_map(|channel| turned.clone().map(move |pixel| pixel[channel])).collect()
        } else {
            turned.map(luma).collect()
        }
    }
}

impl Display for Shape {
    fn fmt(&self, formatter: &mut Formatter) -> fmt::Result {
        let Self { side, colour } = self;
        write!(formatter, "{side}x{side}{}", if *colour { "" } else { "x1" })
    }
}

impl FromStr for Shape {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let sizes: Option<Vec<usize>> = text.split('x').map(|size| size.parse().ok()).collect();
        let (width, height, colour) = match sizes.as_deref() {
            Some(&[width, height]) | Some(&[width, height, CHANNELS]) => (width, height, true),
            Some(&[width, height, 1]) => (width, height, false),
            _ => (0, 0, true),
        };
        match (1..=LARGEST).contains(&width) && width == height {
            true => Ok(Self { side: width, colour }),
            false => Err(format!("a square of 1x1 to {LARGEST}x{LARGEST}, or of grey as in 28x28x1")),
        }
    }
}

/// A pixel's brightness: ITU-R BT.601's luma, rounded.
fn luma([r, g, b]: [u8; CHANNELS]) -> u8 {
    ((299 * u32::from(r) + 587 * u32::from(g) + 114 * u32::from(b) + 500) / 1000) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_make_one_square_or_three() {
        let shape = |features| Shape::of(features).map(|shape| (shape.side, shape.colour));
        assert_eq!(Shape::of(3072), Some(Shape::CIFAR));
        assert_eq!(
            [784, 1, 3, 12, 4].map(shape),
            [(28, false), (1, false), (1, true), (2, true), (2, false)].map(Some)
        );
        assert_eq!([0, 2, 5, 3071, 6144].map(shape), [None; 5]);
    }

    #[test]
    fn a_shape_is_read_as_it_is_written() {
        for (text, features) in [("32x32", 3072), ("28x28x1", 784), ("1x1", 3)] {
            let shape: Shape = text.parse().unwrap();
            assert_eq!((shape.size(), shape.to_string().as_str()), (features, text));
        }
        assert_eq!("8x8x3".parse(), "8x8".parse::<Shape>());
        for text in ["", "32", "32x16", "0x0", "2000x2000", "8x8x2", "8x8x", "axb"] {
            assert!(text.parse::<Shape>().is_err(), "{text}");
        }
    }
}
