//! Compares a console log with an expected log.
//!
//! An expected line is taken letter by letter, except for wildcards in braces:
//!
//! | wildcard | stands for |
//! |---|---|
//! | `{n}` | a decimal number |
//! | `{x}` | a hexadecimal number with `0x` |
//! | `{*}` | any text to the end of the line |
//! | `{...}` alone on a line | any number of lines, none included |
//!
//! Carriage returns and blanks at line ends do not count. Nothing may follow the last expected line.
//! Also called: golden file, snapshot, .out file.

/// First place where a log is not as expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Line of the expected log, from 1; one past the end if the log is longer.
    pub expected_line: usize,
    /// That line, empty past the end.
    pub expected: String,
    /// What the log has instead; `None` if it ends there.
    pub found: Option<String>,
}

/// Whether `log` is as `expected` says.
///
/// # Errors
/// The first [`Difference`] on the longest match.
pub fn compare(expected: &str, log: &str) -> Result<(), Difference> {
    let wanted: Vec<&str> = expected.lines().map(str::trim_end).collect();
    let found: Vec<&str> = log
        .lines()
        .map(|line| line.trim_end_matches(['\r', ' ']))
        .collect();
    // State: the log line that each {...} was last stretched to, the usual glob walk.
    let (mut w, mut f) = (0, 0);
    let mut stretch: Option<(usize, usize)> = None;
    let mut furthest = (0, 0);
    loop {
        if (w, f) > furthest {
            furthest = (w, f);
        }
        if wanted.get(w) == Some(&"{...}") {
            stretch = Some((w, f));
            w += 1;
            continue;
        }
        match (wanted.get(w), found.get(f)) {
            (None, None) => return Ok(()),
            (Some(pattern), Some(line)) if line_matches(pattern, line) => {
                w += 1;
                f += 1;
            }
            _ => match stretch {
                Some((at, from)) if from < found.len() => {
                    stretch = Some((at, from + 1));
                    w = at + 1;
                    f = from + 1;
                }
                _ => break,
            },
        }
    }
    let (w, f) = furthest;
    Err(Difference {
        expected_line: w + 1,
        expected: wanted.get(w).unwrap_or(&"").to_string(),
        found: found.get(f).map(|line| line.to_string()),
    })
}

fn line_matches(pattern: &str, line: &str) -> bool {
    let Some((literal, rest)) = pattern.split_once('{') else {
        return pattern == line;
    };
    let Some(after) = line.strip_prefix(literal) else {
        return false;
    };
    let numeric = |text: &str, radix| text.chars().take_while(|c| c.is_digit(radix)).count();
    let (taken, pattern) = match rest.split_once('}') {
        Some(("*", _)) => return true,
        Some(("n", pattern)) => (numeric(after, 10), pattern),
        Some(("x", pattern)) => match after.strip_prefix("0x").map(|digits| numeric(digits, 16)) {
            Some(digits) if digits != 0 => (2 + digits, pattern),
            _ => return false,
        },
        _ => return after.starts_with('{') && line_matches(rest, &after[1..]),
    };
    taken != 0 && line_matches(pattern, &after[taken..])
}

#[cfg(test)]
mod tests {
    use super::compare;

    #[test]
    fn wildcards_stand_for_numbers_and_line_ends() {
        assert_eq!(
            compare(
                "took {n} ticks at {x}, {*}\nend",
                "took 17 ticks at 0xfee, or so\r\nend\r\n"
            ),
            Ok(())
        );
        assert!(compare("took {n} ticks", "took many ticks").is_err());
        assert!(compare("at {x}", "at 0x").is_err());
        assert!(compare("{n}", "12a").is_err());
    }

    #[test]
    fn other_braces_are_letters() {
        assert_eq!(compare("set {a}", "set {a}"), Ok(()));
    }

    #[test]
    fn dots_swallow_lines_and_stop_at_the_next_expected_one() {
        assert_eq!(compare("a\n{...}\nz", "a\nb\nc\nz"), Ok(()));
        assert_eq!(compare("a\n{...}\nz", "a\nz\nb\nz"), Ok(()));
        assert!(compare("a\n{...}\nz", "a\nb").is_err());
    }

    #[test]
    fn the_first_difference_is_named_and_extra_lines_are_one() {
        let difference = compare("a\nb\n", "a\nc\n").expect_err("differs");
        assert_eq!(
            (difference.expected_line, difference.found.as_deref()),
            (2, Some("c"))
        );
        let extra = compare("a\n", "a\nb\n").expect_err("longer");
        assert_eq!(
            (extra.expected_line, extra.found.as_deref()),
            (2, Some("b"))
        );
        let short = compare("a\nb\n", "a\n").expect_err("shorter");
        assert_eq!((short.expected.as_str(), short.found), ("b", None));
    }
}
