//! What the tree of `src` promises: no files need each other in a circle, and options have names in the command alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Every `.rs` file of `src`: its path below that, and its text.
fn sources() -> BTreeMap<String, String> {
    fn read(folder: &Path, prefix: &str, found: &mut BTreeMap<String, String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("{prefix}{}", path.file_name().unwrap().to_str().unwrap());
            if path.is_dir() {
                read(&path, &format!("{name}/"), found);
            } else if name.ends_with(".rs") {
                found.insert(name, fs::read_to_string(path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "", &mut found);
    found
}

/// The words and signs of Rust code, without comments and texts. `::` is one sign.
fn tokens(code: &str) -> Vec<&str> {
    let (mut tokens, mut rest) = (Vec::new(), code);
    let after = |rest: &str, end: &str| rest.find(end).map_or(rest.len(), |at| at + end.len());
    while let Some(first) = rest.chars().next() {
        let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let (length, counts) = match first {
            _ if rest.starts_with("//") => (after(rest, "\n"), false),
            'r' if rest.starts_with("r#\"") => (after(rest, "\"#"), false),
            '"' => (text(rest), false),
            '\'' if rest.starts_with("'\\") => (3 + after(&rest[3..], "'"), false),
            // A character, or the mark of a lifetime.
            '\'' => {
                (rest.char_indices().nth(2).filter(|(_, c)| *c == '\'').map_or(1, |(at, _)| at + 1), false)
            }
            _ if rest.starts_with("::") => (2, true),
            _ => (word.max(first.len_utf8()), !first.is_whitespace()),
        };
        tokens.extend(counts.then_some(&rest[..length]));
        rest = &rest[length..];
    }
    tokens
}

/// The length of the text in quotes that `code` begins with.
fn text(code: &str) -> usize {
    let mut escaped = false;
    let ends = |c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    };
    2 + code[1..].find(ends).expect("a text ends")
}

/// A path of names: of a module below the crate, or as it stands in the code.
type Names = Vec<String>;

/// The paths that a tree of imports stands for: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn expand(prefix: &str, tree: &str, found: &mut Vec<String>) {
    let (mut depth, mut start) = (0, 0);
    let ends = tree.char_indices().filter(|(_, c)| ",{}".contains(*c)).chain([(tree.len(), ',')]);
    for (at, sign) in ends {
        depth += i32::from(sign == '{') - i32::from(sign == '}');
        if sign == ',' && depth == 0 {
            match tree[start..at].split_once('{') {
                Some((head, inner)) => expand(&format!("{prefix}{head}"), &inner[..inner.len() - 1], found),
                None if at > start => found.push(format!("{prefix}{}", &tree[start..at])),
                None => {}
            }
            start = at + 1;
        }
    }
}

/// A path in a file's code.
struct Mention {
    path: Names,
    /// How many modules within the file it stands in.
    within: usize,
    /// The name that it has here, where it is imported.
    imported: Option<String>,
    /// Whether it is imported for others.
    public: bool,
}

/// Every import and every longer path in the code, and its other words.
fn mentions<'a>(tokens: &[&'a str]) -> (Vec<Mention>, BTreeSet<&'a str>) {
    let (mut found, mut words) = (Vec::new(), BTreeSet::new());
    let (mut depth, mut modules, mut at) = (0, Vec::new(), 0);
    let split = |path: &str| path.split("::").map(String::from).collect::<Names>();
    while at < tokens.len() {
        match tokens[at] {
            "{" if at >= 2 && tokens[at - 2] == "mod" => modules.push(depth),
            // Not `use<..>`, which names what a type captures.
            "use" if tokens.get(at + 1) != Some(&"<") => {
                let public = at > 0 && ["pub", ")"].contains(&tokens[at - 1]);
                let length = tokens[at..].iter().position(|token| *token == ";").unwrap();
                let mut paths = Vec::new();
                let spaced = tokens[at + 1..at + length]
                    .iter()
                    .map(|&token| if token == "as" { " as " } else { token });
                expand("", &spaced.collect::<String>(), &mut paths);
                for path in paths {
                    let (path, name) = path.split_once(" as ").unwrap_or((&path, ""));
                    let path = split(path.strip_suffix("::self").unwrap_or(path));
                    let name = if name.is_empty() { path.last().unwrap().clone() } else { name.into() };
                    found.push(Mention { path, within: modules.len(), imported: Some(name), public });
                }
                at += length;
            }
            word => {
                let mut end = at + 1;
                while end + 1 < tokens.len()
                    && tokens[end] == "::"
                    && tokens[end + 1].starts_with(char::is_alphabetic)
                {
                    end += 2;
                }
                if end > at + 1 {
                    let path = split(&tokens[at..end].concat());
                    found.push(Mention { path, within: modules.len(), imported: None, public: false });
                }
                words.insert(word);
                at = end - 1;
            }
        }
        depth += i32::from(tokens[at] == "{") - i32::from(tokens[at] == "}");
        modules.pop_if(|begun| tokens[at] == "}" && *begun == depth);
        at += 1;
    }
    (found, words)
}

/// The modules of the crate, and what each calls what it imports.
struct Tree {
    files: BTreeMap<Names, String>,
    imports: BTreeMap<(Names, String), Names>,
}

impl Tree {
    /// The path from the crate of one that stands in `module`; none of what is another crate's.
    fn absolute(&self, module: &Names, mention: &Mention) -> Option<Names> {
        let path = &mention.path;
        let ups = path.iter().take_while(|name| *name == "super").count();
        let (mut base, rest) = match path[0].as_str() {
            "crate" => (Names::new(), &path[1..]),
            "self" => (module.clone(), &path[1..]),
            "super" => (module[..module.len() + mention.within.min(ups) - ups].to_vec(), &path[ups..]),
            first if self.files.contains_key(&[&module[..], &[first.into()]].concat()) => {
                (module.clone(), &path[..])
            }
            _ => return None,
        };
        base.extend_from_slice(rest);
        Some(base)
    }

