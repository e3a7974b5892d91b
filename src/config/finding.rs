//! What is wrong with the configuration, told so that it can be fixed. A secret's value is never part of it.

use std::{
    borrow::Cow,
    fmt::{Display, Formatter, Result as Written},
    path::PathBuf,
};

use crate::config::{env_file::EnvLookup, variable::Variable};

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A real variable of the process.
    Environment,
    /// A line of `.env`.
    Line {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
    },
    /// `.env` as a whole.
    EnvFile(PathBuf),
    /// The file that `NAME_FILE` names.
    SecretFile(PathBuf),
    /// It was not set.
    Unset,
}

/// Why a value is wrong, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    wrong: Cow<'static, str>,
    mend: Cow<'static, str>,
}

/// A problem, which stops the start, or a warning, which does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    variable: Option<Variable>,
    origin: Origin,
    fault: Fault,
}

/// Everything that is wrong, at once. Whoever gets it prints it and ends with exit code 2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems {
    env_file: EnvLookup,
    list: Vec<Finding>,
    warnings: Vec<Finding>,
}

impl Fault {
    /// `wrong` goes on from "NAME (its origin):"; `mend` is a whole sentence.
    pub(super) fn new(wrong: impl Into<Cow<'static, str>>, mend: impl Into<Cow<'static, str>>) -> Self {
        Self { wrong: wrong.into(), mend: mend.into() }
    }
}

impl Finding {
    pub(super) fn new(variable: Option<Variable>, origin: Origin, fault: Fault) -> Self {
        Self { variable, origin, fault }
    }

    /// The variable it is about; a line of `.env` that cannot be read has none.
    #[must_use]
    pub fn variable(&self) -> Option<Variable> {
        self.variable
    }

    /// Where its value came from.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Why it is wrong.
    #[must_use]
    pub fn wrong(&self) -> &str {
        &self.fault.wrong
    }

    /// How to mend it.
    #[must_use]
    pub fn mend(&self) -> &str {
        &self.fault.mend
    }
}

/// A number of problems, in words that fit it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count(pub usize);

impl Display for Count {
    fn fmt(&self, f: &mut Formatter<'_>) -> Written {
        match self.0 {
            1 => f.write_str("1 problem"),
            count => write!(f, "{count} problems"),
        }
    }
}

impl Problems {
    pub(super) fn new(env_file: EnvLookup, problems: Vec<Finding>, warnings: Vec<Finding>) -> Self {
        Self { env_file, list: problems, warnings }
    }

    /// What stops the start.
    #[must_use]
    pub fn problems(&self) -> &[Finding] {
        &self.list
    }

    /// What does not, but may be why: a misspelt name leaves the right one unset.
    #[must_use]
    pub fn warnings(&self) -> &[Finding] {
        &self.warnings
    }
}

impl std::error::Error for Problems {}

impl Display for Origin {
    fn fmt(&self, f: &mut Formatter<'_>) -> Written {
        match self {
            Self::Environment => f.write_str("environment"),
            Self::Line { path, line } => write!(f, "{}, line {line}", path.display()),
            Self::EnvFile(path) | Self::SecretFile(path) => write!(f, "{}", path.display()),
            Self::Unset => f.write_str("not set"),
        }
    }
}

impl Display for Finding {
    fn fmt(&self, f: &mut Formatter<'_>) -> Written {
        match self.variable {
            Some(variable) => write!(f, "{variable} ({})", self.origin)?,
            None => write!(f, "{}", self.origin)?,
        }
        write!(f, ": {}.\n  Fix: {}", self.wrong(), self.mend())
    }
}

impl Display for Problems {
    fn fmt(&self, f: &mut Formatter<'_>) -> Written {
        // First of all, since a missing file explains the variables that are not set.
        if let EnvLookup::Missing(path) = &self.env_file {
            writeln!(f, "There is no {}: only the environment was read.", path.display())?;
        }
        write!(f, "{} found in the configuration.", Count(self.list.len()))?;
        for problem in &self.list {
            write!(f, "\n\n{problem}")?;
        }
        for warning in &self.warnings {
            write!(f, "\n\nWarning: {warning}")?;
        }
        Ok(())
    }
}
