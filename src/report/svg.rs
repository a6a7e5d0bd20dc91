//! SVG, written by hand: the few shapes that the figures are made of, and nothing that has to be loaded. They are drawn on
//! a white ground; a screen that prefers dark ones shows each colour by its counterpart on a dark ground.

use std::fmt::{Display, Write};

use base64::prelude::{BASE64_STANDARD, Engine};

/// Okabe and Ito's colours: colour-blind people tell them apart.
pub(super) const BLUE: &str = "#0072b2";
pub(super) const VERMILION: &str = "#d55e00";
pub(super) const GREEN: &str = "#009e73";
pub(super) const PINK: &str = "#cc79a7";
pub(super) const ORANGE: &str = "#e69f00";
/// Text and axes.
pub(super) const INK: &str = "#222";
/// Grid lines.
pub(super) const GRID: &str = "#ddd";
/// The ground.
pub(super) const GROUND: &str = "#fff";
/// What is one of many, and edges.
pub(super) const FAINT: &str = "#bbb";
pub(super) const EDGE: &str = "#888";
/// Each colour, and what it is on a dark screen. Whatever is drawn has one of these.
const DARK: [(&str, &str); 10] = [
    (INK, "#e6e6e4"),
    (GRID, "#3a3e41"),
    (GROUND, "#1f2225"),
    (FAINT, "#5b6065"),
    (EDGE, "#999"),
    (BLUE, "#56b4e9"),
    (VERMILION, "#ee8a4a"),
    (GREEN, "#2bbf93"),
    (PINK, "#d894ba"),
    (ORANGE, "#f0b429"),
];
/// The size of all text, in the figures' own units.
pub(super) const TEXT: f64 = 16.0;

/// Which part of a text stands at its position.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A picture that grows shape by shape.
pub(super) struct Svg {
    width: f64,
    height: f64,
    body: String,
}

impl Svg {
    /// An empty white picture.
    pub fn new(width: f64, height: f64) -> Self {
        Self { width, height, body: String::new() }
    }

    /// Text whose baseline is at `y`.
    pub fn text(&mut self, (x, y): (f64, f64), anchor: Anchor, text: impl Display) {
        self.styled_text((x, y), anchor, "", text);
    }

    /// Text with attributes of its own.
    pub fn styled_text(&mut self, (x, y): (f64, f64), anchor: Anchor, style: &str, text: impl Display) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let text = escape(&text.to_string());
        self.shape(format_args!("<text x=\"{x:.1}\" y=\"{y:.1}\"{anchor}{style}>{text}</text>"));
    }

    /// Text that is read from bottom to top, centred on a point.
    pub fn vertical_text(&mut self, (x, y): (f64, f64), text: impl Display) {
        let turn = format!(" transform=\"rotate(-90 {x:.1} {y:.1})\"");
        self.styled_text((x, y), Anchor::Middle, &turn, text);
    }

    /// A straight line; `style` holds its attributes.
    pub fn line(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64), style: &str) {
        self.shape(format_args!("<path d=\"M{x1:.1} {y1:.1}L{x2:.1} {y2:.1}\"{style}/>"));
    }

    /// A filled rectangle.
    pub fn rectangle(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), style: &str) {
        let size = format_args!("width=\"{width:.1}\" height=\"{height:.1}\"");
        self.shape(format_args!("<rect x=\"{x:.1}\" y=\"{y:.1}\" {size}{style}/>"));
    }

    /// A small open circle.
    pub fn circle(&mut self, centre: (f64, f64), style: &str) {
        self.dot(centre, 3.5, style);
    }

    /// A circle of this radius.
    pub fn dot(&mut self, (x, y): (f64, f64), radius: f64, style: &str) {
        self.shape(format_args!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\"{style}/>"));
    }

    /// A PNG whose pixels stay sharp when they are enlarged.
    pub fn bitmap(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), png: &[u8]) {
        let png = BASE64_STANDARD.encode(png);
        self.shape(format_args!(
            "<image x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" \
             style=\"image-rendering:pixelated\" href=\"data:image/png;base64,{png}\"/>"
        ));
    }

    /// Any other shape.
    pub fn shape(&mut self, shape: impl Display) {
        writeln!(self.body, "{shape}").expect("a String takes all");
    }

    /// The picture; `label` says what it shows to those who cannot see it.
    ///
    /// The colours of a dark screen are chosen by those of a light one: who knows nothing of style sheets sees the latter.
    pub fn finish(self, label: &str) -> String {
        let Self { width, height, body } = self;
        let (label, dark) = (escape(label), dark());
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
             height=\"{height}\" role=\"img\" aria-label=\"{label}\" class=\"figure\" font-size=\"{TEXT}\" fill=\"{INK}\" \
             font-family=\"'Helvetica Neue', Arial, 'Liberation Sans', sans-serif\">\n\
             <style>{dark}</style>\n<rect width=\"{width}\" height=\"{height}\" fill=\"{GROUND}\"/>\n{body}</svg>\n"
        )
    }
}

/// The style of a shape that is the darker blue the greater its share, and the colour of a text that can be read on it.
pub(super) fn shade(share: f64) -> (String, &'static str) {
    let ink = if share > 0.75 { GROUND } else { INK };
    (format!(" fill=\"{BLUE}\" fill-opacity=\"{:.3}\"", share.clamp(0.0, 1.0)), ink)
}

/// The style sheet of a dark screen. On paper the ground is white.
fn dark() -> String {
    let rule = |(light, dark): (&str, &str)| {
        format!(".figure [fill=\"{light}\"]{{fill:{dark}}}.figure [stroke=\"{light}\"]{{stroke:{dark}}}")
    };
    let (rules, [(_, ink), ..]) = (DARK.map(rule).concat(), DARK);
    format!("@media screen and (prefers-color-scheme:dark){{.figure{{fill:{ink}}}{rules}}}")
}

/// `text` as it may stand between tags and within quotes.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
