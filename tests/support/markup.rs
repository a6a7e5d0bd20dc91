//! A small reader of HTML and SVG: enough to see that tags are balanced, and to find what is between them.

/// Checks that every element is closed in order, and every attribute quoted.
pub fn check_balanced(markup: &str) {
    const VOID: [&str; 2] = ["!DOCTYPE", "meta"];
    let mut open: Vec<&str> = Vec::new();
    let mut rest = markup;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        let end = rest.find('>').expect("a tag ends");
        let tag = &rest[..end];
        let name = tag.trim_start_matches('/').split([' ', '\n', '/']).next().unwrap();
        rest = &rest[end + 1..];
        assert!(!tag.contains('<') && tag.matches('"').count().is_multiple_of(2), "<{tag}>");
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "</{name}> closes what is open");
        } else if !tag.ends_with('/') && !VOID.contains(&name) {
            open.push(name);
            if name == "style" {
                rest = &rest[rest.find("</style").expect("style ends")..];
            }
        }
    }
    assert!(open.is_empty(), "left open: {open:?}");
    assert!(!rest.contains('>'), "text holds no bare >");
}

/// Checks that a figure is balanced, and that each of its colours has another one on a dark screen.
pub fn check_figure(svg: &str) {
    check_balanced(svg);
    assert_eq!(svg.matches("class=\"figure\"").count(), 1);
    let style = between(svg, "<style>", "</style>")[0];
    assert!(style.starts_with("@media screen and (prefers-color-scheme:dark){.figure{fill:#"), "{style}");
    let shapes = svg.split("</style>").nth(1).unwrap();
    for attribute in ["fill", "stroke"] {
        let values = between(shapes, &format!(" {attribute}=\""), "\"");
        for colour in values.into_iter().filter(|value| *value != "none") {
            let rule = format!("[{attribute}=\"{colour}\"]{{{attribute}:#");
            assert!(style.contains(&rule), "{attribute} {colour}");
        }
    }
}

/// What stands between each `before` and the next `after`.
pub fn between<'a>(text: &'a str, before: &str, after: &str) -> Vec<&'a str> {
    text.split(before).skip(1).map(|rest| rest.split(after).next().unwrap()).collect()
}

/// The texts of the body of the table `id`, row by row.
pub fn table(page: &str, id: &str) -> Vec<Vec<String>> {
    let table = between(page, &format!("<table id=\"{id}\">"), "</table>");
    let [table] = table[..] else { panic!("one table {id}, not {}", table.len()) };
    let body = between(table, "<tbody>", "</tbody>")[0];
    let cells = |row: &str| -> Vec<String> {
        let cells = row.replace("<th scope=\"row\">", "<td>").replace("</th>", "</td>");
        between(&cells, "<td>", "</td>").into_iter().map(String::from).collect()
    };
    between(body, "<tr>", "</tr>").into_iter().map(cells).collect()
}

#[test]
#[should_panic(expected = "closes what is open")]
fn crossed_tags_are_seen() {
    check_balanced("<p>a<b>c</p></b>");
}

#[test]
#[should_panic(expected = "left open")]
fn open_tags_are_seen() {
    check_balanced("<div><meta><p>a</p>");
}
