//! Reads `.env` into a map, and never into the process environment.

use std::{
    collections::BTreeMap,
    io::{self, ErrorKind, Read},
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use crate::config::{
    diagnostic::{Diagnostic, Issue, ValueSource},
    encoding,
    env_line::{EnvLine, LineError},
    env_lookup::EnvLookup,
    misspelling,
    variable::Variable,
};

/// The variables that the TLS and HTTP libraries read. They read only the process environment.
const READ_BY_LIBRARIES: [&str; 6] =
    ["SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"];

/// Which `.env` to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnvFile {
    /// Read no file.
    None,
    /// Read `.env` in this directory, and not in its parents. It may be missing.
    In(PathBuf),
    /// Read the file named by `--env-file`, which must exist.
    Named(PathBuf),
}

/// The entries of a `.env` by key, and the problems and warnings found in it.
#[derive(Default)]
pub(super) struct Entries {
    pub(super) lookup: EnvLookup,
    pub(super) problems: Vec<Diagnostic>,
    pub(super) warnings: Vec<Diagnostic>,
    by_key: BTreeMap<String, Entry>,
}

pub(super) struct Entry {
    pub(super) line: usize,
    /// `None` if the line was rejected. The problem has then been reported.
    pub(super) value: Option<Zeroizing<String>>,
}

impl EnvFile {
    /// `.env` in the working directory.
    pub(crate) fn of_working_directory() -> Self {
        Self::In(PathBuf::new())
    }

    pub(super) fn read(&self) -> Entries {
        let (path, may_be_missing) = match self {
            Self::None => return Entries::default(),
            Self::In(directory) => (directory.join(".env"), true),
            Self::Named(path) => (path.clone(), false),
        };
        let path = std::path::absolute(&path).unwrap_or(path);
        match read_small(&path) {
            Ok(bytes) if encoding::is_utf16(&bytes) => Entries::unreadable(path, encoding::utf16()),
            Ok(bytes) => Entries::parse(path, &bytes),
            Err(error) if may_be_missing && error.kind() == ErrorKind::NotFound => {
                Entries { lookup: EnvLookup::Missing(path), ..Entries::default() }
            }
            Err(error) => Entries::unreadable(path, unreadable(&error)),
        }
    }
}

fn unreadable(error: &io::Error) -> Issue {
    let (message, fix) = match error.kind() {
        ErrorKind::NotFound => {
            ("there is no such file".to_owned(), "Correct the path, or leave out --env-file to read ./.env.")
        }
        ErrorKind::IsADirectory => {
            ("this is a directory".to_owned(), "Put a file in its place, or name another with --env-file.")
        }
        ErrorKind::PermissionDenied => (
            "this program may not read the file".to_owned(),
            "Let the user who runs this program read it (chmod, chown), and enter its directory.",
        ),
        kind => (format!("this file cannot be read ({kind})"), "Put a readable text file in its place."),
    };
    Issue::new(message, fix)
}

/// Reads a file of at most 1 MiB. The limit is for files without an end, such as devices.
pub(super) fn read_small(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    const LIMIT: usize = 1 << 20;
    let file = std::fs::File::open(path)?;
    let length = usize::try_from(file.metadata()?.len()).unwrap_or(LIMIT).min(LIMIT);
    // The buffer is large enough from the start: if it grew, an unwiped copy of the secrets would stay in memory.
    let mut bytes = Zeroizing::new(Vec::with_capacity(length + 64));
    file.take(LIMIT as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > LIMIT { Err(ErrorKind::FileTooLarge.into()) } else { Ok(bytes) }
}

impl Entries {
    fn parse(path: PathBuf, bytes: &[u8]) -> Self {
        let mut entries = Self { lookup: EnvLookup::Read(path), ..Self::default() };
        let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
        for (index, bytes) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let line = index + 1;
            match EnvLine::parse(bytes) {
                EnvLine::Blank => {}
                EnvLine::Pair { key, value } => entries.add(key, Entry { line, value: Some(value) }),
                EnvLine::Invalid { key, error } => entries.reject(key, line, error),
            }
        }
        entries
    }

    fn unreadable(path: PathBuf, issue: Issue) -> Self {
        let problem = Diagnostic::new(None, ValueSource::EnvFile(path.clone()), issue);
        Self { lookup: EnvLookup::Unreadable(path), problems: vec![problem], ..Self::default() }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Entry> {
        self.by_key.get(key)
    }

    pub(super) fn source(&self, line: usize) -> ValueSource {
        ValueSource::Line { path: self.lookup.path().unwrap_or(Path::new(".env")).to_owned(), line }
    }

    fn reject(&mut self, key: Option<String>, line: usize, error: LineError) {
        let variable = key.as_deref().and_then(Variable::set_by);
        self.problems.push(Diagnostic::new(variable, self.source(line), Issue::new(error.message(), error.fix())));
        if let Some(key) = key {
            self.add(key, Entry { line, value: None });
        }
    }

    /// Adds an entry of one of our variables. Programs differ in which of two lines for the same key wins, so a second
    /// line is a problem.
    fn add(&mut self, key: String, mut entry: Entry) {
        let Some(variable) = Variable::set_by(&key) else {
            self.warn_of_no_effect(&key, entry.line);
            return;
        };
        if let Some(first) = self.by_key.get(&key) {
            let message = format!("{key} is already set in line {}", first.line);
            let issue = Issue::new(message, "Keep one of the two lines.");
            self.problems.push(Diagnostic::new(Some(variable), self.source(entry.line), issue));
            entry.value = None;
        }
        self.by_key.insert(key, entry);
    }

    /// Warns of a key that the user probably meant for this program, but that has no effect.
    fn warn_of_no_effect(&mut self, key: &str, line: usize) {
        let issue = if READ_BY_LIBRARIES.contains(&key.to_ascii_uppercase().as_str()) {
            let message = format!("{key} has no effect in a .env file");
            Some(Issue::new(message, "Set it in the real environment of this program."))
        } else {
            misspelling::of(key).map(|meant| {
                let message = format!("{key} is no variable of this program");
                Issue::new(message, format!("If {meant} is meant, write it like this."))
            })
        };
        if let Some(issue) = issue {
            self.warnings.push(Diagnostic::new(None, self.source(line), issue));
        }
    }
}
