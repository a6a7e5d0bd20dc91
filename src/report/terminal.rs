//! Class templates in a terminal: half blocks in true colour, two pixels a character.

use std::fmt::Write;

use super::Templates;
use crate::data::layout::SIDE;

/// Characters between two templates.
const GAP: usize = 2;

impl Templates {
    /// The templates as lines of at most `width` characters, but at least one template wide, each above the name
    /// of its class. For terminals that know 24-bit colour.
    pub fn half_blocks(&self, classes: &[String], width: usize) -> String {
        let columns = ((width + GAP) / (SIDE + GAP)).clamp(1, self.len());
        let all: Vec<usize> = (0..self.len()).collect();
        let mut text = String::new();
        for row in all.chunks(columns) {
            for y in (0..SIDE).step_by(2) {
                let lines: Vec<String> = row.iter().map(|&class| self.half_block_line(class, y)).collect();
                text += &(lines.join(&" ".repeat(GAP)) + "\n");
            }
            let name = |&class: &usize| format!("{:^SIDE$}", classes.get(class).map_or("", String::as_str));
            let names: Vec<String> = row.iter().map(name).collect();
            text += &(names.join(&" ".repeat(GAP)) + "\n\n");
        }
        text
    }

    /// Pixel rows `y` and `y + 1`: the upper one is the block's colour, the lower one the ground's.
    fn half_block_line(&self, class: usize, y: usize) -> String {
        let row = |y: usize| &self.image(class)[y * SIDE..][..SIDE];
        let mut text = String::new();
        for ([r, g, b], [under_r, under_g, under_b]) in row(y).iter().zip(row(y + 1)) {
            write!(text, "\x1b[38;2;{r};{g};{b}m\x1b[48;2;{under_r};{under_g};{under_b}m▀")
                .expect("a String takes all");
        }
        text + "\x1b[0m"
    }
}
