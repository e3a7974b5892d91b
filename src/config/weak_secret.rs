//! Recognises secrets that are easy to guess: a repeated character or word, a sequence, or a placeholder.

use zeroize::Zeroizing;

/// The longest piece whose repetition makes a secret weak. A secret that repeats a longer piece may be random.
const LONGEST_WORD: usize = 12;
/// A random text of 16 characters or more almost certainly has at least this many distinct characters.
const FEWEST_CHARACTERS: usize = 5;
/// Placeholders of tutorials and templates, letters only.
const PLACEHOLDERS: [&str; 14] = [
    "changeme",
    "changethis",
    "replaceme",
    "replacethis",
    "replacewith",
    "yoursecret",
    "yourapikey",
    "yoursession",
    "yourkey",
    "secrethere",
    "secretgoeshere",
    "placeholder",
    "keyboardcat",
    "pastearandomsecret",
];

/// Why the secret is weak, if it is. The text continues "it" or "a key".
pub(super) fn find(secret: &str) -> Option<&'static str> {
    // The buffers are wiped, and large enough from the start: if they grew, an unwiped copy would stay in memory.
    let mut characters = Zeroizing::new(Vec::with_capacity(4 * secret.len()));
    characters.extend(secret.chars().flat_map(char::to_lowercase));
    let mut letters = Zeroizing::new(String::with_capacity(4 * secret.len()));
    letters.extend(characters.iter().filter(|c| c.is_alphabetic()));
    if PLACEHOLDERS.iter().any(|placeholder| letters.contains(placeholder)) {
        Some("is a placeholder")
    } else if distinct(&characters) < FEWEST_CHARACTERS {
        Some("has hardly any different characters")
    } else if repeats_a_word(&characters) {
        Some("repeats one word")
    } else if is_sequence(&characters) {
        Some("is a sequence of neighbouring characters")
    } else {
        None
    }
}

fn distinct(characters: &[char]) -> usize {
    characters.iter().collect::<std::collections::BTreeSet<_>>().len()
}

/// Whether the secret is a short piece that is repeated. The last repetition may be incomplete.
fn repeats_a_word(characters: &[char]) -> bool {
    let longest = LONGEST_WORD.min(characters.len() / 2);
    (1..=longest).any(|word| characters.iter().zip(&characters[word..]).all(|(a, b)| a == b))
}

fn is_sequence(characters: &[char]) -> bool {
    let step = |pair: &[char]| i64::from(u32::from(pair[1])) - i64::from(u32::from(pair[0]));
    let mut steps = characters.windows(2).map(step);
    let first = steps.next();
    matches!(first, Some(1 | -1)) && steps.all(|step| Some(step) == first)
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn what_anybody_would_guess_is_found() {
        for secret in [
            "aaaaaaaaaaaaaaaa",
            "1111111111111111111111111111111112",
            "abababababababababababababababab",
            "changeme-changeme",
            "Change_Me_Please_Change_Me_Please",
            "passwordpasswordpasswordpassword",
            "password password password passw",
            "correcthorsecorrecthorsecorrecthorse",
            "your-secret-here",
            "your-session-secret-goes-here-123",
            "keyboard cat keyboard cat",
            "paste-a-random-secret-here",
            "12345678901234567890123456789012",
            "abcdefghijklmnopqrstuvwxyz",
            "zyxwvutsrqponmlkjihgfedcba",
        ] {
            assert!(find(secret).is_some(), "{secret}");
        }
    }

    #[test]
    fn what_a_generator_or_a_person_with_a_sentence_made_is_not() {
        for secret in [
            "Kc0n1x3yV9mS5qWZ7rT2pL8d",
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "c2VjcmV0LXNlY3JldC1zZWNyZXQ=",
            "a-session-secret-of-the-glitch-days",
            "0123456789abcdef0123456789abcdef",
            "purple monkey dishwasher 42",
        ] {
            assert_eq!(find(secret), None, "{secret}");
        }
    }
}
