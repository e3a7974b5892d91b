//! The process environment, copied once.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
};

use zeroize::Zeroize;

/// The environment variables of a process. Tests build their own.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<OsString, OsString>);

impl Environment {
    /// The environment of this process, as it is now.
    #[expect(clippy::disallowed_methods, reason = "this is the one reader of the environment")]
    pub(crate) fn of_process() -> Self {
        Self(std::env::vars_os().collect())
    }

    /// A variable's value. An empty or blank one counts as unset.
    pub(super) fn get(&self, name: &str) -> Option<&OsStr> {
        let is_blank = |value: &&OsString| value.to_str().is_some_and(|text| text.trim().is_empty());
        self.0.get(OsStr::new(name)).filter(|value| !is_blank(value)).map(OsString::as_os_str)
    }
}

impl<N: Into<OsString>, V: Into<OsString>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// Wipes the copies of the values. The original environment block, which the operating system created, cannot be wiped.
impl Drop for Environment {
    fn drop(&mut self) {
        for value in std::mem::take(&mut self.0).into_values() {
            value.into_encoded_bytes().zeroize();
        }
    }
}

/// Shows only the number of variables: the environment holds secrets, ours and those of other programs.
impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Environment({} variables)", self.0.len())
    }
}
