//! Comma-separated lists.

/// The elements, without the white space around them. Empty elements are included.
pub(super) fn elements(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim)
}
