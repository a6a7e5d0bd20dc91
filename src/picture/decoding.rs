//! What the decoders of all formats have in common.

use std::fmt::Display;

use super::average::Average;
use crate::data::layout::CHANNELS;

/// Pictures of more pixels are not decoded, whatever memory that takes.
const MOST_PIXELS: u64 = 1 << 30;

/// Why a picture cannot be used: what was found instead of one.
pub(super) type Refusal = String;

/// What a file of a picture becomes.
#[derive(Clone, Copy)]
pub(super) struct Target {
    /// The width and height of the image.
    pub(super) side: usize,
    /// The bytes of memory that decoding may take.
    pub(super) memory: u64,
}

/// A decoded picture.
pub(super) struct Decoded {
    /// Its width and height.
    pub(super) size: (usize, usize),
    pub(super) average: Average,
    /// Exif's orientation, 1 to 8: how to rotate or mirror it.
    pub(super) orientation: u8,
}

impl Target {
    /// The average of a picture of this size, whose decoder takes so many bytes of memory for each pixel.
    pub(super) fn average(self, size: (usize, usize), bytes: u64) -> Result<Average, Refusal> {
        let (width, height) = size;
        let most = MOST_PIXELS.min(self.memory / bytes.max(1));
        match (width as u64).checked_mul(height as u64) {
            Some(0) => Err("one without a pixel".into()),
            Some(pixels) if pixels <= most => Ok(Average::new(size, self.side)),
            _ => Err(format!("one of {width} x {height} pixels; at most {most} of this kind can be read")),
        }
    }
}

/// How pixels are stored: one byte for each value.
#[derive(Clone, Copy)]
pub(super) enum Pixels {
    Grey,
    GreyAlpha,
    Rgb,
    Rgba,
    /// Of ink: 0 is none.
    Cmyk,
}

impl Pixels {
    /// The bytes of a pixel.
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::Grey => 1,
            Self::GreyAlpha => 2,
            Self::Rgb => 3,
            Self::Rgba | Self::Cmyk => 4,
        }
    }

    /// Adds rows of such pixels to `average`.
    pub(super) fn add_rows(self, average: &mut Average, bytes: &[u8]) {
        let row = average.width() * self.bytes();
        bytes.chunks_exact(row).for_each(|row| average.add_row(|column| self.rgb(row, column)));
    }

    /// The pixel at `column` of a row.
    #[inline]
    pub(super) fn rgb(self, row: &[u8], column: usize) -> [u8; CHANNELS] {
        match (self, &row[column * self.bytes()..][..self.bytes()]) {
            (Self::Grey, &[grey]) => [grey; CHANNELS],
            (Self::GreyAlpha, &[grey, alpha]) => on_white([grey; CHANNELS], alpha),
            (Self::Rgb, &[r, g, b]) => [r, g, b],
            (Self::Rgba, &[r, g, b, alpha]) => on_white([r, g, b], alpha),
            (Self::Cmyk, &[c, m, y, k]) => {
                [c, m, y].map(|ink| ((255 - u32::from(ink)) * (255 - u32::from(k)) / 255) as u8)
            }
            _ => unreachable!("a pixel has its bytes"),
        }
    }
}

/// Blends a pixel with white.
pub(super) fn on_white(colour: [u8; CHANNELS], alpha: u8) -> [u8; CHANNELS] {
    let (over, under) = (u32::from(alpha), 255 * (255 - u32::from(alpha)));
    colour.map(|value| ((u32::from(value) * over + under + 127) / 255) as u8)
}

/// What is said of a file that a decoder refuses.
pub(super) fn damaged(error: impl Display) -> Refusal {
    let message: Vec<String> = error.to_string().split_whitespace().map(String::from).collect();
    format!("a damaged one: {}", message.join(" "))
}
