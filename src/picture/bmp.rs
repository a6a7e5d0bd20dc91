//! BMP: pixels of 1 to 32 bits, with or without a palette, in rows from the bottom or from the top; or runs of pixels.

use super::decoding::{Decoded, Refusal, Target, damaged, on_white};
use crate::data::layout::CHANNELS;

/// The sizes of the file's header, and of the smallest header of a picture, whose numbers have 16 bits.
const FILE: usize = 14;
const SMALL: usize = 12;
/// Ways in which pixels are stored.
const PLAIN: u32 = 0;
const RUNS_8: u32 = 1;
const RUNS_4: u32 = 2;
const MASKED: u32 = 3;
const MASKED_ALPHA: u32 = 6;

/// What the headers say, and the file.
struct Bmp<'a> {
    bytes: &'a [u8],
    size: (usize, usize),
    /// Whether the first row is the top one.
    top_down: bool,
    /// The bits of a pixel.
    bits: usize,
    storage: u32,
    /// The bits of red, green, blue and opacity, where there is no palette.
    masks: [u32; CHANNELS + 1],
    palette: Vec<[u8; CHANNELS]>,
    /// The first byte of the pixels.
    pixels: usize,
}

pub(super) fn decode(bytes: &[u8], target: Target) -> Result<Decoded, Refusal> {
    let bmp = Bmp::read(bytes).ok_or_else(|| damaged("its header breaks off"))?;
    let (width, height) = bmp.size;
    let runs = matches!(bmp.storage, RUNS_4 | RUNS_8);
    let mut average = target.average(bmp.size, u64::from(runs))?;
    let stored = match (bmp.storage, bmp.bits) {
        (PLAIN, 1 | 4 | 8 | 16 | 24 | 32) | (MASKED | MASKED_ALPHA, 16 | 32) => None,
        (RUNS_4, 4) | (RUNS_8, 8) => Some(bmp.runs().ok_or_else(|| damaged("its runs break off"))?),
        (storage, bits) => return Err(format!("one of {bits} bits a pixel, stored in way {storage}")),
    };
    // Rows of a whole number of 32 bits.
    let stride = (width * bmp.bits).div_ceil(32) * 4;
    for y in 0..height {
        let row = if bmp.top_down { y } else { height - 1 - y };
        if let Some(stored) = &stored {
            let row = &stored[row * width..][..width];
            average.add_row(|x| bmp.colour(row[x].into()));
            continue;
        }
        let start = row.checked_mul(stride).and_then(|start| start.checked_add(bmp.pixels));
        let row = start.and_then(|start| bytes.get(start..start.checked_add(stride)?));
        let row = row.ok_or_else(|| damaged(format_args!("its row {y} breaks off")))?;
        average.add_row(|x| bmp.pixel(row, x));
    }
    Ok(Decoded { size: bmp.size, average, orientation: 1 })
}

