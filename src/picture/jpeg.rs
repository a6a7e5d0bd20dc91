//! JPEG. A large photograph is decoded at an eighth of its size, where each pixel is the mean of the 64 that it stands
//! for, up to rounding.

use std::io::Read;

use jpeg_decoder::{CodingProcess, Decoder, ImageInfo, PixelFormat};

use super::average::Average;
use super::decoding::{Decoded, Pixels, Refusal, Target, damaged};
use super::exif;

/// Photographs of more pixels are decoded at an eighth of their size.
const LARGE: usize = 1 << 25;

/// The marker of a segment of Huffman tables.
const TABLES: [u8; 2] = [0xFF, 0xC4];
/// The beginning of a file whose tables, where it has none, are those of motion JPEG: the standard's own, of its Annex K.
const MOTION: [u8; 20] = *b"\xFF\xD8\xFF\xE0\x00\x10AVI1\0\0\0\0\0\0\0\0\0\0";

pub(super) fn decode(bytes: &[u8], target: Target) -> Result<Decoded, Refusal> {
    // In what is compressed no such pair can be.
    if bytes.windows(TABLES.len()).any(|pair| pair == TABLES) {
        read(bytes, target, LARGE)
    } else {
        read(MOTION.chain(&bytes[2..]), target, LARGE)
    }
}

/// Pictures of more than `large` pixels are made small.
fn read(file: impl Read, target: Target, large: usize) -> Result<Decoded, Refusal> {
    let mut decoder = Decoder::new(file);
    decoder.read_info().map_err(damaged)?;
    let info = decoder.info().ok_or("a JPEG file without a picture")?;
    let pixels = match info.pixel_format {
        PixelFormat::L8 => Pixels::Grey,
        PixelFormat::RGB24 => Pixels::Rgb,
        PixelFormat::CMYK32 => Pixels::Cmyk,
        PixelFormat::L16 => return Err("one of 16 bits a pixel".into()),
    };
    let size = |info: ImageInfo| (usize::from(info.width), usize::from(info.height));
    let ((width, height), process) = (size(info), info.coding_process);
    let large = width * height > large && process != CodingProcess::Lossless;
    // Planes and pixels; and the coefficients of a progressive one, which are not fewer where it is made small.
    let values = match process {
        CodingProcess::DctSequential if large => 0,
        CodingProcess::DctSequential => 2,
        CodingProcess::DctProgressive if large => 2,
        CodingProcess::DctProgressive | CodingProcess::Lossless => 4,
    };
    let mut average = target.average((width, height), (values * pixels.bytes() + 1) as u64)?;
    if large {
        // The smallest that there is.
        decoder.scale(1, 1).map_err(damaged)?;
        average = Average::new(decoder.info().map(size).unwrap_or_default(), target.side);
    }
    pixels.add_rows(&mut average, &decoder.decode().map_err(damaged)?);
    let orientation = decoder.exif_data().map_or(1, exif::orientation);
    Ok(Decoded { size: (width, height), average, orientation })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 64 x 48 pixels, the left half red, the right one blue.
    #[test]
    fn a_picture_at_an_eighth_of_its_size_is_the_same_picture() {
        let file = include_bytes!("../../tests/picture/halves.jpg");
        for large in [0, LARGE] {
            let Decoded { size, average, .. } =
                read(&file[..], Target { side: 4, memory: 1 << 20 }, large).unwrap();
            assert_eq!(size, (64, 48));
            let pixels = average.pixels();
            for (pixel, expected) in
                [(0, [200, 30, 30]), (12, [200, 30, 30]), (3, [30, 30, 200]), (15, [30, 30, 200])]
            {
                let close =
                    pixels[pixel].iter().zip(expected).all(|(found, expected)| found.abs_diff(expected) < 4);
                assert!(close, "{:?}, not {expected:?}", pixels[pixel]);
            }
        }
    }
}
