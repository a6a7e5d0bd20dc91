//! Picture files become images like CIFAR's: 32 x 32 pixels, in planes of red, green and blue.
//!
//! PNG and JPEG are told apart by their first bytes. The centre square of the picture is scaled: each of the 32 x 32
//! pixels is the exact mean of the area that it covers. Transparent pixels are shown on white, values of 16 bits keep
//! their upper 8, and a photograph is rotated as its Exif orientation says.

use std::io::Cursor;
use std::path::Path;

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::data::layout::{CHANNELS, FEATURES, SIDE};
use crate::error::{Error, Result};
use crate::files::regular;

/// What such a file is, for errors.
const WHAT: &str = "a PNG or JPEG picture";
/// Larger files are not read.
const MAX_BYTES: u64 = 1 << 28;
/// Pictures of more pixels are not decompressed.
const MAX_PIXELS: usize = 1 << 26;

/// A picture, scaled to the size that the model needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// The width of the file's picture in pixels, after rotation.
    pub width: usize,
    /// Its height.
    pub height: usize,
    /// `[D]`: the centre square, in the layout of a CIFAR image.
    pub features: Vec<u8>,
}

/// Why a picture cannot be used: what was found instead of one.
type Refusal = String;

/// The decoded pixels: RGB, row by row.
struct Stored {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
    /// Exif's orientation, 1 to 8: how to rotate or mirror them.
    orientation: u8,
}

impl Picture {
    /// Reads a PNG or JPEG file.
    ///
    /// # Errors
    /// A file that cannot be read, is not such a picture, is damaged, or has more than 2^28 bytes or 2^26 pixels.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = regular::read(path, WHAT, MAX_BYTES)?;
        Self::decode(&bytes).map_err(|found| Error::format(path, WHAT, found))
    }

    fn decode(bytes: &[u8]) -> Result<Self, Refusal> {
        let stored = match bytes {
            [] => return Err("an empty file".into()),
            [0x89, b'P', b'N', b'G', ..] => decode_png(bytes)?,
            [0xFF, 0xD8, ..] => decode_jpeg(bytes)?,
            _ => return Err("a file of another kind".into()),
        };
        let upright = stored.orientation < 5;
        let (width, height) =
            if upright { (stored.width, stored.height) } else { (stored.height, stored.width) };
        Ok(Self { width, height, features: turn(&shrink(&stored), stored.orientation) })
    }
}

fn decode_png(bytes: &[u8]) -> Result<Stored, Refusal> {
    let limits = png::Limits { bytes: MAX_BYTES as usize };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), limits);
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let header = decoder.read_header_info().map_err(damaged)?;
    let (width, height) = (header.width as usize, header.height as usize);
    check_size(width, height)?;
    let mut reader = decoder.read_info().map_err(damaged)?;
    let orientation = reader.info().exif_metadata.as_deref().map_or(1, exif_orientation);
    let mut pixels = vec![0; reader.output_buffer_size().ok_or("a size that no memory holds")?];
    let info = reader.next_frame(&mut pixels).map_err(damaged)?;
    pixels.truncate(info.buffer_size());
    let rgb = match info.color_type {
        png::ColorType::Rgb => pixels,
        png::ColorType::Rgba => on_white::<4>(&pixels, |&[r, g, b, a]| ([r, g, b], a)),
        png::ColorType::GrayscaleAlpha => on_white::<2>(&pixels, |&[grey, a]| ([grey; 3], a)),
        png::ColorType::Grayscale => pixels.iter().flat_map(|&grey| [grey; 3]).collect(),
        png::ColorType::Indexed => return Err("a palette that does not expand".into()),
    };
    Ok(Stored { width, height, rgb, orientation })
}

fn decode_jpeg(bytes: &[u8]) -> Result<Stored, Refusal> {
    let options = DecoderOptions::default().set_strict_mode(true).jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(damaged)?;
    let info = decoder.info().ok_or("a JPEG file without a picture")?;
    let (width, height) = (usize::from(info.width), usize::from(info.height));
    check_size(width, height)?;
    let rgb = decoder.decode().map_err(damaged)?;
    let orientation = decoder.exif().map_or(1, |exif| exif_orientation(exif));
    match rgb.len() == width * height * CHANNELS {
        true => Ok(Stored { width, height, rgb, orientation }),
        false => Err("colours that are not understood".into()),
    }
}

fn check_size(width: usize, height: usize) -> Result<(), Refusal> {
    match width.checked_mul(height) {
        Some(1..=MAX_PIXELS) => Ok(()),
        _ => Err(format!("one of {width} x {height} pixels; at most {MAX_PIXELS} can be read")),
    }
}

