//! Class templates in a terminal, two pixels a character, one above the other.

use std::fmt::Write;

use super::Templates;
use super::columns::{centre, cut};
use super::templates::Pixel;

/// Characters between two templates.
const GAP: usize = 2;
/// From dark to light.
const SHADES: [char; 5] = [' ', '░', '▒', '▓', '█'];

/// What a terminal can draw with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// 24-bit colours: half blocks show every pixel.
    TrueColour,
    /// None: shades of the two pixels' mean brightness, from the darkest to the lightest pixel of the class.
    Shades,
}

impl Templates {
    /// The templates side by side, each above the name of its class, in lines of at most `width` characters;
    /// one template is drawn even where that is less.
    pub fn text(&self, classes: &[String], width: usize, ink: Ink) -> String {
        let side = self.side;
        let columns = ((width + GAP) / (side + GAP)).clamp(1, self.images.len());
        let all: Vec<usize> = (0..self.images.len()).collect();
        let mut text = String::new();
        for row in all.chunks(columns) {
            let mut line = |cells: Vec<String>| text += &(cells.join(&" ".repeat(GAP)) + "\n");
            for y in (0..side).step_by(2) {
                line(row.iter().map(|&class| self.text_line(class, y, ink)).collect());
            }
            let name =
                |&class: &usize| centre(cut(classes.get(class).map_or("", String::as_str), side), side);
            line(row.iter().map(name).collect());
            line(Vec::new());
        }
        text
    }

    /// Pixel rows `y` and `y + 1`. Of a half block the upper pixel is the ink, the lower one the ground.
    fn text_line(&self, class: usize, y: usize, ink: Ink) -> String {
        let row = |y: usize| &self.image(class)[y * self.side..][..self.side];
        let pixels = row(y).iter().zip(row(y + 1));
        match ink {
            Ink::Shades => {
                let lumas = || self.image(class).iter().map(luma);
                let (dark, light) = (lumas().fold(f64::MAX, f64::min), lumas().fold(0.0, f64::max));
                let share = |luma: f64| (luma - dark) / (light - dark).max(1.0);
                let shade =
                    |luma: f64| SHADES[((share(luma) * SHADES.len() as f64) as usize).min(SHADES.len() - 1)];
                pixels.map(|(upper, lower)| shade(0.5 * (luma(upper) + luma(lower)))).collect()
            }
            Ink::TrueColour => {
                let mut text = String::new();
                for ([r, g, b], [under_r, under_g, under_b]) in pixels {
                    write!(text, "\x1b[38;2;{r};{g};{b}m\x1b[48;2;{under_r};{under_g};{under_b}m▀")
                        .expect("a String takes all");
                }
                text + "\x1b[0m"
            }
        }
    }
}

/// A pixel's brightness: ITU-R BT.601's luma.
fn luma(&[r, g, b]: &Pixel) -> f64 {
    0.299 * f64::from(r) + 0.587 * f64::from(g) + 0.114 * f64::from(b)
}
