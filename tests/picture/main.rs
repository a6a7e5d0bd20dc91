//! Pictures of every kind become CIFAR images, or get a clear refusal.

use std::path::{Path, PathBuf};

use onelayer::data::layout::{FEATURES, SIDE};
use onelayer::picture::Picture;
use png::{BitDepth, ColorType};
use proptest::prelude::*;

/// A PNG file of `data`, whose pixels are as the header says.
fn png_bytes(
    size: (u32, u32),
    colour: ColorType,
    depth: BitDepth,
    data: &[u8],
    palette: Option<&[u8]>,
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, size.0, size.1);
    encoder.set_color(colour);
    encoder.set_depth(depth);
    if let Some(palette) = palette {
        encoder.set_palette(palette);
    }
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(data).unwrap();
    writer.finish().unwrap();
    bytes
}

/// The result of reading a file of these bytes.
fn read(bytes: &[u8]) -> Result<Picture, String> {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("picture");
    std::fs::write(&path, bytes).unwrap();
    Picture::read(&path).map_err(|error| {
        let message = error.to_string();
        assert!(
            message.contains("picture: expected a PNG or JPEG picture, found") && !message.contains('\n')
        );
        message
    })
}

fn rgb(size: (u32, u32), colour: impl Fn(u32, u32) -> [u8; 3]) -> Vec<u8> {
    let data: Vec<u8> = (0..size.0 * size.1).flat_map(|i| colour(i % size.0, i / size.0)).collect();
    png_bytes(size, ColorType::Rgb, BitDepth::Eight, &data, None)
}

/// The colour at (x, y) of a CIFAR image.
fn at(picture: &Picture, x: usize, y: usize) -> [u8; 3] {
    [0, 1, 2].map(|channel| picture.features[channel * SIDE * SIDE + y * SIDE + x])
}

#[track_caller]
fn assert_all(picture: &Picture, colour: [u8; 3]) {
    assert_eq!(picture.features.len(), FEATURES);
    for i in 0..SIDE * SIDE {
        assert_eq!(at(picture, i % SIDE, i / SIDE), colour, "pixel {i}");
    }
}

#[test]
fn a_picture_of_cifars_size_is_taken_as_it_is() {
    let colour = |x: u32, y: u32| [(8 * x) as u8, (7 * y) as u8, (x * y % 256) as u8];
    let picture = read(&rgb((32, 32), colour)).unwrap();
    for (x, y) in (0..32).flat_map(|x| (0..32).map(move |y| (x, y))) {
        assert_eq!(at(&picture, x, y), colour(x as u32, y as u32));
    }
}

#[test]
fn a_larger_one_is_averaged_down() {
    // Blocks of 3 x 3 whose reds are 1 to 9 apart from a base.
    let picture = read(&rgb((96, 96), |x, y| [(x / 3 + x % 3 + 3 * (y % 3)) as u8, 0, 255])).unwrap();
    for x in 0..32 {
        assert_eq!(at(&picture, x, 5), [x as u8 + 4, 0, 255]);
    }
    // 48 to 32: each pixel covers one and a half, 2/3 of the first and 1/3 of the second in turn.
    let picture = read(&rgb((48, 48), |x, _| [[0, 90, 180][x as usize % 3]; 3])).unwrap();
    assert_eq!([at(&picture, 0, 0)[0], at(&picture, 1, 0)[0], at(&picture, 30, 31)[0]], [30, 150, 30]);
}

#[test]
fn the_centre_square_is_what_counts() {
    let stripe = |along: u32| if (50..150).contains(&along) { [10, 20, 30] } else { [255; 3] };
    let wide = read(&rgb((200, 100), |x, _| stripe(x))).unwrap();
    assert_eq!((wide.width, wide.height), (200, 100));
    assert_all(&wide, [10, 20, 30]);
    assert_all(&read(&rgb((100, 200), |_, y| stripe(y))).unwrap(), [10, 20, 30]);
}

#[test]
fn small_and_odd_sizes_keep_a_plain_colour() {
    for size in [(1, 1), (3, 2), (31, 33), (33, 47), (1, 500)] {
        assert_all(&read(&rgb(size, |_, _| [200, 100, 7])).unwrap(), [200, 100, 7]);
    }
}

