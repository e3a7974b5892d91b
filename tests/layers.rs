//! Imports between the modules of `src` run one way, and only the demo uses the stand-in. `docs/architecture.md` draws
//! the layers. That the stand-in depends on nothing of ours is for Cargo to enforce.

use std::{fs, path::Path};

/// The modules, layer by layer from the bottom. A module imports only from layers below its own.
const LAYERS: [&[&str]; 10] = [
    &["config", "clock"],
    &["telemetry"],
    &["keys", "http"],
    &["store", "provider"],
    &["vault", "api_key"],
    &["videoask", "notify"],
    &["login"],
    &["web"],
    &["app"],
    &["cli"],
];

/// The only place that may use the crate `standin`.
const DEMO: &str = "cli/demo";

#[test]
fn imports_run_one_way() {
    let violations: Vec<_> = sources().iter().flat_map(|(path, source)| check(path, source)).collect();
    assert!(violations.is_empty(), "imports in the wrong direction:\n{}", violations.join("\n"));
}

#[test]
fn an_import_from_a_higher_layer_is_found_at_its_line() {
    let source = "use std::fmt;\nuse crate::{\n    clock::Clock,\n    web::{page, vault},\n};\n";
    assert_eq!(check("vault/record.rs", source), ["src/vault/record.rs:4: vault imports web"]);
}

#[test]
fn modules_of_one_layer_do_not_import_each_other() {
    assert_eq!(check("store/mod.rs", "let x = crate::provider::X;"), ["src/store/mod.rs:1: store imports provider"]);
}

#[test]
fn only_the_demo_uses_the_stand_in() {
    let import = "use standin::Options;";
    assert_eq!(check("cli/demo.rs", import), [""; 0]);
    assert_eq!(check("cli/demo/start.rs", import), [""; 0]);
    assert_eq!(check("cli/serve.rs", import), ["src/cli/serve.rs:1: cli uses the stand-in"]);
}

#[test]
fn a_module_is_not_left_by_super() {
    let leaves = "src/app.rs:1: app is left by super";
    assert_eq!(check("app.rs", "use super::web;"), [leaves]);
    assert_eq!(check("app.rs", "mod tests {\n    use super::*;\n}"), [""; 0]);
    assert_eq!(check("web/pages/home.rs", "use super::super::Site;"), [""; 0]);
}

#[test]
fn a_module_without_a_layer_is_found() {
    assert_eq!(check("other.rs", ""), ["src/other.rs:1: other has no layer in tests/layers.rs"]);
}

#[test]
fn comments_may_name_every_module() {
    assert_eq!(check("clock.rs", "//! Used by [`crate::web`].\nlet x = 1; // see crate::app"), [""; 0]);
}

#[test]
fn every_dependency_is_used() {
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).expect("it is text");
    let section = manifest.split("\n[dependencies]\n").nth(1).expect("there are dependencies");
    let names = section.lines().take_while(|line| !line.starts_with('[')).filter_map(|line| line.split_once(" = "));
    let code: String = sources().iter().map(|(_, source)| without_comments(source)).collect();
    let unused: Vec<_> =
        names.map(|(name, _)| name.replace('-', "_")).filter(|name| !names_crate(&code, name)).collect();
    assert!(unused.is_empty(), "dependencies that no file of src names: {unused:?}");
}

#[test]
fn a_crate_is_named_by_a_path_and_by_its_whole_name() {
    assert!(names_crate("use time::Duration;", "time") && names_crate("#[derive(serde::Serialize)]", "serde"));
    assert!(!names_crate("use uptime::Duration;", "time") && !names_crate("let time = 1;", "time"));
}

/// Whether a path of the code starts with this crate. A module of std with the same name counts too.
fn names_crate(code: &str, name: &str) -> bool {
    let is_whole = |at: usize| !code[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_');
    code.match_indices(&format!("{name}::")).any(|(at, _)| is_whole(at))
}

/// Every file of every module, by its path in `src`. The two crate roots belong to none.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
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

/// The violations of one file, each as `file:line: what`.
fn check(path: &str, source: &str) -> Vec<String> {
    let module = path.split(['/', '.']).next().expect("a split has a first part");
    let code = without_comments(source);
    let mut violations = Vec::new();
    if layer(module).is_none() {
        violations.push((0, format!("{module} has no layer in tests/layers.rs")));
    }
    let wrong = imports(&code).into_iter().filter(|(_, import)| !may_import(module, import));
    violations.extend(wrong.map(|(at, import)| (at, format!("{module} imports {import}"))));
    let of_the_stand_in = code.match_indices("standin::").filter(|_| !path.starts_with(DEMO));
    violations.extend(of_the_stand_in.map(|(at, _)| (at, format!("{module} uses the stand-in"))));
    violations.extend(escapes(path, &code).map(|at| (at, format!("{module} is left by super"))));
    violations.into_iter().map(|(at, what)| format!("src/{path}:{}: {what}", line(&code, at))).collect()
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|modules| modules.contains(&module))
}

fn may_import(module: &str, import: &str) -> bool {
    import == module
        || match (layer(module), layer(import)) {
            (Some(own), Some(other)) => other < own,
            _ => false,
        }
}

/// The source with comment lines and trailing comments blanked, so that offsets still tell the line.
fn without_comments(source: &str) -> String {
    source.lines().map(|line| line.find("//").map_or(line, |start| &line[..start])).collect::<Vec<_>>().join("\n")
}

/// Each module named by `crate::room` or in `crate::{...}`, with its offset.
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

/// The first identifiers of a `{...}` list, whose opening brace is already read.
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

/// Where a chain of `super::` is long enough to reach the crate's root. Inline modules are counted by their openings,
/// which is enough for the `mod tests` at a file's end.
fn escapes(path: &str, code: &str) -> impl Iterator<Item = usize> {
    let depth = path.trim_end_matches("/mod.rs").split('/').count();
    code.match_indices("super::").filter_map(move |(at, one)| {
        let first_of_chain = !code[..at].ends_with("super::");
        let chain = code[at..].split(one).take_while(|between| between.is_empty()).count();
        let inline = code[..at].lines().filter(|line| is_inline_module(line)).count();
        (first_of_chain && chain >= depth + inline).then_some(at)
    })
}

fn is_inline_module(line: &str) -> bool {
    line.trim_start().starts_with("mod ") && line.ends_with('{')
}

fn line(code: &str, at: usize) -> usize {
    code[..at].matches('\n').count() + 1
}
