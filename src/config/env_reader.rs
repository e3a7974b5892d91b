//! Finds each variable's value (in the environment, in `.env`, or in the file that `NAME_FILE` names) and collects the
//! problems of all of them.

use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::config::{
    diagnostic::{ConfigError, Diagnostic, Issue, ValueSource},
    encoding,
    env_file::{Entries, EnvFile, read_small},
    env_lookup::EnvLookup,
    environment::Environment,
    placeholder,
    variable::Variable,
};

/// Proof that a problem was reported, so a caller can stop without reporting another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reported(());

/// A value without the white space around it, and where it came from.
pub(super) struct Value {
    variable: Variable,
    source: ValueSource,
    text: Zeroizing<String>,
}

/// Reads values, and collects problems and warnings.
pub(super) struct EnvReader<'a> {
    environment: &'a Environment,
    entries: Entries,
    problems: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
}

/// A value that was read without a problem, and the warnings.
pub(super) struct Read<T> {
    pub(super) value: T,
    pub(super) warnings: Vec<Diagnostic>,
    pub(super) env_file: EnvLookup,
}

struct Found {
    text: Zeroizing<String>,
    source: ValueSource,
}

impl Value {
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn source(&self) -> &ValueSource {
        &self.source
    }
}

impl<'a> EnvReader<'a> {
    pub(super) fn new(environment: &'a Environment, env_file: &EnvFile) -> Self {
        let mut entries = env_file.read();
        let problems = std::mem::take(&mut entries.problems);
        let warnings = std::mem::take(&mut entries.warnings);
        Self { environment, entries, problems, warnings }
    }

    /// Ignores the problems of `.env` that concern neither these variables nor the file as a whole.
    pub(super) fn only_for(mut self, variables: &[Variable]) -> Self {
        self.problems.retain(|problem| match problem.variable() {
            Some(variable) => variables.contains(&variable),
            None => matches!(problem.source(), ValueSource::EnvFile(_)),
        });
        self
    }

    pub(super) fn get(&mut self, variable: Variable) -> Result<Option<Value>, Reported> {
        let direct = self.find(variable, variable.name())?;
        let file = if variable.is_secret() { self.find(variable, &variable.file_name())? } else { None };
        let found = match (direct, file) {
            (Some(direct), Some(_)) => return Err(self.report_both(variable, direct.source)),
            (None, Some(named)) => Some(self.read_secret(variable, &named)?),
            (direct, None) => direct,
        };
        let Some(Found { text, source }) = found else { return Ok(None) };
        let value = Value { variable, source, text };
        self.check(&value, not_quoted)?;
        self.check(&value, only_visible)?;
        self.check(&value, placeholder::reject)?;
        Ok(Some(value))
    }

    /// A variable's parsed value, if it is set.
    pub(super) fn optional<T>(
        &mut self,
        variable: Variable,
        parse: impl FnOnce(&str) -> Result<T, Issue>,
    ) -> Result<Option<T>, Reported> {
        let value = self.get(variable)?;
        value.map(|value| self.check(&value, parse)).transpose()
    }

    /// A variable's parsed value, or the parsed `default`.
    pub(super) fn or_default<T>(
        &mut self,
        variable: Variable,
        default: &str,
        parse: impl FnOnce(&str) -> Result<T, Issue>,
    ) -> Result<T, Reported> {
        let value = self.value_or_default(variable, default)?;
        self.check(&value, parse)
    }

    /// A variable's value, or its default, for a caller that makes more than one check.
    pub(super) fn value_or_default(&mut self, variable: Variable, default: &str) -> Result<Value, Reported> {
        Ok(self.get(variable)?.unwrap_or_else(|| Value::default_of(variable, default)))
    }

    /// The parsed value of a variable that must be set; `fix` says where to get one.
    pub(super) fn required<T>(
        &mut self,
        variable: Variable,
        fix: &'static str,
        parse: impl FnOnce(&str) -> Result<T, Issue>,
    ) -> Result<T, Reported> {
        let value = self.required_value(variable, fix)?;
        self.check(&value, parse)
    }

    /// The value of a variable that must be set, for a caller that makes more than one check.
    pub(super) fn required_value(&mut self, variable: Variable, fix: &'static str) -> Result<Value, Reported> {
        match (self.get(variable)?, &self.entries.lookup) {
            (Some(value), _) => Ok(value),
            // The variable is probably set in that file, whose problem is already reported.
            (None, EnvLookup::Unreadable(_)) => Err(Reported(())),
            (None, _) => Err(self.report(variable, ValueSource::Unset, Issue::new("it is required", fix))),
        }
    }

