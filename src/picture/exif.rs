//! The orientation of a photograph.

/// The orientation in Exif data; 1, upright, if none can be read.
pub(super) fn orientation(exif: &[u8]) -> u8 {
    // Some writers begin as a JPEG's segment does.
    match find(exif.strip_prefix(b"Exif\0\0").unwrap_or(exif)) {
        Some(orientation @ 1..=8) => orientation as u8,
        _ => 1,
    }
}

fn find(exif: &[u8]) -> Option<u16> {
    const ORIENTATION: u16 = 0x0112;
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
    let mut entry = (0..entries).map(|entry| directory + 2 + 12 * entry);
    let orientation = entry.find(|&at| u16_at(at) == Some(ORIENTATION))?;
    u16_at(orientation + 8)
}