#[test]
fn grey_palette_transparency_and_sixteen_bits() {
    let all = |colour, depth, pixel: &[u8], palette: Option<&[u8]>| {
        read(&png_bytes((4, 4), colour, depth, &pixel.repeat(16), palette)).unwrap()
    };
    assert_all(&all(ColorType::Grayscale, BitDepth::Eight, &[77], None), [77; 3]);
    assert_all(&all(ColorType::Grayscale, BitDepth::Sixteen, &[77, 200], None), [77; 3]);
    assert_all(&all(ColorType::Rgb, BitDepth::Sixteen, &[9, 99, 8, 88, 7, 77], None), [9, 8, 7]);
    assert_all(&all(ColorType::Indexed, BitDepth::Eight, &[1], Some(&[0, 0, 0, 1, 2, 3])), [1, 2, 3]);
    assert_all(&all(ColorType::Rgba, BitDepth::Eight, &[1, 2, 3, 255], None), [1, 2, 3]);
    assert_all(&all(ColorType::Rgba, BitDepth::Eight, &[1, 2, 3, 0], None), [255; 3]);
    assert_all(&all(ColorType::GrayscaleAlpha, BitDepth::Eight, &[0, 51], None), [204; 3]);
    // One bit a pixel, rows padded to a byte.
    assert_all(
        &read(&png_bytes((4, 2), ColorType::Grayscale, BitDepth::One, &[0xF0; 2], None)).unwrap(),
        [255; 3],
    );
}

/// A picture that lies beside this file: 64 x 48, the left half red, the right one blue.
fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/picture").join(name)
}

#[track_caller]
fn assert_near(found: [u8; 3], expected: [u8; 3]) {
    // Quantization moves flat colours by a few levels; near their border by more.
    let close = found.iter().zip(expected).all(|(&found, expected)| found.abs_diff(expected) <= 6);
    assert!(close, "{found:?}, not {expected:?}");
}

#[test]
fn jpeg_in_colour_grey_and_cmyk() {
    for name in ["halves.jpg", "cmyk.jpg"] {
        let picture = Picture::read(&fixture(name)).unwrap();
        assert_eq!((picture.width, picture.height), (64, 48));
        assert_near(at(&picture, 3, 16), [200, 30, 30]);
        assert_near(at(&picture, 28, 16), [30, 30, 200]);
    }
    let grey = Picture::read(&fixture("grey-progressive.jpg")).unwrap();
    // ITU-R BT.601's luma of the two colours.
    assert_near(at(&grey, 3, 16), [81; 3]);
    assert_near(at(&grey, 28, 16), [49; 3]);
}

#[test]
fn a_photograph_is_turned_as_its_camera_says() {
    let picture = Picture::read(&fixture("turned.jpg")).unwrap();
    assert_eq!((picture.width, picture.height), (48, 64));
    assert_near(at(&picture, 16, 3), [200, 30, 30]);
    assert_near(at(&picture, 16, 28), [30, 30, 200]);
}

#[test]
fn what_is_no_picture_is_refused() {
    assert!(read(b"").unwrap_err().ends_with("an empty file"));
    assert!(read(b"GIF89a and so on").unwrap_err().ends_with("a file of another kind"));
    let whole = rgb((64, 64), |x, y| [(x * y) as u8, x as u8, y as u8]);
    for length in [4, 20, 60, whole.len() / 2, whole.len() - 20] {
        assert!(read(&whole[..length]).unwrap_err().contains("a damaged one"), "{length} bytes");
    }
    let jpeg = std::fs::read(fixture("halves.jpg")).unwrap();
    for length in [2, 20, 300, jpeg.len() - 40] {
        assert!(read(&jpeg[..length]).unwrap_err().contains("a damaged one"), "{length} bytes");
    }
    let folder = tempfile::tempdir().unwrap();
    let error = Picture::read(folder.path()).unwrap_err().to_string();
    assert!(error.ends_with("expected a PNG or JPEG picture, found a folder"), "{error}");
    assert!(Picture::read(&folder.path().join("none.png")).is_err());
}

#[test]
fn a_decompression_bomb_is_refused_by_its_header() {
    let mut bytes = Vec::new();
    drop(png::Encoder::new(&mut bytes, 100_000, 100_000).write_header().unwrap());
    assert!(read(&bytes).unwrap_err().contains("100000 x 100000 pixels; at most 67108864"));
    // The frame header of a JPEG file holds height and width, 16 bits each.
    let mut jpeg = std::fs::read(fixture("halves.jpg")).unwrap();
    let frame = jpeg.windows(2).position(|marker| marker == [0xFF, 0xC0]).unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0x3F, 0xFF, 0x3F, 0xFF]);
    assert!(read(&jpeg).unwrap_err().contains("16383 x 16383 pixels"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever is damaged, a picture of the right size comes out or a refusal, and never a panic.
    #[test]
    fn damage_is_survived(
        kind in 0..5usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let names = ["halves.jpg", "cmyk.jpg", "grey-progressive.jpg", "turned.jpg"];
        let mut bytes = match names.get(kind) {
            Some(name) => std::fs::read(fixture(name)).unwrap(),
            None => rgb((40, 30), |x, y| [(x * y) as u8, x as u8, y as u8]),
        };
        for (index, value) in changes {
            let index = index.index(bytes.len());
            bytes[index] = value;
        }
        if let Ok(picture) = read(&bytes) {
            prop_assert_eq!(picture.features.len(), FEATURES);
        }
    }
}
