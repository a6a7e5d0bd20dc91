//! `report.html`: one page that needs nothing else, for screens of any width and for paper.

use askama::Template;

use super::page::Page;

#[derive(Template)]
#[template(path = "report.html")]
struct Html<'a> {
    page: &'a Page<'a>,
}

/// The page as HTML, its figures within it.
pub(super) fn html(page: &Page) -> String {
    Html { page }.render().expect("a String takes all")
}
