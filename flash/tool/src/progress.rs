//! What the user sees during long work: a bar on a terminal, stages elsewhere.
//!
//! Owns: everything printed to standard error that is not an error. Standard
//! output is for results. One line a stage in cargo's look, verb to the right
//! of column 12; no bar and no colour when standard error is not a terminal.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::Duration;

/// Prints one finished or beginning stage, for example `Packed demo.rom`.
pub fn stage(verb: &str, text: impl std::fmt::Display) {
    anstream::eprintln!("\u{1b}[1;32m{verb:>12}\u{1b}[0m {text}");
}

/// Prints something the user should know that is not an error.
pub fn warn(text: impl std::fmt::Display) {
    anstream::eprintln!("\u{1b}[1;33m{:>12}\u{1b}[0m {text}", "Warning");
}

/// A bar over `length` bytes; on a pipe one stage line instead.
pub fn bytes(verb: &'static str, text: String, length: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        stage(verb, &text);
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template(
        "{prefix:>12.bold.green} {msg} [{bar:24}] {bytes}/{total_bytes} {eta}",
    );
    let bar = ProgressBar::new(length)
        .with_prefix(verb)
        .with_message(text);
    match style {
        Ok(style) => bar.with_style(style.progress_chars("=> ")),
        Err(_) => bar,
    }
}

/// A spinner for work without a known end; on a pipe one stage line instead.
pub fn spinner(verb: &'static str, text: String) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        stage(verb, &text);
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{prefix:>12.bold.green} {msg} {spinner} {elapsed}");
    let bar = ProgressBar::new_spinner()
        .with_prefix(verb)
        .with_message(text);
    bar.enable_steady_tick(Duration::from_millis(120));
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
