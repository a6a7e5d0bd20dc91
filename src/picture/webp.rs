//! WebP: the picture, or the first one of an animation.

use std::io::Cursor;

use image_webp::WebPDecoder;

use super::decoding::{Decoded, Pixels, Refusal, Target, damaged};
use super::exif;

pub(super) fn decode(bytes: &[u8], target: Target) -> Result<Decoded, Refusal> {
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    let size = (width as usize, height as usize);
    // The pixels; and before them planes, of which two are small, or pixels; of an animation the frame, too.
    let memory = match (decoder.is_animated(), decoder.is_lossy(), decoder.has_alpha()) {
        (true, _, _) => 12,
        (false, true, false) => 5,
        (false, _, _) => 8,
    };
    let mut average = target.average(size, memory)?;
    let mut buffer = vec![0; decoder.output_buffer_size().ok_or("a size that no memory holds")?];
    decoder.read_image(&mut buffer).map_err(damaged)?;
    let pixels = if decoder.has_alpha() { Pixels::Rgba } else { Pixels::Rgb };
    pixels.add_rows(&mut average, &buffer);
    let exif = decoder.exif_metadata().map_err(damaged)?;
    let orientation = exif.as_deref().map_or(1, exif::orientation);
    Ok(Decoded { size, average, orientation })
}
