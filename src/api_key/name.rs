use std::fmt;

/// The name of a stored key, as in the log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyName(String);

/// Why a text is no name for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Empty, too long, or with another character.
    #[error("a name has 1 to 64 characters: ASCII letters, digits, dots, underscores and hyphens")]
    Malformed,
    /// `env-1` and so on.
    #[error("names such as env-1 are those of the keys in API_KEY; choose another one")]
    Reserved,
}

impl KeyName {
    const LONGEST: usize = 64;
    const OF_ENVIRONMENT: &str = "env-";

    /// Reads a name for a new key.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if text.is_empty() || text.len() > Self::LONGEST || !text.bytes().all(fits) {
            return Err(NameError::Malformed);
        }
        let number = text.strip_prefix(Self::OF_ENVIRONMENT);
        if number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())) {
            return Err(NameError::Reserved);
        }
        Ok(Self(text.to_owned()))
    }

    /// The name of the element of `API_KEY` at this place, from 0.
    pub(crate) fn of_environment(place: usize) -> Self {
        Self(format!("{}{}", Self::OF_ENVIRONMENT, place + 1))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_harmless_characters_and_is_none_of_the_environments() {
        for name in ["a", "reports.weekly_2-b", "env-", "env-1a", "ENV-1", &"x".repeat(64)] {
            assert_eq!(KeyName::parse(name).map(|name| name.0).as_deref(), Ok(name));
        }
        for name in ["", "a b", "a/b", "ä", "a\n", &"x".repeat(65)] {
            assert_eq!(KeyName::parse(name), Err(NameError::Malformed), "{name}");
        }
        for name in ["env-1", "env-10"] {
            assert_eq!(KeyName::parse(name), Err(NameError::Reserved), "{name}");
        }
    }
}
