//! Finds each variable's value (environment, then `.env`, or the file that `NAME_FILE` names) and collects what is
//! wrong with any of them.

use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::config::{
    encoding,
    env_file::{Entries, EnvFile, EnvLookup, read_small},
    environment::Environment,
    finding::{Fault, Finding, Origin, Problems},
    placeholder,
    variable::Variable,
};

/// Proof that a problem was reported, so that whoever holds it may give up without another word.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reported(());

/// A value, with the white space around it dropped, and where it came from.
pub(super) struct Value {
    variable: Variable,
    origin: Origin,
    text: Zeroizing<String>,
}

/// Reads values and keeps count of problems and warnings.
pub(super) struct Reader<'a> {
    environment: &'a Environment,
    entries: Entries,
    problems: Vec<Finding>,
    warnings: Vec<Finding>,
}

/// What was read without a problem.
pub(super) struct Read<T> {
    pub(super) value: T,
    pub(super) warnings: Vec<Finding>,
    pub(super) env_file: EnvLookup,
}

/// A name's value as it was found.
struct Found {
    text: Zeroizing<String>,
    origin: Origin,
}

impl Value {
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn origin(&self) -> &Origin {
        &self.origin
    }
}

impl<'a> Reader<'a> {
    pub(super) fn new(environment: &'a Environment, env_file: &EnvFile) -> Self {
        let mut entries = env_file.read();
        let problems = std::mem::take(&mut entries.problems);
        let warnings = std::mem::take(&mut entries.warnings);
        Self { environment, entries, problems, warnings }
    }

    /// Keeps, of what is wrong with `.env`, only what concerns these variables or the file as a whole.
    pub(super) fn only_for(mut self, variables: &[Variable]) -> Self {
        self.problems.retain(|problem| match problem.variable() {
            Some(variable) => variables.contains(&variable),
            None => matches!(problem.origin(), Origin::EnvFile(_)),
        });
        self
    }

    /// A variable's value, if it is set.
    pub(super) fn get(&mut self, variable: Variable) -> Result<Option<Value>, Reported> {
        let direct = self.find(variable, variable.name())?;
        let file = if variable.is_secret() { self.find(variable, &variable.file_name())? } else { None };
        let found = match (direct, file) {
            (Some(direct), Some(_)) => return Err(self.report_both(variable, direct.origin)),
            (None, Some(named)) => Some(self.read_secret(variable, &named)?),
            (direct, None) => direct,
        };
        let Some(Found { text, origin }) = found else { return Ok(None) };
        let value = Value { variable, origin, text };
        self.check(&value, not_quoted)?;
        self.check(&value, only_visible)?;
        self.check(&value, placeholder::refuse)?;
        Ok(Some(value))
    }

    /// A variable's value as `parse` reads it, if it is set.
    pub(super) fn optional<T>(
        &mut self,
        variable: Variable,
        parse: impl FnOnce(&str) -> Result<T, Fault>,
    ) -> Result<Option<T>, Reported> {
        let value = self.get(variable)?;
        value.map(|value| self.check(&value, parse)).transpose()
    }

    /// The same for a variable with a default, which is written as the operator would write it.
    pub(super) fn or_default<T>(
        &mut self,
        variable: Variable,
        default: &str,
        parse: impl FnOnce(&str) -> Result<T, Fault>,
    ) -> Result<T, Reported> {
        let value = self.value_or_default(variable, default)?;
        self.check(&value, parse)
    }

    /// The value itself, or its default, for more than one check.
    pub(super) fn value_or_default(&mut self, variable: Variable, default: &str) -> Result<Value, Reported> {
        Ok(self.get(variable)?.unwrap_or_else(|| Value::default_of(variable, default)))
    }

    /// The same for a variable that must be set; `mend` says where to get a value.
    pub(super) fn required<T>(
        &mut self,
        variable: Variable,
        mend: &'static str,
        parse: impl FnOnce(&str) -> Result<T, Fault>,
    ) -> Result<T, Reported> {
        let value = self.required_value(variable, mend)?;
        self.check(&value, parse)
    }

    /// The value itself of a variable that must be set, for more than one check.
    pub(super) fn required_value(&mut self, variable: Variable, mend: &'static str) -> Result<Value, Reported> {
        match (self.get(variable)?, &self.entries.lookup) {
            (Some(value), _) => Ok(value),
            // It is probably set there, and that problem is reported already.
            (None, EnvLookup::Unreadable(_)) => Err(Reported(())),
            (None, _) => Err(self.report(variable, Origin::Unset, Fault::new("it is required", mend))),
        }
    }

