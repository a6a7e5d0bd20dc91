//! Picture files become images like those that a model was trained on: 32 x 32 pixels in planes of red, green and blue, as
//! CIFAR's, or another square, in colour or in grey.
//!
//! PNG, JPEG, WebP, GIF and BMP are told apart by their first bytes. The centre square of the picture is scaled: each of
//! the model's pixels is the exact mean of the area that it covers. Transparent pixels are shown on white, values of 16
//! bits keep their upper 8, a photograph is rotated as its Exif orientation says, and of an animation the first picture
//! counts. Rows are averaged as they are decoded, where the format allows that; where it does not, what a picture needs is
//! known before it is decoded, and too much is refused.

mod average;
mod bmp;
mod decoding;
mod exif;
pub mod folder;
mod gif;
mod jpeg;
mod png;
mod shape;
mod webp;

use std::path::Path;

use self::decoding::{Decoded, Refusal, Target};
use crate::data::mapped::Mapped;
use crate::error::{Error, Result};

pub use shape::Shape;

/// What such a file is, for errors.
const WHAT: &str = "a PNG, JPEG, WebP, GIF or BMP picture";
/// The bytes of memory that the file and its pixels may take.
const MEMORY: u64 = 3 << 28;

/// A picture, scaled to the size that the model needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// The width of the file's picture in pixels, after rotation.
    pub width: usize,
    /// Its height.
    pub height: usize,
    /// `[D]`: the centre square, in planes of colours.
    pub features: Vec<u8>,
}

impl Picture {
    /// Reads a picture file, and makes an image of this shape of it.
    ///
    /// # Errors
    /// A file that cannot be read, is not such a picture, is damaged, has more than 2^30 pixels, or would take more than
    /// 768 MiB of memory.
    pub fn read(path: &Path, shape: Shape) -> Result<Self> {
        let file = Mapped::open(path, WHAT)?;
        Self::decode(file.bytes(), shape).map_err(|found| Error::format(path, WHAT, found))
    }

    fn decode(bytes: &[u8], shape: Shape) -> Result<Self, Refusal> {
        let Some(memory) = MEMORY.checked_sub(bytes.len() as u64) else {
            return Err(format!("one of {} bytes; at most {MEMORY} can be read", bytes.len()));
        };
        let target = Target { side: shape.side, memory };
        let Decoded { size: (width, height), average, orientation } = match bytes {
            [0x89, b'P', b'N', b'G', ..] => png::decode(bytes, target)?,
            [0xFF, 0xD8, ..] => jpeg::decode(bytes, target)?,
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => webp::decode(bytes, target)?,
            [b'G', b'I', b'F', b'8', ..] => gif::decode(bytes, target)?,
            [b'B', b'M', ..] => bmp::decode(bytes, target)?,
            _ => return Err("a file of another kind".into()),
        };
        let (width, height) = if orientation < 5 { (width, height) } else { (height, width) };
        Ok(Self { width, height, features: shape.features(&average.pixels(), orientation) })
    }
}
