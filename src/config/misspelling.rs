//! Recognises misspelled variable names in `.env`.

use crate::config::variable::VARIABLES;

/// The variable that `key` is probably meant to be. `None` for a key that seems to belong to another program.
pub(super) fn of(key: &str) -> Option<String> {
    let names = VARIABLES.iter().flat_map(|variable| {
        let file = variable.is_secret().then(|| variable.file_name());
        [Some(variable.name().to_owned()), file].into_iter().flatten()
    });
    names
        .map(|name| (distance(&letters(key), &letters(&name)), name))
        .filter(|(distance, name)| *distance <= tolerated(name))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// The largest distance at which a key counts as a misspelling of this name. It is smaller for short names, which
/// resemble many words: `USER` is not a misspelling of `ISSUER`.
fn tolerated(name: &str) -> usize {
    if name.len() < 8 { 1 } else { 2 }
}

/// The characters in upper case and without separators, since differences in case and separators do not count.
fn letters(name: &str) -> Vec<char> {
    name.chars().filter(|c| !matches!(c, '_' | '.')).map(|c| c.to_ascii_uppercase()).collect()
}

/// How many characters are added, left out, changed, or swapped with their neighbour (optimal string alignment).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before_last = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let changed = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut fewest = changed.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                fewest = fewest.min(before_last[j - 2] + 1);
            }
            row.push(fewest);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn a_near_miss_is_recognised() {
        let cases = [
            ("CLIENTID", "CLIENT_ID"),
            ("client_id", "CLIENT_ID"),
            ("CLIENT_SECERT", "CLIENT_SECRET"),
            ("ALLOWED_USER", "ALLOWED_USERS"),
            ("SCOPE", "SCOPES"),
            ("API_KEYS", "API_KEY"),
            ("EXPRES_SESION", "EXPRESS_SESSION"),
            ("CLIENT_SECRETFILE", "CLIENT_SECRET_FILE"),
        ];
        for (key, meant) in cases {
            assert_eq!(of(key).as_deref(), Some(meant), "{key}");
        }
    }

    #[test]
    fn another_programs_variable_is_left_alone() {
        for key in ["USER", "PATH", "NODE_ENV", "DATABASE_URL", "SESSION", "TZ", "HOME", "LOG_LEVEL"] {
            assert_eq!(of(key), None, "{key}");
        }
    }
}
