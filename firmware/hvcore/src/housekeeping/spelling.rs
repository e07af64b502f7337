//! The word a user probably meant.
//!
//! Counts the edits (insert, delete, replace) between two short words and
//! offers the nearest one if it is near enough.
//! Also called: did you mean, Levenshtein distance.

/// Longest word compared; longer ones are not misspelt commands.
const MAX_WORD: usize = 16;
/// Most edits at which a word still counts as near.
const MAX_EDITS: usize = 2;

/// The nearest of `words`, if it is near: at most two edits away and not all of
/// it edited, or begun by what was typed.
pub fn nearest<'a>(typed: &str, words: impl Iterator<Item = &'a str> + Clone) -> Option<&'a str> {
    let mut begun = words.clone().filter(|word| word.starts_with(typed));
    if let (Some(only), None) = (begun.next(), begun.next()) {
        return Some(only);
    }
    let distances =
        words.filter_map(|word| Some((edits(typed.as_bytes(), word.as_bytes())?, word)));
    let near = distances.filter(|(edits, word)| *edits <= MAX_EDITS && *edits < word.len());
    near.min_by_key(|(edits, _)| *edits).map(|(_, word)| word)
}

/// Edits between two words; `None` when one is too long to compare.
fn edits(from: &[u8], to: &[u8]) -> Option<usize> {
    if from.len() > MAX_WORD || to.len() > MAX_WORD {
        return None;
    }
    // row[j] is the distance of the letters of `from` seen so far to to[..j].
    let mut row = [0usize; MAX_WORD + 1];
    for (j, cell) in row.iter_mut().enumerate() {
        *cell = j;
    }
    for (i, letter) in from.iter().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, other) in row.iter_mut().skip(1).zip(to) {
            let replaced = diagonal + usize::from(letter != other);
            diagonal = *cell;
            left = replaced.min(*cell + 1).min(left + 1);
            *cell = left;
        }
    }
    row.get(to.len()).copied()
}
