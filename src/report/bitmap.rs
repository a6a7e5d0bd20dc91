//! Pictures made of pixels, as PNG.

/// A PNG of `width` RGB pixels in a row, which must be whole rows.
pub(super) fn png(width: usize, pixels: &[[u8; 3]]) -> Vec<u8> {
    encoded(width, png::ColorType::Rgb, pixels)
}

/// The same of pixels that the ground shines through, as their fourth byte says.
pub(super) fn translucent_png(width: usize, pixels: &[[u8; 4]]) -> Vec<u8> {
    encoded(width, png::ColorType::Rgba, pixels)
}

fn encoded<const N: usize>(width: usize, colour: png::ColorType, pixels: &[[u8; N]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width as u32, (pixels.len() / width) as u32);
    encoder.set_color(colour);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header().expect("a Vec takes all");
    writer.write_image_data(pixels.as_flattened()).expect("pixels are [height, width]");
    writer.finish().expect("a Vec takes all");
    bytes
}
