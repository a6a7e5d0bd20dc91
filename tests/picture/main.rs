//! Pictures of every kind become CIFAR images, or get a clear refusal.

use std::path::{Path, PathBuf};

use onelayer::data::layout::{FEATURES, SIDE};
use onelayer::picture::{Picture, Shape};
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
    Picture::read(&path, Shape::CIFAR).map_err(|error| {
        let message = error.to_string();
        assert!(
            message.contains("picture: expected a PNG, JPEG, WebP, GIF or BMP picture, found")
                && !message.contains('\n')
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
        let picture = Picture::read(&fixture(name), Shape::CIFAR).unwrap();
        assert_eq!((picture.width, picture.height), (64, 48));
        assert_near(at(&picture, 3, 16), [200, 30, 30]);
        assert_near(at(&picture, 28, 16), [30, 30, 200]);
    }
    let grey = Picture::read(&fixture("grey-progressive.jpg"), Shape::CIFAR).unwrap();
    // ITU-R BT.601's luma of the two colours.
    assert_near(at(&grey, 3, 16), [81; 3]);
    assert_near(at(&grey, 28, 16), [49; 3]);
}

#[test]
fn webp_and_gif_still_and_moving() {
    // Of an animation, whose second picture is green, the first one.
    for name in ["halves.webp", "halves-lossless.webp", "animated.webp", "animated.gif"] {
        let picture = Picture::read(&fixture(name), Shape::CIFAR).unwrap();
        assert_eq!((picture.width, picture.height), (64, 48), "{name}");
        assert_near(at(&picture, 3, 16), [200, 30, 30]);
        assert_near(at(&picture, 28, 16), [30, 30, 200]);
    }
    // A fifth of its colour is seen.
    let faint = Picture::read(&fixture("faint.webp"), Shape::CIFAR).unwrap();
    assert_near(at(&faint, 3, 16), [244, 210, 210]);
}

/// A picture of 2 x 2 pixels, red, green, blue and white, at the right bottom of a screen of 4 x 4.
#[test]
fn what_a_gif_does_not_cover_is_white() {
    let mut bytes = Vec::new();
    let palette = [200, 0, 0, 0, 200, 0, 0, 0, 200, 9, 9, 9];
    let mut encoder = gif::Encoder::new(&mut bytes, 4, 4, &palette).unwrap();
    let frame = gif::Frame::from_indexed_pixels(2, 2, [0, 1, 2, 3], Some(3));
    encoder.write_frame(&gif::Frame { left: 2, top: 2, ..frame }).unwrap();
    drop(encoder);
    let picture = read(&bytes).unwrap();
    let seen =
        [(0, 0), (16, 0), (0, 31), (17, 17), (25, 17), (17, 25), (25, 25)].map(|(x, y)| at(&picture, x, y));
    let white = [255; 3];
    assert_eq!(seen, [white, white, white, [200, 0, 0], [0, 200, 0], [0, 0, 200], white]);
}

/// A BMP file of this size: a palette, and rows of so many bits a pixel, padded to four bytes.
fn bmp(
    (width, height): (i32, i32),
    bits: u16,
    compression: u32,
    palette: &[[u8; 4]],
    rows: &[u8],
) -> Vec<u8> {
    let offset = 54 + 4 * palette.len() as u32;
    let header = [offset + rows.len() as u32, 0, offset, 40].map(u32::to_le_bytes).concat();
    let size = [width, height].map(i32::to_le_bytes).concat();
    let depth = [1, bits].map(u16::to_le_bytes).concat();
    let rest = [compression, rows.len() as u32, 0, 0, palette.len() as u32, 0].map(u32::to_le_bytes).concat();
    [b"BM", &header[..], &size, &depth, &rest, palette.as_flattened(), rows].concat()
}

#[test]
fn bmp_in_every_depth() {
    // Red left, blue right; black below. Colours are stored as blue, green, red, and rows from the bottom.
    let (red, blue, black) = ([30, 30, 200], [200, 30, 30], [0, 0, 0]);
    let rows = [[black, black], [red, blue]].map(|row| [row.as_flattened(), &[0, 0]].concat()).concat();
    let palette = [[0, 0, 0, 0], [30, 30, 200, 0], [200, 30, 30, 0]];
    let full = |[b, g, r]: [u8; 3]| [b, g, r, 255];
    let top_down = [red, blue, black, black].map(full).concat();
    for bytes in [
        bmp((2, 2), 24, 0, &[], &rows),
        bmp((2, -2), 32, 0, &[], &top_down),
        bmp((2, 2), 8, 0, &palette, &[0, 0, 0, 0, 1, 2, 0, 0]),
        bmp((2, 2), 4, 0, &palette, &[0, 0, 0, 0, 0x12, 0, 0, 0]),
        // Runs of two pixels, and of one and one; then the end.
        bmp((2, 2), 8, 1, &palette, &[2, 0, 0, 0, 1, 1, 1, 2, 0, 0, 0, 1]),
        // A run of four bits each; two and two, of which the second are beyond the row; a step up from the first row.
        bmp((2, 2), 4, 2, &palette, &[0, 2, 0, 1, 2, 0x12, 0, 1]),
        bmp((2, 2), 4, 2, &palette, &[0, 2, 0, 1, 0, 4, 0x12, 0x12, 0, 1]),
    ] {
        let picture = read(&bytes).unwrap();
        assert_eq!((picture.width, picture.height), (2, 2));
        assert_eq!([at(&picture, 3, 3), at(&picture, 28, 3)], [[200, 30, 30], [30, 30, 200]], "{bytes:?}");
        assert_eq!([at(&picture, 3, 28), at(&picture, 28, 28)], [[0; 3]; 2]);
        let cut = read(&bytes[..bytes.len() - 5]);
        assert!(cut.is_err_and(|error| error.contains("a damaged one")), "{bytes:?}");
    }
    // One bit a pixel; five a colour, or as masks say; opacity of a fifth.
    let masks = [0xF800_u32, 0x07E0, 0x001F].map(u32::to_le_bytes).concat();
    let alpha = [255 << 16, 255 << 8, 255, 255 << 24].map(u32::to_le_bytes).concat();
    let masked = |(masks, rows): (&[u8], &[u8]), bits, storage| {
        let mut bytes = bmp((2, 2), bits, storage, &[], &[masks, rows, rows].concat());
        bytes[10] += masks.len() as u8;
        bytes
    };
    let red_blue = [[200, 30, 30], [30, 30, 200]];
    for (bytes, expected) in [
        (bmp((2, 2), 1, 0, &palette[1..], &[0b0100_0000, 0, 0, 0].repeat(2)), red_blue),
        (bmp((2, 2), 16, 0, &[], &[0x84, 0x60, 0x98, 0x10].repeat(2)), red_blue),
        (masked((&masks, &[0xE4, 0xC0, 0xF8, 0x20]), 16, 3), red_blue),
        (masked((&alpha, &[30, 30, 200, 51, 200, 30, 30, 0]), 32, 6), [[244, 210, 210], [255; 3]]),
    ] {
        let picture = read(&bytes).unwrap();
        [(3, 15), (28, 15)]
            .iter()
            .zip(expected)
            .for_each(|(&(x, y), colour)| assert_near(at(&picture, x, y), colour));
    }
    assert!(
        read(&bmp((1, 1), 24, 4, &[], &[0; 4])).unwrap_err().ends_with("24 bits a pixel, stored in way 4")
    );
    assert!(read(&bmp((0, 1), 24, 0, &[], &[])).unwrap_err().ends_with("one without a pixel"));
}

/// The segments of a JPEG file's header, each with its marker, and what follows them.
fn segments(jpeg: &[u8]) -> (Vec<&[u8]>, &[u8]) {
    let (mut segments, mut at) = (Vec::new(), 2);
    while segments.last().is_none_or(|segment: &&[u8]| segment[1] != 0xDA) {
        let end = at + 2 + usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
        segments.push(&jpeg[at..end]);
        at = end;
    }
    (segments, &jpeg[at..])
}

#[test]
fn a_jpeg_with_stray_bytes_or_without_tables_is_read() {
    let whole = std::fs::read(fixture("halves.jpg")).unwrap();
    let (header, rest) = segments(&whole);
    let expected = Picture::read(&fixture("halves.jpg"), Shape::CIFAR).unwrap();
    let stray: Vec<u8> = header.iter().flat_map(|segment| [segment, &[0, 7, 0, 0, 9][..]].concat()).collect();
    // The bytes after the last one would be pixels.
    let stray = [b"\xFF\xD8", &stray[..stray.len() - 5], rest].concat();
    assert!(read(&stray).unwrap() == expected, "bytes between its segments");
    let fill: Vec<u8> = header.iter().flat_map(|segment| [b"\xFF\xFF", *segment].concat()).collect();
    assert!(read(&[b"\xFF\xD8", &fill[..], rest].concat()).unwrap() == expected, "bytes that fill");
    // A frame of a film. Its tables are the standard's, as this file's are.
    let frame: Vec<u8> =
        header.iter().filter(|segment| segment[1] != 0xC4).copied().collect::<Vec<_>>().concat();
    assert!(read(&[b"\xFF\xD8", &frame[..], rest].concat()).unwrap() == expected, "no tables");
}

#[test]
fn a_model_of_greys_sees_brightness() {
    let grey = |bytes: &[u8], side: usize| {
        let scratch = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(scratch.path(), bytes).unwrap();
        Picture::read(scratch.path(), Shape { side, colour: false }).unwrap().features
    };
    let pixels: Vec<u8> = (0..28 * 28).map(|at| (at * 7 % 256) as u8).collect();
    let digit = png_bytes((28, 28), ColorType::Grayscale, BitDepth::Eight, &pixels, None);
    assert!(grey(&digit, 28) == pixels, "as it is");
    assert_eq!(grey(&rgb((40, 30), |_, _| [200, 100, 50]), 2), [124; 4]);
    let image = Picture::read(&fixture("halves.jpg"), Shape { side: 16, colour: true }).unwrap();
    assert_eq!(image.features.len(), 3 * 16 * 16);
}

#[test]
fn a_photograph_is_turned_as_its_camera_says() {
    let picture = Picture::read(&fixture("turned.jpg"), Shape::CIFAR).unwrap();
    assert_eq!((picture.width, picture.height), (48, 64));
    assert_near(at(&picture, 16, 3), [200, 30, 30]);
    assert_near(at(&picture, 16, 28), [30, 30, 200]);
}

#[test]
fn what_is_no_picture_is_refused() {
    assert!(read(b"").unwrap_err().ends_with("an empty file"));
    assert!(read(b"%PDF-1.4 and so on").unwrap_err().ends_with("a file of another kind"));
    let whole = rgb((64, 64), |x, y| [(x * y) as u8, x as u8, y as u8]);
    for length in [4, 20, 60, whole.len() / 2, whole.len() - 20] {
        assert!(read(&whole[..length]).unwrap_err().contains("a damaged one"), "{length} bytes");
    }
    for name in ["halves.jpg", "grey-progressive.jpg", "halves.webp", "halves-lossless.webp"] {
        let whole = std::fs::read(fixture(name)).unwrap();
        for length in [12, 20, whole.len() / 2, 2 * whole.len() / 3] {
            let cut = read(&whole[..length]);
            assert!(cut.is_err_and(|error| error.contains("a damaged one")), "{name}: {length} bytes");
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let error = Picture::read(folder.path(), Shape::CIFAR).unwrap_err().to_string();
    assert!(error.ends_with("expected a PNG, JPEG, WebP, GIF or BMP picture, found a folder"), "{error}");
    assert!(Picture::read(&folder.path().join("none.png"), Shape::CIFAR).is_err());
}

#[test]
fn a_decompression_bomb_is_refused_by_its_header() {
    let mut bytes = Vec::new();
    drop(png::Encoder::new(&mut bytes, 100_000, 100_000).write_header().unwrap());
    assert!(read(&bytes).unwrap_err().contains("100000 x 100000 pixels; at most 805306"));
    // The frame header of a JPEG file holds height and width, 16 bits each. A progressive one is kept whole.
    for (name, marker, most) in [("halves.jpg", 0xC0, "80530"), ("grey-progressive.jpg", 0xC2, "26843")] {
        let mut jpeg = std::fs::read(fixture(name)).unwrap();
        let frame = jpeg.windows(2).position(|pair| pair == [0xFF, marker]).unwrap();
        jpeg[frame + 5..frame + 9].copy_from_slice(&[0x7F, 0xFF, 0x7F, 0xFF]);
        let error = read(&jpeg).unwrap_err();
        assert!(error.contains(&format!("32767 x 32767 pixels; at most {most}")), "{error}");
    }
    let error = read(&bmp((1 << 16, 1 << 16), 24, 0, &[], &[0; 64])).unwrap_err();
    assert!(error.contains("65536 x 65536 pixels; at most 80530"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever is damaged, a picture of the right size comes out or a refusal, and never a panic.
    #[test]
    fn damage_is_survived(
        kind in 0..12usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let names = [
            "halves.jpg", "cmyk.jpg", "grey-progressive.jpg", "turned.jpg", "halves.webp", "faint.webp", "animated.webp",
            "animated.gif",
        ];
        let mut bytes = match names.get(kind) {
            Some(name) => std::fs::read(fixture(name)).unwrap(),
            None => match kind - names.len() {
                0 => rgb((40, 30), |x, y| [(x * y) as u8, x as u8, y as u8]),
                1 => bmp((5, 3), 24, 0, &[], &[7; 48]),
                2 => bmp((5, 3), 4, 2, &[[1, 2, 3, 0]; 16], &[5, 0x12, 0, 0, 0, 5, 0x12, 0x34, 0x50, 0, 0, 2, 1, 1, 0, 1]),
                _ => bmp((5, 3), 1, 0, &[[1, 2, 3, 0]; 2], &[7; 12]),
            },
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