fn damaged(error: impl std::fmt::Display) -> Refusal {
    let message: Vec<String> = error.to_string().split_whitespace().map(String::from).collect();
    format!("a damaged one: {}", message.join(" "))
}

/// Blends pixels of N bytes, the last of which is opacity, with white.
fn on_white<const N: usize>(pixels: &[u8], colour: fn(&[u8; N]) -> ([u8; CHANNELS], u8)) -> Vec<u8> {
    let blend = |pixel: &[u8; N]| {
        let (rgb, alpha) = colour(pixel);
        let (over, under) = (u32::from(alpha), 255 * (255 - u32::from(alpha)));
        rgb.map(|value| ((u32::from(value) * over + under + 127) / 255) as u8)
    };
    pixels.as_chunks::<N>().0.iter().flat_map(blend).collect()
}

/// The centre square, scaled to `SIDE` x `SIDE` RGB pixels.
fn shrink(stored: &Stored) -> Vec<[u8; CHANNELS]> {
    let side = stored.width.min(stored.height);
    let (left, top) = ((stored.width - side) / 2, (stored.height - side) / 2);
    let area = (side * side) as u64;
    let mut pixels = Vec::with_capacity(SIDE * SIDE);
    for y in 0..SIDE {
        for x in 0..SIDE {
            let mut sums = [0; CHANNELS];
            for (row, height) in covered(y, side) {
                for (column, width) in covered(x, side) {
                    let at = ((top + row) * stored.width + left + column) * CHANNELS;
                    for (sum, &value) in sums.iter_mut().zip(&stored.rgb[at..]) {
                        *sum += (height * width) as u64 * u64::from(value);
                    }
                }
            }
            pixels.push(sums.map(|sum| ((sum + area / 2) / area) as u8));
        }
    }
    pixels
}

/// The source pixels, of `side` in a row, that the target pixel `index`, of `SIDE` in a row, covers, each with its
/// weight: the covered part of it, in units of 1/SIDE.
fn covered(index: usize, side: usize) -> impl Iterator<Item = (usize, usize)> {
    let (start, end) = (index * side, (index + 1) * side);
    let overlap = move |pixel: usize| end.min((pixel + 1) * SIDE) - start.max(pixel * SIDE);
    (start / SIDE..end.div_ceil(SIDE)).map(move |pixel| (pixel, overlap(pixel)))
}

/// Rotates or mirrors pixels as Exif's `orientation` says, and separates them into planes.
fn turn(pixels: &[[u8; CHANNELS]], orientation: u8) -> Vec<u8> {
    const LAST: usize = SIDE - 1;
    let source = |x: usize, y: usize| match orientation {
        2 => (LAST - x, y),
        3 => (LAST - x, LAST - y),
        4 => (x, LAST - y),
        5 => (y, x),
        6 => (y, LAST - x),
        7 => (LAST - y, LAST - x),
        8 => (LAST - y, x),
        _ => (x, y),
    };
    let mut planes = vec![0; FEATURES];
    for (plane, channel) in planes.chunks_exact_mut(SIDE * SIDE).zip(0..) {
        for (index, value) in plane.iter_mut().enumerate() {
            let (x, y) = source(index % SIDE, index / SIDE);
            *value = pixels[y * SIDE + x][channel];
        }
    }
    planes
}

/// The orientation in Exif data; 1, upright, if none can be read.
fn exif_orientation(exif: &[u8]) -> u8 {
    const ORIENTATION: u16 = 0x0112;
    let find = || {
        let little = exif.starts_with(b"II*\0");
        if !little && !exif.starts_with(b"MM\0*") {
            return None;
        }
        let bytes = |at: usize, count: usize| exif.get(at..at.checked_add(count)?);
        let u16_at = |at: usize| {
            let pair: [u8; 2] = bytes(at, 2)?.try_into().ok()?;
            Some(if little { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) })
        };
        let four: [u8; 4] = bytes(4, 4)?.try_into().ok()?;
        let directory = if little { u32::from_le_bytes(four) } else { u32::from_be_bytes(four) } as usize;
        let entries = usize::from(u16_at(directory)?);
        let entry = (0..entries).map(|entry| directory + 2 + 12 * entry);
        let orientation = entry.into_iter().find(|&at| u16_at(at) == Some(ORIENTATION))?;
        u16_at(orientation + 8)
    };
    match find() {
        Some(orientation @ 1..=8) => orientation as u8,
        _ => 1,
    }
}
