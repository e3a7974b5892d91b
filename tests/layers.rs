//! What Cargo cannot enforce: imports between the modules of `src` follow the arrows of docs/architecture.md, only the
//! demo uses the stand-in, every dependency is used, and the functions and files that the documents for developers name
//! exist.

use std::{collections::BTreeSet, fs, path::Path};

/// The only part of `src` that may use the crate `standin`.
const DEMO: &str = "cli/demo";

/// Pairs of modules. The first of a pair imports the second.
type Arrows = BTreeSet<(String, String)>;

fn drawn_arrows() -> Arrows {
    let document = read("docs/architecture.md");
    let (_, drawing) = document.split_once("```mermaid\n").expect("it has a drawing");
    let (drawing, _) = drawing.split_once("```").expect("a drawing has an end");
    let lines = drawing.lines().filter_map(|line| line.split_once(" --> "));
    let arrows = lines.flat_map(|(from, to)| to.split(" & ").map(move |to| (from.trim().into(), to.trim().into())));
    arrows.collect()
}

/// Every module that arrows lead to from this one, over any number of them.
fn reached_from<'a>(from: &'a str, arrows: &'a Arrows) -> BTreeSet<&'a str> {
    let (mut reached, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(module) = next.pop() {
        let targets = arrows.iter().filter(|(from, _)| from == module).map(|(_, to)| to.as_str());
        next.extend(targets.filter(|to| reached.insert(*to)));
    }
    reached
}

#[test]
fn imports_follow_the_arrows_and_only_the_demo_uses_the_stand_in() {
    let arrows = drawn_arrows();
    let violations: Vec<_> = sources().iter().flat_map(|(path, source)| check(path, source, &arrows)).collect();
    assert!(violations.is_empty(), "docs/architecture.md draws no such import:\n{}", violations.join("\n"));
}

#[test]
fn every_arrow_is_an_import_and_none_leads_back() {
    let arrows = drawn_arrows();
    let imported: BTreeSet<_> = sources()
        .iter()
        .flat_map(|(path, source)| {
            let code = without_comments(source);
            let targets: Vec<_> = imports(&code).into_iter().map(|(_, import)| import.to_owned()).collect();
            targets.into_iter().map(|import| (module_of(path).to_owned(), import))
        })
        .collect();
    for arrow in &arrows {
        assert!(imported.contains(arrow), "{arrow:?} is drawn and is no import");
        assert!(!reached_from(&arrow.1, &arrows).contains(arrow.0.as_str()), "{arrow:?} is part of a cycle");
    }
}

#[test]
fn violations_are_found_at_their_line() {
    let arrows = [("web", "vault"), ("vault", "store")].map(|(from, to)| (from.into(), to.into())).into();
    for (path, source, found) in [
        ("web/mod.rs", "use crate::{\n    store::Row,\n    vault::{Vault, web},\n};", None),
        (
            "vault/record.rs",
            "use std::fmt;\nuse crate::{\n    store::Row,\n    web::{page, vault},\n};",
            Some("4: vault imports web"),
        ),
        ("store/mod.rs", "let x = crate::vault::X;", Some("1: store imports vault")),
        ("other.rs", "", Some("1: other is not in the drawing")),
        ("store/mod.rs", "//! Used by [`crate::web`].\nlet x = 1; // see crate::web", None),
        ("vault/demo.rs", "use standin::Options;", Some("1: vault uses the stand-in")),
        ("vault.rs", "use super::web;", Some("1: vault is left by super")),
        ("vault.rs", "mod tests {\n    use super::*;\n}", None),
        ("web/pages/home.rs", "use super::super::Site;", None),
    ] {
        let expected: Vec<_> = found.into_iter().map(|found| format!("src/{path}:{found}")).collect();
        assert_eq!(check(path, source, &arrows), expected, "{source}");
    }
}

#[test]
fn every_dependency_is_used() {
    let manifest = read("Cargo.toml");
    let section = manifest.split("\n[dependencies]\n").nth(1).expect("there are dependencies");
    let names = section.lines().take_while(|line| !line.starts_with('[')).filter_map(|line| line.split_once(" = "));
    let mut code: String = sources().iter().map(|(_, source)| without_comments(source)).collect();
    // The allocator is named only there.
    code += &without_comments(&read("src/main.rs"));
    let unused: Vec<_> =
        names.map(|(name, _)| name.replace('-', "_")).filter(|name| !names_crate(&code, name)).collect();
    assert!(unused.is_empty(), "dependencies that no file of src names: {unused:?}");
}

#[test]
fn every_function_on_the_paths_of_a_login_and_a_hand_out_exists() {
    let (document, sources) = (read("docs/architecture.md"), sources());
    let paths = document.split('*').filter(|span| span.starts_with('`') && span.ends_with('`'));
    let names: Vec<_> = paths.flat_map(in_backticks).filter_map(|path| path.rsplit("::").next()).collect();
    assert!(names.len() > 20, "{names:?}");
    let exists = |name: &str| {
        [format!("fn {name}("), format!("fn {name}<")].iter().any(|f| sources.iter().any(|(_, text)| text.contains(f)))
    };
    let missing: Vec<_> = names.into_iter().filter(|name| !exists(name)).collect();
    assert!(missing.is_empty(), "no function of src has these names: {missing:?}");
}

#[test]
fn every_file_that_the_documents_for_developers_name_exists() {
    for document in ["docs/architecture.md", "docs/vault.md", "CONTRIBUTING.md"] {
        let text = read(document);
        let is_file = |name: &&str| {
            let has_ending =
                [".rs", ".html", ".css", ".json", ".md", ".toml", ".txt", "/"].iter().any(|end| name.ends_with(end));
            has_ending && !name.starts_with(['/', '.'])
        };
        let exists = |name: &&str| {
            let folders = ["", "src/", "src/vault/", "src/vault/refresh/", "src/web/api/", "tests/simulation/"];
            folders.iter().any(|folder| root().join(folder).join(name).exists())
        };
        let missing: Vec<_> = in_backticks(&text).filter(is_file).filter(|name| !exists(name)).collect();
        assert!(missing.is_empty(), "{document} names files that do not exist: {missing:?}");
    }
}

/// The code spans of a Markdown text. Code blocks are left out.
fn in_backticks(text: &str) -> impl Iterator<Item = &str> {
    text.split("```").step_by(2).flat_map(|prose| prose.split('`').skip(1).step_by(2))
}

/// Whether the code has a path with the name of this crate in front of a `::`. A module of std with the same name
/// counts, too.
fn names_crate(code: &str, name: &str) -> bool {
    let is_whole = |at: usize| !code[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_');
    code.match_indices(&format!("{name}::")).any(|(at, _)| is_whole(at))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The text of a file of the repository.
fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).expect("it is text")
}

/// Every file of every module, by its path in `src`, with its text. `lib.rs` and `main.rs` are left out, since they
/// belong to no module.
fn sources() -> Vec<(String, String)> {
    let root = root().join("src");
    let (mut folders, mut sources) = (vec![root.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("src is readable") {
            let path = entry.expect("src is readable").path();
            let name = path.strip_prefix(&root).expect("it is below src").display().to_string();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension() == Some("rs".as_ref()) && !["lib.rs", "main.rs"].contains(&name.as_str()) {
                sources.push((name, fs::read_to_string(&path).expect("source is text")));
            }
        }
    }
    sources
}

fn module_of(path: &str) -> &str {
    path.split(['/', '.']).next().expect("a split has a first part")
}

/// The violations of one file, each as `file:line: what`.
fn check(path: &str, source: &str, arrows: &Arrows) -> Vec<String> {
    let (module, code, mut violations) = (module_of(path), without_comments(source), Vec::new());
    if !arrows.iter().any(|(from, to)| from == module || to == module) {
        violations.push((0, format!("{module} is not in the drawing")));
    }
    let reached = reached_from(module, arrows);
    let wrong = imports(&code).into_iter().filter(|(_, import)| *import != module && !reached.contains(import));
    violations.extend(wrong.map(|(at, import)| (at, format!("{module} imports {import}"))));
    let of_the_stand_in = code.match_indices("standin::").filter(|_| !path.starts_with(DEMO));
    violations.extend(of_the_stand_in.map(|(at, _)| (at, format!("{module} uses the stand-in"))));
    violations.extend(escapes(path, &code).map(|at| (at, format!("{module} is left by super"))));
    let line = |at: usize| code[..at].matches('\n').count() + 1;
    violations.into_iter().map(|(at, what)| format!("src/{path}:{}: {what}", line(at))).collect()
}

/// The source without comments. Each line keeps its number. A `//` in a string counts as a comment, too.
fn without_comments(source: &str) -> String {
    source.lines().map(|line| line.find("//").map_or(line, |start| &line[..start])).collect::<Vec<_>>().join("\n")
}

/// Each module named by `crate::module` or in `crate::{...}`, with its offset.
fn imports(code: &str) -> Vec<(usize, &str)> {
    let starts = code.match_indices("crate::").map(|(at, prefix)| at + prefix.len());
    starts
        .flat_map(|start| match code[start..].strip_prefix('{') {
            Some(group) => in_group(group).into_iter().map(|(at, name)| (start + 1 + at, name)).collect(),
            None => vec![(start, identifier(&code[start..]))],
        })
        .filter(|(_, name)| !name.is_empty())
        .collect()
}

/// The first identifier of each item in a `{...}` list, with its offset. `group` starts after the opening brace.
fn in_group(group: &str) -> Vec<(usize, &str)> {
    let (mut depth, mut expecting, mut names) = (1, true, Vec::new());
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => expecting = true,
            _ if expecting && !character.is_whitespace() => {
                names.push((at, identifier(&group[at..])));
                expecting = false;
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    names
}

fn identifier(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    &text[..end]
}

/// The offset of each chain of `super::` that is long enough to reach the crate's root. Every inline module above the
/// chain counts as open, which is right for a `mod tests` at a file's end.
fn escapes(path: &str, code: &str) -> impl Iterator<Item = usize> {
    let is_inline_module = |line: &&str| line.trim_start().starts_with("mod ") && line.ends_with('{');
    let depth = path.trim_end_matches("/mod.rs").split('/').count();
    code.match_indices("super::").filter_map(move |(at, one)| {
        let first_of_chain = !code[..at].ends_with("super::");
        let chain = code[at..].split(one).take_while(|between| between.is_empty()).count();
        let inline = code[..at].lines().filter(is_inline_module).count();
        (first_of_chain && chain >= depth + inline).then_some(at)
    })
}