    /// Parses a value, and reports the issue if there is one.
    pub(super) fn check<T>(
        &mut self,
        value: &Value,
        parse: impl FnOnce(&str) -> Result<T, Issue>,
    ) -> Result<T, Reported> {
        parse(value.text()).map_err(|issue| self.report(value.variable, value.source.clone(), issue))
    }

    /// Reports an issue that does not prevent the start.
    pub(super) fn warn(&mut self, value: &Value, issue: Issue) {
        self.warnings.push(Diagnostic::new(Some(value.variable), value.source.clone(), issue));
    }

    /// The directory that relative paths start at: that of the `.env` that was read, else the working directory.
    pub(super) fn base(&self) -> PathBuf {
        self.entries.lookup.path().and_then(|path| path.parent()).map(PathBuf::from).unwrap_or_default()
    }

    /// Returns the value if no problem was reported.
    pub(super) fn finish<T>(self, read: Result<T, Reported>) -> Result<Read<T>, ConfigError> {
        match read {
            Ok(value) if self.problems.is_empty() => {
                Ok(Read { value, warnings: self.warnings, env_file: self.entries.lookup })
            }
            _ => Err(ConfigError::new(self.entries.lookup, self.problems, self.warnings)),
        }
    }

    fn report(&mut self, variable: Variable, source: ValueSource, issue: Issue) -> Reported {
        self.problems.push(Diagnostic::new(Some(variable), source, issue));
        Reported(())
    }

    /// The value that this name is set to, in the environment or else in `.env`. An empty or blank value counts as
    /// unset.
    fn find(&mut self, variable: Variable, name: &str) -> Result<Option<Found>, Reported> {
        let (text, source) = if let Some(value) = self.environment.get(name) {
            let Some(text) = value.to_str() else {
                let issue = Issue::new(format!("{name} is not Unicode text"), "Set it again, by hand.");
                return Err(self.report(variable, ValueSource::Environment, issue));
            };
            (text, ValueSource::Environment)
        } else if let Some(entry) = self.entries.get(name) {
            let text = entry.value.as_ref().ok_or(Reported(()))?;
            (text.as_str(), self.entries.source(entry.line))
        } else {
            return Ok(None);
        };
        let text = encoding::trim(text);
        Ok((!text.is_empty()).then(|| Found { text: Zeroizing::new(text.to_owned()), source }))
    }

    fn report_both(&mut self, variable: Variable, source: ValueSource) -> Reported {
        let file = variable.file_name();
        let issue =
            Issue::new(format!("{file} is set too"), format!("Keep {variable} or {file}, and unset the other."));
        self.report(variable, source, issue)
    }

    /// The text of the file that `NAME_FILE` names. If the file cannot be read, the path is not reported, since people
    /// often write the secret itself there.
    fn read_secret(&mut self, variable: Variable, named: &Found) -> Result<Found, Reported> {
        let path = self.base().join(named.text.as_str());
        let file = variable.file_name();
        let bytes = read_small(&path).map_err(|error| {
            let message = format!("the file that {file} names cannot be read ({})", error.kind());
            let fix = format!("{file} is the path of a file that holds nothing but the secret.");
            self.report(variable, named.source.clone(), Issue::new(message, fix))
        })?;
        let source = ValueSource::SecretFile(path);
        if encoding::is_utf16(&bytes) {
            return Err(self.report(variable, source, encoding::utf16()));
        }
        let text = std::str::from_utf8(&bytes).map(encoding::trim).unwrap_or_default();
        if text.is_empty() {
            let issue =
                Issue::new("the file is empty or not text", format!("Write the secret into it, or unset {file}."));
            return Err(self.report(variable, source, issue));
        }
        Ok(Found { text: Zeroizing::new(text.to_owned()), source })
    }
}

impl Value {
    fn default_of(variable: Variable, default: &str) -> Self {
        Self { variable, source: ValueSource::Unset, text: Zeroizing::new(default.to_owned()) }
    }
}

fn only_visible(text: &str) -> Result<(), Issue> {
    if encoding::has_invisible(text) {
        return Err(Issue::new("it has an invisible character in it", "Type it, or copy it from a plain text editor."));
    }
    Ok(())
}

/// Rejects a value in quotes. `docker --env-file` and the settings pages of some hosting platforms keep the quotes of a
/// `.env` as part of the value.
fn not_quoted(text: &str) -> Result<(), Issue> {
    let within = |quote| text.len() > 1 && text.starts_with(quote) && text.ends_with(quote);
    if ['\'', '"', '`'].into_iter().any(within) {
        return Err(Issue::new("the quotes around it are part of the value", "Set the value without the quotes."));
    }
    Ok(())
}
