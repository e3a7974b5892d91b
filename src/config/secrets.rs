//! `EXPRESS_SESSION` and its predecessors: what all keys are derived from.

use secrecy::{ExposeSecret, SecretString};

use crate::config::{
    finding::Fault,
    list,
    mode::Mode,
    reader::{Reader, Reported, Value},
    variable::{EXPRESS_SESSION, EXPRESS_SESSION_PREVIOUS},
    weak,
};

/// What guards a kept refresh token.
const STRONG: usize = 32;
/// What a Glitch `.env` may have; it guards sessions of a day at most.
const WEAKEST: usize = 16;
const MEND: &str = "Make one with: openssl rand -base64 48";

/// The secrets all keys are derived from.
#[derive(Debug)]
pub struct Secrets {
    /// `EXPRESS_SESSION`.
    pub current: SecretString,
    /// `EXPRESS_SESSION_PREVIOUS`.
    pub previous: Vec<SecretString>,
}

impl Secrets {
    pub(super) fn read(reader: &mut Reader<'_>, mode: &Mode) -> Result<Self, Reported> {
        let current = Self::read_current(reader, mode);
        let previous = Self::read_previous(reader);
        Ok(Self { current: current?, previous: previous? })
    }

    /// A weak one is not refused here: it must still decrypt what it once encrypted.
    fn read_previous(reader: &mut Reader<'_>) -> Result<Vec<SecretString>, Reported> {
        let Some(value) = reader.get(EXPRESS_SESSION_PREVIOUS)? else { return Ok(Vec::new()) };
        if value.text().contains(|c: char| c == ';' || c.is_whitespace()) && !value.text().contains(',') {
            let wrong = "it has a ; or white space in it; if that separates two secrets, neither decrypts anything";
            reader.warn(&value, Fault::new(wrong, "Use commas between secrets."));
        }
        reader.check(&value, parse_previous)
    }

    fn read_current(reader: &mut Reader<'_>, mode: &Mode) -> Result<SecretString, Reported> {
        let current = reader.required_value(EXPRESS_SESSION, MEND)?;
        let least = if *mode == Mode::Mint { WEAKEST } else { STRONG };
        reader.check(&current, |text| at_least(least, text))?;
        reader.check(&current, not_weak)?;
        warn_of_weakness(reader, &current);
        Ok(current.text().into())
    }

    /// The texts, for checks that another secret is not the same.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.current).chain(&self.previous).map(ExposeSecret::expose_secret)
    }
}

fn at_least(least: usize, text: &str) -> Result<(), Fault> {
    if text.chars().count() < least {
        return Err(Fault::new(format!("it is shorter than {least} characters"), MEND));
    }
    Ok(())
}

fn not_weak(text: &str) -> Result<(), Fault> {
    weak::find(text).map_or(Ok(()), |weakness| Err(Fault::new(format!("it {weakness}, so it can be guessed"), MEND)))
}

fn warn_of_weakness(reader: &mut Reader<'_>, current: &Value) {
    if current.text().chars().count() < STRONG {
        reader.warn(current, Fault::new(format!("it is shorter than {STRONG} characters"), MEND));
    }
    if current.text().contains(',') {
        let wrong = "it has a comma in it, so it could never be an element of EXPRESS_SESSION_PREVIOUS";
        reader.warn(current, Fault::new(wrong, MEND));
    }
}

/// These open what an earlier secret sealed, in whichever mode that was.
fn parse_previous(text: &str) -> Result<Vec<SecretString>, Fault> {
    list::elements(text)
        .map(|element| {
            if element.chars().count() < WEAKEST {
                let wrong = format!("an element is shorter than {WEAKEST} characters");
                let mend = "List former values of EXPRESS_SESSION, whole, with commas between them.";
                return Err(Fault::new(wrong, mend));
            }
            Ok(element.into())
        })
        .collect()
}
