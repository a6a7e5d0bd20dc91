//! GIF: the first picture, on its screen, which is transparent where the picture does not cover it.

use ::gif::{ColorOutput, DecodeOptions, MemoryLimit};

use super::decoding::{Decoded, Pixels, Refusal, Target, damaged};
use crate::data::layout::CHANNELS;

pub(super) fn decode(bytes: &[u8], target: Target) -> Result<Decoded, Refusal> {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::RGBA);
    options.check_frame_consistency(true);
    options.set_memory_limit(MemoryLimit::Bytes(target.memory.try_into().map_err(damaged)?));
    let mut decoder = options.read_info(bytes).map_err(damaged)?;
    let size = (usize::from(decoder.width()), usize::from(decoder.height()));
    // The pixels, and their numbers in the palette.
    let mut average = target.average(size, 4 + 1)?;
    let frame = decoder.read_next_frame().map_err(damaged)?.ok_or("a GIF file without a picture")?;
    let [left, top, width, height] = [frame.left, frame.top, frame.width, frame.height].map(usize::from);
    let rows = left..left + width;
    for y in 0..size.1 {
        let row = y.checked_sub(top).filter(|&row| row < height);
        let row = row.map(|row| &frame.buffer[row * width * 4..][..width * 4]);
        average.add_row(|x| match row {
            Some(row) if rows.contains(&x) => Pixels::Rgba.rgb(row, x - left),
            _ => [u8::MAX; CHANNELS],
        });
    }
    Ok(Decoded { size, average, orientation: 1 })
}
