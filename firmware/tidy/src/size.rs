//! Sizes: small files, small functions.
//!
//! Test code is not counted. A function that is a pure table or a dispatch may be
//! longer when a comment above it says so: `// tidy: long function: REASON`.

use crate::code;
use crate::tree::{Finding, SourceFile};

/// Most lines of a file.
pub const FILE_STOP: usize = 600;
/// Lines from which a file is worth a look.
pub const FILE_AIM: usize = 350;
/// Most lines of a function, from its signature to its brace.
pub const FUNCTION_STOP: usize = 80;

const MARKER: &str = concat!("tidy: long", " function: ");

/// Lines of a Rust file that are not tests.
pub fn lines(file: &SourceFile) -> usize {
    let marks = code::test_lines(&code::blanked(&file.text));
    marks.into_iter().filter(|is_test| !is_test).count()
}

/// A file over the stop.
pub fn check_file(file: &SourceFile) -> Option<Finding> {
    let counts = file.is_rust() && !file.is_test() && lines(file) > FILE_STOP;
    counts.then(|| file.finding(1, format!("{} lines, at most {FILE_STOP}", lines(file))))
}

/// Functions over the stop without a reason.
pub fn check_functions(file: &SourceFile) -> Vec<Finding> {
    if !file.is_rust() || file.is_test() {
        return Vec::new();
    }
    let blank = code::blanked(&file.text);
    let code: Vec<&str> = blank.lines().collect();
    let text: Vec<&str> = file.text.lines().collect();
    let marks = code::test_lines(&blank);
    let mut found = Vec::new();
    for at in 0..code.len() {
        if marks[at] || !code::has_word(code[at], "fn") {
            continue;
        }
        let length = function_length(&code[at..]);
        if length > FUNCTION_STOP && !is_excused(&text[..at]) {
            found.push(file.finding(at + 1, format!("a function of {length} lines")));
        }
    }
    found
}

/// Lines from a signature to the brace that closes its body; 0 without a body.
fn function_length(code: &[&str]) -> usize {
    let mut depth = 0i32;
    let mut opened = false;
    for (at, line) in code.iter().enumerate() {
        for byte in line.bytes() {
            match byte {
                b'{' => (depth, opened) = (depth + 1, true),
                b'}' => depth -= 1,
                b';' if !opened && !line.contains('[') => return 0,
                _ => {}
            }
            if depth < 0 || (opened && depth == 0) {
                return if opened { at + 1 } else { 0 };
            }
        }
    }
    0
}

/// A marker with a reason in the comments and attributes right above.
fn is_excused(above: &[&str]) -> bool {
    let near = above.iter().rev().map(|line| line.trim_start());
    near.take_while(|line| line.starts_with("//") || line.starts_with("#["))
        .any(|line| {
            line.split_once(MARKER)
                .is_some_and(|(_, reason)| reason.trim().len() > 10)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(lines: usize, above: &str) -> SourceFile {
        let body = "    let x = [1; 2];\n".repeat(lines - 2);
        SourceFile::sample(
            "a/src/b.rs",
            &format!("//! B.\n{above}fn f() {{\n{body}}}\n"),
        )
    }

    #[test]
    fn a_long_function_is_caught_unless_it_gives_a_reason() {
        assert!(check_functions(&function(80, "")).is_empty());
        assert_eq!(check_functions(&function(81, "")).len(), 1);
        assert_eq!(
            check_functions(&function(81, &format!("// {MARKER}\n"))).len(),
            1
        );
        let reason = format!("// {MARKER}one row a register\n#[inline]\n");
        assert!(check_functions(&function(81, &reason)).is_empty());
    }

    #[test]
    fn a_long_file_is_caught_and_its_tests_do_not_count() {
        let long = |n| SourceFile::sample("a/src/b.rs", &"x\n".repeat(n));
        assert!(check_file(&long(601)).is_some());
        assert!(check_file(&long(600)).is_none());
        let tests = format!("x\n#[cfg(test)]\nmod t {{\n{}}}\n", "y\n".repeat(700));
        assert!(check_file(&SourceFile::sample("a/src/b.rs", &tests)).is_none());
    }
}
