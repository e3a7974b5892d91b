//! `EXPRESS_SESSION` and `EXPRESS_SESSION_PREVIOUS`: all keys are derived from these.

use secrecy::{ExposeSecret, SecretString};

use crate::config::{
    diagnostic::Issue,
    env_reader::{EnvReader, Reported, Value},
    list,
    mode::Mode,
    variable::{EXPRESS_SESSION, EXPRESS_SESSION_PREVIOUS},
    weak_secret,
};

/// The minimum length in keep mode, where the secret protects refresh tokens for as long as they are stored.
const STRONG: usize = 32;
/// The minimum length in mint mode, where the secret protects sessions of at most a day. It is this short so that a
/// `.env` from Glitch works.
const WEAKEST: usize = 16;
const FIX: &str = "Create one with: openssl rand -base64 48";

/// The secrets that all keys are derived from.
#[derive(Debug)]
pub struct Secrets {
    /// `EXPRESS_SESSION`.
    pub current: SecretString,
    /// `EXPRESS_SESSION_PREVIOUS`.
    pub previous: Vec<SecretString>,
}

impl Secrets {
    pub(super) fn read(reader: &mut EnvReader<'_>, mode: &Mode) -> Result<Self, Reported> {
        let current = Self::read_current(reader, mode);
        let previous = Self::read_previous(reader);
        Ok(Self { current: current?, previous: previous? })
    }

    /// A secret that is easy to guess is accepted here, since it must still decrypt what was encrypted with it.
    fn read_previous(reader: &mut EnvReader<'_>) -> Result<Vec<SecretString>, Reported> {
        let Some(value) = reader.get(EXPRESS_SESSION_PREVIOUS)? else { return Ok(Vec::new()) };
        if value.text().contains(|c: char| c == ';' || c.is_whitespace()) && !value.text().contains(',') {
            let message = "it has a ; or white space in it; if that separates two secrets, neither decrypts anything";
            reader.warn(&value, Issue::new(message, "Use commas between secrets."));
        }
        reader.check(&value, parse_previous)
    }

    fn read_current(reader: &mut EnvReader<'_>, mode: &Mode) -> Result<SecretString, Reported> {
        let current = reader.required_value(EXPRESS_SESSION, FIX)?;
        let least = if *mode == Mode::Mint { WEAKEST } else { STRONG };
        reader.check(&current, |text| at_least(least, text))?;
        reader.check(&current, not_weak)?;
        warn_of_weakness(reader, &current);
        Ok(current.text().into())
    }

    /// The secrets as text, to check that no other secret equals one of them.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.current).chain(&self.previous).map(ExposeSecret::expose_secret)
    }
}

fn at_least(least: usize, text: &str) -> Result<(), Issue> {
    if text.chars().count() < least {
        return Err(Issue::new(format!("it is shorter than {least} characters"), FIX));
    }
    Ok(())
}

fn not_weak(text: &str) -> Result<(), Issue> {
    weak_secret::find(text)
        .map_or(Ok(()), |weakness| Err(Issue::new(format!("it {weakness}, so it can be guessed"), FIX)))
}

fn warn_of_weakness(reader: &mut EnvReader<'_>, current: &Value) {
    if current.text().chars().count() < STRONG {
        reader.warn(current, Issue::new(format!("it is shorter than {STRONG} characters"), FIX));
    }
    if current.text().contains(',') {
        let message = "it has a comma in it, so it could never be an element of EXPRESS_SESSION_PREVIOUS";
        reader.warn(current, Issue::new(message, FIX));
    }
}

/// Parses the previous secrets. The shorter limit applies, since they may come from mint mode.
fn parse_previous(text: &str) -> Result<Vec<SecretString>, Issue> {
    list::elements(text)
        .map(|element| {
            if element.chars().count() < WEAKEST {
                let message = format!("an element is shorter than {WEAKEST} characters");
                let fix = "List former values of EXPRESS_SESSION, whole, with commas between them.";
                return Err(Issue::new(message, fix));
            }
            Ok(element.into())
        })
        .collect()
}
