//! `report.md`: the page as Markdown, its figures beside it.

use askama::Template;

use super::page::Page;

#[derive(Template)]
#[template(path = "report.md")]
struct Markdown<'a> {
    page: &'a Page<'a>,
}

/// The page as Markdown; figures are named by their files.
pub(super) fn markdown(page: &Page) -> String {
    Markdown { page }.render().expect("a String takes all")
}
