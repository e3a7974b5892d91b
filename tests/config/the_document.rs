//! docs/configuration.md lists the variables that are read, with their defaults.

use std::collections::BTreeSet;

use super::*;

const DOCUMENT: &str = include_str!("../../docs/configuration.md");
const EXAMPLE: &str = include_str!("../../.env.example");

/// The rows of the table of variables: the names and the defaults of each.
fn rows() -> Vec<(Vec<&'static str>, Vec<&'static str>)> {
    let (_, table) = DOCUMENT.split_once("| variable |").expect("it has a table");
    let (table, _) = table.split_once("\n\n").expect("a table has an end");
    let rows = table.lines().skip(2);
    let quoted = |cell: &'static str| cell.split('`').skip(1).step_by(2).collect();
    rows.map(|row| {
        let cells: Vec<_> = row.split('|').collect();
        (quoted(cells[1]), quoted(cells[2]))
    })
    .collect()
}

#[test]
fn has_exactly_the_variables_that_are_read() {
    let shown: Vec<_> = rows().into_iter().flat_map(|(names, _)| names).collect();
    let read: BTreeSet<_> = VARIABLES.iter().map(|variable| variable.name()).collect();
    assert_eq!(shown.iter().copied().collect::<BTreeSet<_>>(), read);
    assert_eq!(shown.len(), read.len(), "none is there twice");
}

/// Another test (`the_example`) checks that the example shows the program's defaults.
#[test]
fn has_the_defaults_of_the_example() {
    for (names, defaults) in rows().iter().filter(|(_, defaults)| !defaults.is_empty()) {
        assert_eq!(names.len(), defaults.len(), "{names:?}: {defaults:?}");
        for (name, default) in names.iter().zip(defaults) {
            assert!(EXAMPLE.contains(&format!("\n#{name}={default}\n")), "{name}: {default}");
        }
    }
}

#[test]
fn names_the_variables_that_may_come_from_a_file() {
    let (_, section) = DOCUMENT.split_once("## Secrets from files\n\n").expect("there is such a section");
    let (list, _) = section.split_once(" may also come from a file").expect("it says so");
    let named: BTreeSet<_> = list.split('`').skip(1).step_by(2).collect();
    let secret = VARIABLES.iter().filter(|variable| variable.is_secret());
    assert_eq!(named, secret.map(|variable| variable.name()).collect());
}
