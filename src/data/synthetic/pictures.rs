//! The ten pictures of the synthetic classes, drawn with integer arithmetic.
//!
//! Coordinates are in eighths of a pixel from the centre, y downward.

use super::super::layout::{CHANNELS, SIDE};

/// How far a picture may be shifted in each direction, in pixels.
pub const MARGIN: usize = 4;
/// The width and height of a picture, which fills the image even when it is shifted.
pub const PICTURE_SIDE: usize = SIDE + 2 * MARGIN;

/// The picture of a class.
pub struct Picture {
    /// The class's name.
    pub name: &'static str,
    background: Colour,
    /// The layers from back to front.
    layers: &'static [Layer],
}

type Colour = [i32; CHANNELS];

struct Layer {
    colour: Colour,
    covers: fn(i64, i64) -> bool,
}

/// A picture of layers on a background. A layer is a colour and the condition for a point to have it.
macro_rules! picture {
    ($name:literal on $background:expr, $($colour:expr => $covers:expr),+) => {
        Picture {
            name: $name,
            background: $background,
            layers: &[$(Layer { colour: $colour, covers: $covers }),+],
        }
    };
}

/// The picture of each class, in the order of their labels.
pub const PICTURES: [Picture; 10] = [
    picture!("sun" on [110, 180, 235], [250, 205, 50] => |x, y| disc(x, y, 80)),
    picture!("moon" on [30, 35, 80],
        [235, 235, 205] => |x, y| disc(x, y, 88) && !disc(x - 48, y + 24, 80)),
    picture!("heart" on [240, 215, 205], [205, 30, 50] => |x, y| heart(x, 15 - y, 72)),
    picture!("tree" on [205, 225, 235],
        [110, 70, 40] => |x, y| x.abs() < 16 && 32 < y && y < 96,
        [35, 120, 50] => |x, y| y < 48 && 2 * x.abs() < y + 104),
    picture!("house" on [150, 190, 120],
        [225, 205, 160] => |x, y| x.abs() < 64 && -16 < y && y < 80,
        [150, 50, 35] => |x, y| y < -16 && x.abs() < y + 96,
        [90, 60, 40] => |x, y| x.abs() < 20 && 24 < y && y < 80),
    picture!("ring" on [60, 60, 65], [240, 130, 30] => |x, y| disc(x, y, 96) && !disc(x, y, 52)),
    picture!("plus" on [235, 235, 150],
        [120, 50, 150] => |x, y| x.abs().min(y.abs()) < 28 && x.abs().max(y.abs()) < 96),
    picture!("diamond" on [190, 120, 150], [60, 210, 220] => |x, y| 4 * x.abs() + 3 * y.abs() < 352),
    picture!("boat" on [185, 215, 225],
        [40, 80, 140] => |_, y| 48 < y,
        [245, 245, 240] => |x, y| -8 < x && y < 16 && 4 * x < 3 * (y + 96),
        [200, 60, 40] => |x, y| 16 < y && y < 72 && 10 * x.abs() < 1040 - 9 * (y - 16)),
    picture!("flower" on [95, 150, 70],
        [235, 120, 170] => |x, y| disc(x, y.abs() - 60, 38) || disc(x.abs() - 52, y.abs() - 30, 38),
        [250, 215, 80] => |x, y| disc(x, y, 34)),
];

fn disc(x: i64, y: i64, radius: i64) -> bool {
    x * x + y * y < radius * radius
}

/// The curve `(x^2 + y^2 - 1)^3 = x^2 y^3`, `size` times as large, y upward.
fn heart(x: i64, y: i64, size: i64) -> bool {
    (x * x + y * y - size * size).pow(3) < x.pow(2) * y.pow(3) * size
}

impl Picture {
    /// The pixels of each channel, as differences from mid grey, 128.
    pub fn draw(&self) -> Template {
        let mut template = Template([[[0; PICTURE_SIDE]; PICTURE_SIDE]; CHANNELS]);
        for y in 0..PICTURE_SIDE {
            for x in 0..PICTURE_SIDE {
                let colour = self.colour(x, y);
                (0..CHANNELS).for_each(|c| template.0[c][y][x] = (colour[c] - 128) as i16);
            }
        }
        template
    }

    /// The colour of a pixel. The coverage of each layer is estimated from 4 x 4 points of the pixel.
    fn colour(&self, x: usize, y: usize) -> Colour {
        let point = |pixel: usize, i: i64| 8 * pixel as i64 + 2 * i + 1 - 4 * PICTURE_SIDE as i64;
        self.layers.iter().fold(self.background, |behind, layer| {
            let covered = (0..16).filter(|i| (layer.covers)(point(x, i % 4), point(y, i / 4))).count() as i32;
            std::array::from_fn(|c| (behind[c] * (16 - covered) + layer.colour[c] * covered + 8) / 16)
        })
    }
}

/// A drawn picture: `[channel][y][x]`.
pub struct Template(pub [[[i16; PICTURE_SIDE]; PICTURE_SIDE]; CHANNELS]);