impl<'a> Bmp<'a> {
    /// Reads the headers; none where they break off.
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let u16_at = |at: usize| Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
        let u32_at = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        let (pixels, header) = (u32_at(10)? as usize, u32_at(FILE)? as usize);
        let small = header == SMALL;
        let (width, height, bits) = match small {
            true => (u32::from(u16_at(18)?), i32::from(u16_at(20)?), u16_at(24)?),
            false => (u32_at(18)?, u32_at(22)?.cast_signed(), u16_at(28)?),
        };
        let storage = if small { PLAIN } else { u32_at(30)? };
        let masked = matches!(storage, MASKED | MASKED_ALPHA);
        let mut masks = if bits == 16 { [31 << 10, 31 << 5, 31, 0] } else { [255 << 16, 255 << 8, 255, 0] };
        if masked {
            masks = [u32_at(54)?, u32_at(58)?, u32_at(62)?, 0];
            // It stands in larger headers, or is announced.
            if header >= 56 || storage == MASKED_ALPHA {
                masks[CHANNELS] = u32_at(66)?;
            }
        }
        let (entry, most) = (if small { 3 } else { 4 }, 1_usize << bits.min(8));
        let used = if small { 0 } else { u32_at(46)? as usize };
        let used = if used == 0 || bits > 8 { most } else { used.min(most) };
        let palette = bytes.get(FILE.checked_add(header)?..)?.chunks_exact(entry).take(used);
        let palette =
            if bits > 8 { Vec::new() } else { palette.map(|bgr| [bgr[2], bgr[1], bgr[0]]).collect() };
        let size = (width as usize, height.unsigned_abs() as usize);
        Some(Self { bytes, size, top_down: height < 0, bits: bits.into(), storage, masks, palette, pixels })
    }

    /// A colour of the palette; black where it has no such one.
    fn colour(&self, index: usize) -> [u8; CHANNELS] {
        self.palette.get(index).copied().unwrap_or_default()
    }

    /// The pixel at `x` of a row.
    fn pixel(&self, row: &[u8], x: usize) -> [u8; CHANNELS] {
        match self.bits {
            24 => [2, 1, 0].map(|channel| row[3 * x + channel]),
            16 | 32 => {
                let bytes = &row[x * self.bits / 8..][..self.bits / 8];
                let value = bytes.iter().rev().fold(0, |value, &byte| value << 8 | u32::from(byte));
                let [r, g, b, alpha] = self.masks.map(|mask| part(value, mask));
                on_white([r, g, b], if self.masks[CHANNELS] == 0 { u8::MAX } else { alpha })
            }
            bits => {
                let shift = 8 - bits - x * bits % 8;
                self.colour(usize::from(row[x * bits / 8] >> shift) & ((1 << bits) - 1))
            }
        }
    }

    /// The numbers of the colours of all pixels, row by row as they are stored; none where the runs break off.
    fn runs(&self) -> Option<Vec<u8>> {
        let (width, height) = self.size;
        let mut stored = vec![0; width * height];
        let (mut x, mut y) = (0, 0);
        // Those beyond the row, or the last one, are not shown.
        let mut put = |x: usize, y: usize, colour: u8| {
            if x < width && y < height {
                stored[y * width + x] = colour;
            }
        };
        let nibble = |byte: u8, index: usize| if index.is_multiple_of(2) { byte >> 4 } else { byte & 15 };
        let mut rest = self.bytes.get(self.pixels..)?;
        let mut take = |count: usize| {
            let (taken, after) = rest.split_at_checked(count)?;
            rest = after;
            Some(taken)
        };
        while y < height {
            match *take(2)? {
                [0, 0] => (x, y) = (0, y + 1),
                [0, 1] => break,
                [0, 2] => {
                    let &[right, up] = take(2)? else { return None };
                    (x, y) = (x + usize::from(right), y + usize::from(up));
                }
                [0, count] => {
                    let count = usize::from(count);
                    let bytes = take((count * self.bits).div_ceil(16) * 2)?;
                    for index in 0..count {
                        let four = self.bits == 4;
                        let colour = if four { nibble(bytes[index / 2], index) } else { bytes[index] };
                        put(x + index, y, colour);
                    }
                    x += count;
                }
                [count, value] => {
                    for index in 0..usize::from(count) {
                        put(x + index, y, if self.bits == 4 { nibble(value, index) } else { value });
                    }
                    x += usize::from(count);
                }
                _ => return None,
            }
        }
        Some(stored)
    }
}

/// The bits of `mask` in `value`, as a number from 0 to 255.
fn part(value: u32, mask: u32) -> u8 {
    let most = mask.checked_shr(mask.trailing_zeros()).unwrap_or(0);
    let found = (value & mask).checked_shr(mask.trailing_zeros()).unwrap_or(0);
    (u64::from(found) * 255 + u64::from(most) / 2).checked_div(most.into()).unwrap_or(0).min(255) as u8
}
