//! How many tests a command ran, read from what it printed.
//!
//! Owns: the three ways of counting. A test command that succeeds without having run
//! a test is a failure: a filter or a feature went wrong.

use std::ops::AddAssign;

/// Passed and failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Count {
    /// Tests that passed.
    pub passed: u64,
    /// Tests that failed.
    pub failed: u64,
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// How to count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Counting {
    /// The lines `test result: ok. 3 passed; 0 failed; ...` of cargo test.
    Tests,
    /// One for the command as a whole.
    Whole,
    /// One for each line with this beginning; when the command fails, the last one did.
    Marks(&'static str),
}

impl Counting {
    /// Counts `output` of a command that succeeded or not.
    pub fn count(self, output: &str, succeeded: bool) -> Count {
        let one = |succeeded| {
            if succeeded {
                Count {
                    passed: 1,
                    failed: 0,
                }
            } else {
                Count {
                    passed: 0,
                    failed: 1,
                }
            }
        };
        match self {
            Self::Whole => one(succeeded),
            Self::Tests => {
                let mut sum = Count::default();
                output
                    .lines()
                    .filter_map(result_line)
                    .for_each(|count| sum += count);
                let nothing = sum.passed + sum.failed == 0;
                let unseen_failure = !succeeded && sum.failed == 0;
                if nothing || unseen_failure {
                    sum.failed += 1;
                }
                sum
            }
            Self::Marks(mark) => {
                let marks = output.lines().filter(|line| line.starts_with(mark)).count() as u64;
                match (succeeded, marks) {
                    (_, 0) => one(false),
                    (true, _) => Count {
                        passed: marks,
                        failed: 0,
                    },
                    (false, _) => Count {
                        passed: marks - 1,
                        failed: 1,
                    },
                }
            }
        }
    }
}

/// `test result: FAILED. 2 passed; 1 failed; 0 ignored; ...`
fn result_line(line: &str) -> Option<Count> {
    let rest = line.trim_start().strip_prefix("test result: ")?;
    let (_, counts) = rest.split_once(". ")?;
    let number = |what: &str| {
        let entry = counts
            .split(';')
            .find_map(|entry| entry.trim().strip_suffix(what))?;
        entry.trim().parse().ok()
    };
    Some(Count {
        passed: number("passed")?,
        failed: number("failed")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "running 3 tests\n\
        test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.1s\n\
        test result: FAILED. 4 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s\n";

    #[test]
    fn results_of_several_test_programs_add_up() {
        assert_eq!(
            Counting::Tests.count(OUTPUT, false),
            Count {
                passed: 7,
                failed: 2
            }
        );
    }

    #[test]
    fn running_no_test_is_a_failure() {
        assert_eq!(
            Counting::Tests.count("Finished\n", true),
            Count {
                passed: 0,
                failed: 1
            }
        );
        assert_eq!(
            Counting::Marks("== ").count("", true),
            Count {
                passed: 0,
                failed: 1
            }
        );
    }

    #[test]
    fn a_command_that_fails_beside_its_tests_counts_as_one_failure() {
        let output =
            "test result: ok. 3 passed; 0 failed; 0 ignored\nerror: could not compile `x`\n";
        assert_eq!(
            Counting::Tests.count(output, false),
            Count {
                passed: 3,
                failed: 1
            }
        );
        assert_eq!(
            Counting::Marks("== ").count("== a\n== b\ncrash\n", false),
            Count {
                passed: 1,
                failed: 1
            }
        );
    }
}
