//! Lists in one value, with commas between their elements.

/// The elements, without the white space around them; an empty one is an element too.
pub(super) fn elements(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim)
}
