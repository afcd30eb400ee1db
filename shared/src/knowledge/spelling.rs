//! Misspelt words.

/// How many letters of a word may be wrong; none in short ones: `horse` is no `house`.
pub(super) fn allowed_edits(word: &str) -> Option<usize> {
    match word.chars().count() {
        6..=8 => Some(1),
        9..=30 => Some(2),
        _ => None,
    }
}

/// The edits between two words, if they are no more than allowed.
pub(super) fn edits_within(word: &str, known: &str, allowed: usize) -> Option<usize> {
    let (word, known): (Vec<char>, Vec<char>) = (word.chars().collect(), known.chars().collect());
    if word.len().abs_diff(known.len()) > allowed || known.len() < 5 {
        return None;
    }
    Some(edits(&word, &known)).filter(|edits| *edits <= allowed)
}

/// Insertions, deletions, replacements and swaps of neighbours between two words.
fn edits(one: &[char], other: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    let mut previous = None;
    for (row, a) in one.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, b) in other.iter().enumerate() {
            let at = |line: &[usize], column: usize| line.get(column).copied().unwrap_or(usize::MAX / 2);
            let replaced = at(&last, column) + usize::from(a != b);
            let mut cheapest = replaced
                .min(at(&last, column + 1) + 1)
                .min(at(&current, column) + 1);
            if let Some(left) = column.checked_sub(1)
                && previous == Some(b)
                && other.get(left) == Some(a)
            {
                cheapest = cheapest.min(at(&before, left) + 1);
            }
            current.push(cheapest);
        }
        before = std::mem::replace(&mut last, current);
        previous = Some(a);
    }
    last.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_count_swaps_once() {
        for (one, other, expected) in [
            ("shuttle", "shuttel", 1),
            ("menu", "menu", 0),
            ("lake", "bakes", 2),
            ("", "ab", 2),
        ] {
            let chars = |word: &str| word.chars().collect::<Vec<_>>();
            assert_eq!(edits(&chars(one), &chars(other)), expected, "{one} {other}");
        }
    }

    #[test]
    fn short_words_are_taken_as_written() {
        assert_eq!(allowed_edits("horse"), None);
        assert_eq!(edits_within("shuttel", "shuttle", 1), Some(1));
        assert_eq!(edits_within("shuttel", "shutters", 1), None);
    }
}
