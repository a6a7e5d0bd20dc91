//! PNG: row by row, unless its rows are interlaced.

use std::io::Cursor;

use ::png::{ColorType, Decoder, Limits, Transformations};

use super::decoding::{Decoded, Pixels, Refusal, Target, damaged};
use super::exif;

pub(super) fn decode(bytes: &[u8], target: Target) -> Result<Decoded, Refusal> {
    let limits = Limits { bytes: usize::try_from(target.memory).unwrap_or(usize::MAX) };
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), limits);
    decoder.set_transformations(Transformations::normalize_to_color8());
    let header = decoder.read_header_info().map_err(damaged)?;
    let (width, height) = (header.width as usize, header.height as usize);
    let interlaced = header.interlaced;
    // All pixels, or two rows of them as they are stored: four values of 16 bits.
    let memory = if interlaced { 4 + 1 } else { (2_u64 * 4 * 2).div_ceil(height.max(1) as u64) };
    let mut average = target.average((width, height), memory)?;
    let mut reader = decoder.read_info().map_err(damaged)?;
    let orientation = reader.info().exif_metadata.as_deref().map_or(1, exif::orientation);
    let pixels = match reader.output_color_type().0 {
        ColorType::Grayscale => Pixels::Grey,
        ColorType::GrayscaleAlpha => Pixels::GreyAlpha,
        ColorType::Rgb => Pixels::Rgb,
        ColorType::Rgba => Pixels::Rgba,
        ColorType::Indexed => return Err("a palette that does not expand".into()),
    };
    if interlaced {
        let size = reader.output_buffer_size().ok_or("a size that no memory holds")?;
        let mut buffer = vec![0; size];
        let frame = reader.next_frame(&mut buffer).map_err(damaged)?;
        pixels.add_rows(&mut average, &buffer[..frame.buffer_size()]);
    } else {
        while let Some(row) = reader.next_row().map_err(damaged)? {
            pixels.add_rows(&mut average, row.data());
        }
    }
    // What follows is checked too: a file that breaks off is no whole picture.
    reader.finish().map_err(damaged)?;
    Ok(Decoded { size: (width, height), average, orientation })
}
