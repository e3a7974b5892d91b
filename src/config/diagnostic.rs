//! Problems and warnings of the configuration, each with its fix. They never contain the value of a secret.

use std::{
    borrow::Cow,
    fmt::{Display, Formatter, Result as Written},
    path::PathBuf,
};

use crate::config::{env_lookup::EnvLookup, variable::Variable};

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueSource {
    /// A variable of the process environment.
    Environment,
    /// A line of `.env`.
    Line {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
    },
    /// The `.env` file as a whole.
    EnvFile(PathBuf),
    /// The file that `NAME_FILE` names.
    SecretFile(PathBuf),
    /// It was not set.
    Unset,
}

/// What is wrong with a value, and how to fix it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Issue {
    message: Cow<'static, str>,
    fix: Cow<'static, str>,
}

/// A problem, which prevents the start, or a warning, which does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    variable: Option<Variable>,
    source: ValueSource,
    issue: Issue,
}

/// All problems of a configuration, and its warnings. A command prints them and exits with 2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    env_file: EnvLookup,
    problems: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
}

impl Issue {
    /// `message` continues "NAME (its source): "; `fix` is a whole sentence.
    pub(super) fn new(message: impl Into<Cow<'static, str>>, fix: impl Into<Cow<'static, str>>) -> Self {
        Self { message: message.into(), fix: fix.into() }
    }
}

/// The text for a command-line option, whose error message already names the option.
impl Display for Issue {
    fn fmt(&self, f: &mut Formatter<'_>) -> Written {
        write!(f, "{}. {}", self.message, self.fix)
    }
}

impl Diagnostic {
    pub(super) fn new(variable: Option<Variable>, source: ValueSource, issue: Issue) -> Self {
        Self { variable, source, issue }
    }

    /// The variable it is about; a line of `.env` that cannot be read has none.
    #[must_use]
    pub fn variable(&self) -> Option<Variable> {
        self.variable
    }

    /// Where its value came from.
    #[must_use]
    pub fn source(&self) -> &ValueSource {
        &self.source
    }

    /// What is wrong.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.issue.message
    }

    /// How to fix it.
    #[must_use]
    pub fn fix(&self) -> &str {
        &self.issue.fix
    }
}

/// A number of problems. `Display` writes it with the noun: `1 problem` or `2 problems`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProblemCount(pub(crate) usize);

impl Display for ProblemCount {
    fn fmt(&self, f: &mut Formatter<'_>) -> Written {
        match self.0 {
            1 => f.write_str("1 problem"),
            count => write!(f, "{count} problems"),
        }
    }
}

impl ConfigError {
    pub(super) fn new(env_file: EnvLookup, problems: Vec<Diagnostic>, warnings: Vec<Diagnostic>) -> Self {
        Self { env_file, problems, warnings }
    }

    /// The problems, which prevent the start.
    #[must_use]
    pub fn problems(&self) -> &[Diagnostic] {
        &self.problems
    }
}

impl std::error::Error for ConfigError {}

impl Display for ValueSource {
    fn fmt(&self, f: &mut Formatter<'_>) -> Written {
        match self {
            Self::Environment => f.write_str("environment"),
            Self::Line { path, line } => write!(f, "{}, line {line}", path.display()),
            Self::EnvFile(path) | Self::SecretFile(path) => write!(f, "{}", path.display()),
            Self::Unset => f.write_str("not set"),
        }
    }
}

impl Display for Diagnostic {
    fn fmt(&self, f: &mut Formatter<'_>) -> Written {
        match self.variable {
            Some(variable) => write!(f, "{variable} ({})", self.source)?,
            None => write!(f, "{}", self.source)?,
        }
        write!(f, ": {}.\n  Fix: {}", self.message(), self.fix())
    }
}

impl Display for ConfigError {
    fn fmt(&self, f: &mut Formatter<'_>) -> Written {
        // This comes first, since a missing file explains the variables that are not set.
        if let EnvLookup::Missing(path) = &self.env_file {
            writeln!(f, "There is no {}: only the environment was read.", path.display())?;
        }
        write!(f, "{} found in the configuration.", ProblemCount(self.problems.len()))?;
        for problem in &self.problems {
            write!(f, "\n\n{problem}")?;
        }
        for warning in &self.warnings {
            write!(f, "\n\nWarning: {warning}")?;
        }
        Ok(())
    }
}
