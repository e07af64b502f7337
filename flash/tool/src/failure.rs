//! How a command ends badly, and the exit code that says so.
//!
//! Owns: [`Failure`] and its exit codes. A rig looks at the number, a person at
//! the text, so every error is sorted into one of five classes where it arises.
//! An `anyhow::Error` that reaches a `?` unsorted counts as [`Failure::Tool`]:
//! the machine under test has not been judged yet.
//! Also called: exit status, error class, return code.

use std::process::ExitCode;

/// Why a command did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Guest, firmware or test failed: exit code 1.
    #[error("{0:#}")]
    Machine(anyhow::Error),
    /// The command line or the plan is wrong: exit code 2.
    #[error("{0:#}")]
    Usage(anyhow::Error),
    /// As `Usage`, with the explanation already printed: exit code 2.
    #[error("refused")]
    Explained,
    /// Tests failed, which the summary on standard output already says: exit code 1.
    #[error("tests failed")]
    TestsFailed,
    /// A program, a file or hardware is missing or broken: exit code 3.
    #[error("{0:#}")]
    Tool(#[from] anyhow::Error),
    /// The time given with `--timeout` ran out: exit code 124.
    #[error("timed out after {0} s")]
    TimedOut(u64),
    /// Stopped by a signal: exit code 130, as shells do for Ctrl-C.
    #[error("interrupted")]
    Interrupted,
}

impl Failure {
    /// A usage error from a sentence.
    pub fn usage(text: impl Into<String>) -> Self {
        Self::Usage(anyhow::Error::msg(text.into()))
    }

    /// A tool error from a sentence.
    pub fn tool(text: impl Into<String>) -> Self {
        Self::Tool(anyhow::Error::msg(text.into()))
    }

    /// A machine failure from a sentence.
    pub fn machine(text: impl Into<String>) -> Self {
        Self::Machine(anyhow::Error::msg(text.into()))
    }

    /// The process exit code of this class.
    pub fn code(&self) -> u8 {
        match self {
            Self::Machine(_) | Self::TestsFailed => 1,
            Self::Usage(_) | Self::Explained => 2,
            Self::Tool(_) => 3,
            Self::TimedOut(_) => 124,
            Self::Interrupted => 130,
        }
    }
}

/// The end of every `--help`: the command's examples, then the exit codes.
pub fn help_end(examples: &str) -> String {
    let lines: Vec<_> = examples.lines().map(|line| format!("  {line}\n")).collect();
    format!("Examples:\n{}\n{EXIT_CODES}", lines.concat())
}

const EXIT_CODES: &str = "\
Exit codes:
  0    good (run: the machine was powered off in order)
  1    a guest, the firmware or a test failed
  2    the command line or the plan is wrong
  3    a tool, a file or hardware is missing
  124  the time given with --timeout ran out
  130  interrupted by a signal";

/// Prints the failure and turns a command's result into the process exit code.
pub fn finish(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !matches!(failure, Failure::Explained | Failure::TestsFailed) {
                anstream::eprintln!("\u{1b}[1;31merror\u{1b}[0m: {failure}");
            }
            ExitCode::from(failure.code())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unsorted_error_never_blames_the_machine() {
        let failure: Failure = anyhow::anyhow!("no such file").into();
        assert_eq!(failure.code(), 3);
    }
}
