use videoask_auth::telemetry::Verbosity;

use super::*;

const EXAMPLE: &str = include_str!("../../.env.example");

/// Every variable that the example sets, or shows after a `#`.
fn names() -> Vec<&'static str> {
    let lines = EXAMPLE.lines().map(|line| line.strip_prefix('#').unwrap_or(line));
    let names = lines.filter_map(|line| line.split_once('=').map(|(name, _)| name));
    names.filter(|name| !name.contains(' ')).collect()
}

#[test]
fn names_exactly_the_variables_that_are_read() {
    let mut shown = names();
    let mut read: Vec<_> = VARIABLES.iter().map(|variable| variable.name()).collect();
    shown.sort_unstable();
    read.sort_unstable();
    assert_eq!(shown, read);
}

#[test]
fn left_as_it_is_is_refused_by_each_placeholder() {
    let problems = load_in(folder(EXAMPLE).path(), &[]).unwrap_err();
    let names: Vec<_> = problems.problems().iter().map(about).collect();
    assert_eq!(names, ["EXPRESS_SESSION", "CLIENT_ID", "CLIENT_SECRET"]);
    assert_eq!(problems.to_string().matches("placeholder of .env.example").count(), 3, "{problems}");
}

#[test]
fn filled_in_loads_without_a_warning() {
    let filled = EXAMPLE
        .replace("paste-the-client-id-here", "the-client-id")
        .replace("paste-the-client-secret-here", "the-client-secret")
        .replace("paste-a-random-secret-here", "c1Yf0OQ3m7Zr8tVw2xUa5sDk9nLb4gHe6jPqRzTiWy+Xo/NvMuKdJcGhEsAlBpF=");
    let loaded = load_in(folder(filled).path(), &[]).unwrap();
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
}

#[test]
fn shows_the_defaults_that_the_program_has() {
    let shown: Vec<_> = EXAMPLE
        .lines()
        .filter_map(|line| line.strip_prefix('#'))
        .filter(|line| line.split_once('=').is_some_and(|(name, _)| names().contains(&name)))
        .collect();
    let folder = folder(shown.join("\n"));
    let by_example = load_in(folder.path(), &GLITCH).unwrap().config;
    let mut by_default = config(&[]);
    by_default.store = StoreUrl::Sqlite(folder.path().join("videoask-auth.db"));
    // The example shows the usual value. If the variable is not set, the value depends on the file limit.
    by_default.max_connections = std::num::NonZeroUsize::new(1024);
    // The default depends on the command. The example shows that of the server.
    by_default.telemetry.filter = Some(Verbosity::Server.filter().to_owned());
    assert_eq!(format!("{by_example:?}"), format!("{by_default:?}"));
}
