//! The drawing of the modules in docs/architecture.md, held against the imports of the sources.

use std::{collections::BTreeSet, fs};

use crate::{
    documents::{blocks, root, sources},
    support::documents::Proof,
};

/// What each module of `src` imports from others, by the names in the source.
fn imports(module: &str) -> BTreeSet<String> {
    let (folder, file) = (root().join("src").join(module), root().join("src").join(format!("{module}.rs")));
    let present = [folder, file].into_iter().filter(|path| path.exists());
    let text: String = present.flat_map(|path| sources(&path)).flat_map(|source| without_comments(&source)).collect();
    let mut names = BTreeSet::new();
    for rest in text.split("crate::").skip(1) {
        names.extend(match rest.strip_prefix('{') {
            Some(group) => top_level_names(group),
            None => vec![identifier(rest)],
        });
    }
    names
}

fn without_comments(source: &str) -> Vec<String> {
    source.lines().map(|line| format!("{}\n", line.split("//").next().expect("a split has a first part"))).collect()
}

fn identifier(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// The first names of a `{...}` list, whose opening brace is already read.
fn top_level_names(group: &str) -> Vec<String> {
    let (mut depth, mut names, mut name) = (1, Vec::new(), String::new());
    for character in group.chars() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => names.push(std::mem::take(&mut name)),
            _ if depth == 1 => name.push(character),
            _ => {}
        }
        if depth == 0 {
            names.push(name);
            break;
        }
    }
    names.iter().map(|name| identifier(name.trim())).filter(|name| !name.is_empty()).collect()
}

#[test]
fn every_arrow_of_the_architecture_is_an_import() {
    let drawing = &blocks(Proof::Imports)[0].text;
    let arrows: BTreeSet<(String, String)> = drawing
        .lines()
        .filter_map(|line| line.split_once(" --> "))
        .flat_map(|(from, to)| to.split(" & ").map(move |to| (identifier(from.trim()), identifier(to.trim()))))
        .collect();
    let modules: BTreeSet<&String> = arrows.iter().flat_map(|(from, to)| [from, to]).collect();
    for entry in fs::read_dir(root().join("src")).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().trim_end_matches(".rs").to_owned();
        let is_module = !["lib", "main"].contains(&name.as_str());
        assert!(!is_module || modules.contains(&name), "{name} is not in the drawing");
    }
    for (from, to) in &arrows {
        assert!(imports(from).contains(to), "{from} does not import {to}");
    }
    // What is not drawn is implied: every import follows arrows.
    for from in &modules {
        let reached = reached_from(from, &arrows);
        for to in imports(from).iter().filter(|to| modules.contains(to) && to != from) {
            assert!(reached.contains(to.as_str()), "no arrows lead from {from} to {to}, which it imports");
        }
    }
}

/// Every module that arrows lead to, over any number of them.
fn reached_from<'a>(from: &'a str, arrows: &'a BTreeSet<(String, String)>) -> BTreeSet<&'a str> {
    let (mut reached, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(module) = next.pop() {
        let targets = arrows.iter().filter(|(from, _)| from == module).map(|(_, to)| to.as_str());
        next.extend(targets.filter(|to| reached.insert(*to)));
    }
    reached
}
