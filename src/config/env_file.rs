//! `.env`, read into a map and never into the process environment.

use std::{
    collections::BTreeMap,
    fmt::{Display, Formatter, Result as Written},
    io::{self, ErrorKind, Read},
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use crate::config::{
    encoding,
    finding::{Fault, Finding, Origin},
    line::{self, Line, Unreadable},
    misspelling,
    variable::Variable,
};

/// What the TLS and HTTP libraries read, from the real environment alone.
const READ_BY_LIBRARIES: [&str; 6] =
    ["SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"];

/// Which `.env` to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnvFile {
    /// None at all.
    None,
    /// `.env` in this directory, and not in its parents; it may be missing.
    In(PathBuf),
    /// The file named by `--env-file`, which must be there.
    Named(PathBuf),
}

/// Which `.env` was looked for, by absolute path, and whether it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum EnvLookup {
    /// None was looked for.
    #[default]
    NotWanted,
    /// There is none, which is fine as long as the environment sets what is required.
    Missing(PathBuf),
    /// It is there, or was named, and cannot be read.
    Unreadable(PathBuf),
    /// It was read.
    Read(PathBuf),
}

/// What a `.env` says: its entries by key, and what is to be said about it.
#[derive(Default)]
pub(super) struct Entries {
    pub(super) lookup: EnvLookup,
    pub(super) problems: Vec<Finding>,
    pub(super) warnings: Vec<Finding>,
    by_key: BTreeMap<String, Entry>,
}

/// What one key of ours has.
pub(super) struct Entry {
    pub(super) line: usize,
    /// `None` if its line was refused, which has been reported.
    pub(super) value: Option<Zeroizing<String>>,
}

impl EnvFile {
    /// `.env` in the working directory.
    #[must_use]
    pub fn of_working_directory() -> Self {
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

impl EnvLookup {
    /// The file that was read.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Read(path) => Some(path),
            Self::NotWanted | Self::Missing(_) | Self::Unreadable(_) => None,
        }
    }
}

/// Names every place where values were looked for.
impl Display for EnvLookup {
    fn fmt(&self, f: &mut Formatter<'_>) -> Written {
        match self {
            Self::NotWanted => f.write_str("the environment"),
            Self::Missing(path) => write!(f, "the environment; there is no {}", path.display()),
            Self::Unreadable(path) => write!(f, "the environment; {} cannot be read", path.display()),
            Self::Read(path) => write!(f, "the environment and {}", path.display()),
        }
    }
}

fn unreadable(error: &io::Error) -> Fault {
    let (wrong, fix) = match error.kind() {
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
    Fault::new(wrong, fix)
}

/// Reads a file that a person wrote; something that has no end, such as a device, is not one.
pub(super) fn read_small(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    const LIMIT: usize = 1 << 20;
    let file = std::fs::File::open(path)?;
    let length = usize::try_from(file.metadata()?.len()).unwrap_or(LIMIT).min(LIMIT);
    // With room for all of it and some more, so that no copy is left behind by a move to a larger buffer.
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
            match line::parse(bytes) {
                Line::Blank => {}
                Line::Pair { key, value } => entries.add(key, Entry { line, value: Some(value) }),
                Line::Bad { key, why } => entries.refuse(key, line, why),
            }
        }
        entries
    }

    fn unreadable(path: PathBuf, fault: Fault) -> Self {
        let problem = Finding::new(None, Origin::EnvFile(path.clone()), fault);
        Self { lookup: EnvLookup::Unreadable(path), problems: vec![problem], ..Self::default() }
    }

    /// An entry by its key.
    pub(super) fn get(&self, key: &str) -> Option<&Entry> {
        self.by_key.get(key)
    }

    /// Where a line of this file is.
    pub(super) fn origin(&self, line: usize) -> Origin {
        Origin::Line { path: self.lookup.path().unwrap_or(Path::new(".env")).to_owned(), line }
    }

    fn refuse(&mut self, key: Option<String>, line: usize, why: Unreadable) {
        let variable = key.as_deref().and_then(Variable::set_by);
        self.problems.push(Finding::new(variable, self.origin(line), Fault::new(why.wrong(), why.mend())));
        if let Some(key) = key {
            self.add(key, Entry { line, value: None });
        }
    }

    /// Keeps what is ours. Which of two lines wins depends on the reader, so neither does.
    fn add(&mut self, key: String, mut entry: Entry) {
        let Some(variable) = Variable::set_by(&key) else {
            self.warn_of_no_effect(&key, entry.line);
            return;
        };
        if let Some(first) = self.by_key.get(&key) {
            let wrong = format!("{key} is already set in line {}", first.line);
            let fault = Fault::new(wrong, "Keep one of the two lines.");
            self.problems.push(Finding::new(Some(variable), self.origin(entry.line), fault));
            entry.value = None;
        }
        self.by_key.insert(key, entry);
    }

    /// A key that is not ours is another program's business, unless somebody meant it for this one.
    fn warn_of_no_effect(&mut self, key: &str, line: usize) {
        let fault = if READ_BY_LIBRARIES.contains(&key.to_ascii_uppercase().as_str()) {
            let wrong = format!("{key} has no effect in a .env file");
            Some(Fault::new(wrong, "Set it in the real environment of this program."))
        } else {
            misspelling::of(key).map(|meant| {
                let wrong = format!("{key} is no variable of this program");
                Fault::new(wrong, format!("If {meant} is meant, write it like this."))
            })
        };
        if let Some(fault) = fault {
            self.warnings.push(Finding::new(None, self.origin(line), fault));
        }
    }
}