    /// The file that has what is at this path, whoever passes it on.
    fn file(&self, path: &[String]) -> &str {
        let mut module = Names::new();
        for (index, name) in path.iter().enumerate() {
            let inner = [&module[..], std::slice::from_ref(name)].concat();
            if self.files.contains_key(&inner) {
                module = inner;
            } else if let Some(target) = self.imports.get(&(module.clone(), name.clone())) {
                return self.file(&[target, &path[index + 1..]].concat());
            } else {
                break;
            }
        }
        &self.files[&module]
    }
}

/// Which files each file needs.
fn needs(sources: &BTreeMap<String, String>) -> BTreeMap<String, BTreeSet<String>> {
    let module_of = |file: &str| -> Names {
        let names = file.trim_end_matches(".rs").split('/').map(String::from);
        names.filter(|name| !["mod", "lib"].contains(&name.as_str())).collect()
    };
    let files = sources.keys().map(|file| (module_of(file), file.clone())).collect();
    let mut tree = Tree { files, imports: BTreeMap::new() };
    let code: BTreeMap<&String, _> =
        sources.iter().map(|(file, text)| (file, mentions(&tokens(text)))).collect();
    for (file, (mentions, _)) in &code {
        let module = module_of(file);
        for mention in mentions.iter().filter(|mention| mention.within == 0) {
            if let (Some(name), Some(path)) = (&mention.imported, tree.absolute(&module, mention)) {
                tree.imports.insert((module.clone(), name.clone()), path);
            }
        }
    }
    let mut needs = BTreeMap::new();
    for (file, (mentions, words)) in code {
        let module = module_of(file);
        // What is only passed on is not needed.
        let used = mentions.iter().filter(|mention| {
            !mention.public || mention.imported.as_ref().is_some_and(|name| words.contains(name.as_str()))
        });
        let paths = used.filter_map(|mention| tree.absolute(&module, mention));
        let of_file = paths.map(|path| tree.file(&path).to_string()).filter(|other| other != file);
        needs.insert(file.clone(), of_file.collect());
    }
    needs
}

/// The circles, each as all the files that are in it.
fn circles(needs: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<BTreeSet<String>> {
    let reached = |from: &String| {
        let (mut reached, mut next) = (BTreeSet::new(), vec![from]);
        while let Some(file) = next.pop() {
            next.extend(needs[file].iter().filter(|other| reached.insert((*other).clone())));
        }
        reached
    };
    let reached: BTreeMap<&String, BTreeSet<String>> =
        needs.keys().map(|file| (file, reached(file))).collect();
    let circle = |file: &&String| -> BTreeSet<String> {
        reached[*file].iter().filter(|other| reached[other].contains(*file)).cloned().collect()
    };
    needs.keys().map(|file| circle(&file)).filter(|circle| !circle.is_empty()).collect()
}

fn circles_of(files: &[(&str, &str)]) -> Vec<Vec<String>> {
    let sources = files.iter().map(|(file, text)| (file.to_string(), text.to_string())).collect();
    circles(&needs(&sources)).into_iter().map(|circle| circle.into_iter().collect()).collect()
}

#[test]
fn no_files_need_each_other_in_a_circle() {
    let needs = needs(&sources());
    assert!(
        needs["train/session/mod.rs"].contains("train/history.rs"),
        "{:?}",
        needs["train/session/mod.rs"]
    );
    let circles = circles(&needs);
    let mut message = String::new();
    for circle in &circles {
        message += "\nin a circle:\n";
        for file in circle {
            let others: Vec<&str> = needs[file].intersection(circle).map(String::as_str).collect();
            message += &format!("    {file} needs {}\n", others.join(", "));
        }
    }
    assert!(circles.is_empty(), "{message}");
}

#[test]
fn a_circle_is_found_through_whatever_leads_around_it() {
    let parent = ("a/mod.rs", "mod b;\nmod c;\npub use b::{B, Other as D};\nstruct A;");
    let circle = [vec!["a/b.rs".to_string(), "a/c.rs".to_string()]];
    for uses in
        ["use super::B;", "use crate::a::{b::B};", "fn f() { super::D::new() }", "use crate::a::b::{self};"]
    {
        let files = [("lib.rs", "pub mod a;"), parent, ("a/b.rs", "use super::c::C;"), ("a/c.rs", uses)];
        assert_eq!(circles_of(&files), circle, "{uses}");
    }
    for none in [
        "// use super::B;",
        "const A: &str = \"\\\"super::B\";",
        "use super::A;",
        "mod tests { use super::*; }",
    ] {
        let files = [("lib.rs", "pub mod a;"), parent, ("a/b.rs", "use super::c::C;"), ("a/c.rs", none)];
        assert_eq!(circles_of(&files), [[""; 0]; 0], "{none}");
    }
    // A parent that uses what it passes on, and is used by it.
    let files =
        [("a/mod.rs", "mod b;\npub use b::B;\nstruct A(B);"), ("a/b.rs", "use super::A;"), ("lib.rs", "")];
    assert_eq!(circles_of(&files), [["a/b.rs", "a/mod.rs"]]);
}

#[test]
fn only_the_command_says_how_options_are_typed() {
    let sources = sources();
    let elsewhere = sources.iter().filter(|(file, _)| !file.starts_with("cli/"));
    let lines = elsewhere.flat_map(|(file, text)| text.lines().map(move |line| (file, line.trim())));
    let typed: Vec<_> = lines.filter(|(_, line)| line.contains("\"--")).collect();
    assert!(typed.is_empty(), "{typed:#?}");
}
