//! Rust text without its comments and literals, so that rules see only code.
//!
//! Not a parser: comments, strings and characters become spaces, lines stay
//! where they are. Enough to find a keyword or to match braces.

/// The same text with comments, strings and character literals blanked out.
pub fn blanked(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let end = skip_from(bytes, at);
        if end == at {
            out.push(bytes[at]);
            at += 1;
        } else {
            out.extend(
                bytes[at..end]
                    .iter()
                    .map(|&b| if b == b'\n' { b'\n' } else { b' ' }),
            );
            at = end;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Where the comment or literal that begins at `at` ends; `at` if none does.
fn skip_from(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    let joined = at > 0 && is_word(bytes[at - 1]);
    match rest {
        [b'/', b'/', ..] => at + rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len()),
        [b'/', b'*', ..] => at + block_comment(rest),
        [b'"', ..] => at + 1 + quoted(&rest[1..], b'"'),
        [b'r', b'"' | b'#', ..] if !joined => raw_string(bytes, at, 1),
        [b'b' | b'c', b'r', b'"' | b'#', ..] if !joined => raw_string(bytes, at, 2),
        [b'\'', b'\\', ..] => at + 1 + quoted(&rest[1..], b'\''),
        [b'\'', ..] => at + character(rest),
        _ => at,
    }
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0usize, 0);
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] if depth == 1 => return at + 2,
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    rest.len()
}

/// Length up to and with the closing quote.
fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 0;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            b if b == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

fn raw_string(bytes: &[u8], at: usize, prefix: usize) -> usize {
    let rest = &bytes[at + prefix..];
    let hashes = rest.iter().take_while(|&&b| b == b'#').count();
    if rest.get(hashes) != Some(&b'"') {
        return at;
    }
    let mut close = vec![b'"'];
    close.resize(hashes + 1, b'#');
    let body = &rest[hashes + 1..];
    let end = body.windows(close.len()).position(|w| w == close);
    let length = end.map_or(body.len(), |end| end + close.len());
    at + prefix + hashes + 1 + length
}

/// Length of a character literal, or 0 for a lifetime.
fn character(rest: &[u8]) -> usize {
    let closing = rest.iter().skip(2).take(4).position(|&b| b == b'\'');
    match closing {
        Some(far) if far == 0 || rest[1] >= 0x80 => far + 3,
        _ => 0,
    }
}

/// Whether a byte can be part of a word.
pub fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether `word` stands in `line` as a whole word.
pub fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let bytes = line.as_bytes();
        let before = at > 0 && is_word(bytes[at - 1]);
        let after = bytes.get(at + word.len()).is_some_and(|&b| is_word(b));
        !before && !after
    })
}

/// For each line, whether it lies in a `#[cfg(test)]` item; from blanked text.
pub fn test_lines(blank: &str) -> Vec<bool> {
    let mut marks = Vec::new();
    let (mut waiting, mut depth) = (false, 0i32);
    for line in blank.lines() {
        waiting |= line.contains("#[cfg(test)]") || line.contains("#[cfg(all(test");
        let inside = waiting || depth > 0;
        marks.push(inside);
        let opened = line.matches('{').count() as i32;
        let closed = line.matches('}').count() as i32;
        if depth > 0 || (waiting && opened > 0) {
            depth += opened - closed;
            waiting = false;
        } else if waiting && line.trim_end().ends_with(';') {
            waiting = false;
        }
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_become_spaces_and_lines_stay() {
        let text = "a /* x /* y */ z */ b // c\n\"d\\\"e\" f 'g' r#\"h\"i\"# 'life j b\"k\" '\\n' '\u{e9}' l";
        let blank = blanked(text);
        let words: Vec<&str> = blank.split_whitespace().collect();
        assert_eq!(words, ["a", "b", "f", "'life", "j", "b", "l"]);
        assert_eq!(blank.lines().count(), 2);
    }

    #[test]
    fn a_word_inside_a_word_is_not_that_word() {
        assert!(has_word("x = unsafe { y }", "unsafe"));
        assert!(!has_word("forbid(unsafe_code)", "unsafe"));
    }

    #[test]
    fn a_test_module_is_marked_to_its_closing_brace() {
        let marks = test_lines(
            "fn a() {}\n#[cfg(test)]\nmod t {\n fn b() {}\n}\nfn c() {}\n#[cfg(test)]\nmod d;\nfn e() {}",
        );
        assert_eq!(
            marks,
            [false, true, true, true, true, false, true, true, false]
        );
    }
}