    /// Runs a check over a value and reports its fault.
    pub(super) fn check<T>(
        &mut self,
        value: &Value,
        parse: impl FnOnce(&str) -> Result<T, Fault>,
    ) -> Result<T, Reported> {
        parse(value.text()).map_err(|fault| self.report(value.variable, value.origin.clone(), fault))
    }

    /// Says something about a value that does not stop the start.
    pub(super) fn warn(&mut self, value: &Value, fault: Fault) {
        self.warnings.push(Finding::new(Some(value.variable), value.origin.clone(), fault));
    }

    /// What a relative path is relative to: the folder of the `.env` that was read, else the working directory.
    pub(super) fn base(&self) -> PathBuf {
        self.entries.lookup.path().and_then(|path| path.parent()).map(PathBuf::from).unwrap_or_default()
    }

    /// Ends the reading: the value if there was no problem at all, with the warnings and the `.env` that was read.
    pub(super) fn finish<T>(self, read: Result<T, Reported>) -> Result<Read<T>, Problems> {
        match read {
            Ok(value) if self.problems.is_empty() => {
                Ok(Read { value, warnings: self.warnings, env_file: self.entries.lookup })
            }
            _ => Err(Problems::new(self.entries.lookup, self.problems, self.warnings)),
        }
    }

    fn report(&mut self, variable: Variable, origin: Origin, fault: Fault) -> Reported {
        self.problems.push(Finding::new(Some(variable), origin, fault));
        Reported(())
    }

    /// What a name is set to; what is empty, or nothing but white space, counts as not set.
    fn find(&mut self, variable: Variable, name: &str) -> Result<Option<Found>, Reported> {
        let (text, origin) = if let Some(value) = self.environment.get(name) {
            let Some(text) = value.to_str() else {
                let fault = Fault::new(format!("{name} is not Unicode text"), "Set it again, by hand.");
                return Err(self.report(variable, Origin::Environment, fault));
            };
            (text, Origin::Environment)
        } else if let Some(entry) = self.entries.get(name) {
            let text = entry.value.as_ref().ok_or(Reported(()))?;
            (text.as_str(), self.entries.origin(entry.line))
        } else {
            return Ok(None);
        };
        let text = encoding::trim(text);
        Ok((!text.is_empty()).then(|| Found { text: Zeroizing::new(text.to_owned()), origin }))
    }

    fn report_both(&mut self, variable: Variable, origin: Origin) -> Reported {
        let file = variable.file_name();
        let fault =
            Fault::new(format!("{file} is set too"), format!("Keep {variable} or {file}, and unset the other."));
        self.report(variable, origin, fault)
    }

    /// The text of the file that `NAME_FILE` names. One that cannot be read is not named, since it is a common
    /// mistake to give the secret itself.
    fn read_secret(&mut self, variable: Variable, named: &Found) -> Result<Found, Reported> {
        let path = self.base().join(named.text.as_str());
        let file = variable.file_name();
        let bytes = read_small(&path).map_err(|error| {
            let wrong = format!("the file that {file} names cannot be read ({})", error.kind());
            let mend = format!("{file} is the path of a file that holds nothing but the secret.");
            self.report(variable, named.origin.clone(), Fault::new(wrong, mend))
        })?;
        let origin = Origin::SecretFile(path);
        if encoding::is_utf16(&bytes) {
            return Err(self.report(variable, origin, encoding::utf16()));
        }
        let text = std::str::from_utf8(&bytes).map(encoding::trim).unwrap_or_default();
        if text.is_empty() {
            let fault =
                Fault::new("the file is empty or not text", format!("Write the secret into it, or unset {file}."));
            return Err(self.report(variable, origin, fault));
        }
        Ok(Found { text: Zeroizing::new(text.to_owned()), origin })
    }
}

impl Value {
    fn default_of(variable: Variable, default: &str) -> Self {
        Self { variable, origin: Origin::Unset, text: Zeroizing::new(default.to_owned()) }
    }
}

fn only_visible(text: &str) -> Result<(), Fault> {
    if encoding::has_invisible(text) {
        return Err(Fault::new("it has an invisible character in it", "Type it, or copy it from a plain text editor."));
    }
    Ok(())
}

/// `docker --env-file` and some panels keep the quotes of a `.env` as part of the value.
fn not_quoted(text: &str) -> Result<(), Fault> {
    let within = |quote| text.len() > 1 && text.starts_with(quote) && text.ends_with(quote);
    if ['\'', '"', '`'].into_iter().any(within) {
        return Err(Fault::new("the quotes around it are part of the value", "Set the value without the quotes."));
    }
    Ok(())
}
