//! `suite`: run every test of the repository, or some parts.

use crate::failure::{Failure, help_end};
use crate::suite::{parts, runner, summary};
use crate::workspace::Workspace;
use anyhow::Context;
use clap::Parser;

/// Run every test, in order, and count them.
///
/// Each part's output goes to target/suite/PART.log; of a failed part the last lines are
/// shown. The last line is `N passed, N failed`; target/suite/summary.json has the same for
/// rigs. What a part needs is installed first: Debian packages as root, kernels into the
/// cache.
#[derive(Parser, Debug)]
#[command(name = "suite", version, after_help = help_end(EXAMPLES), max_term_width = 100)]
pub struct Suite {
    /// Parts to run; all without one.
    #[arg(value_name = "PART")]
    parts: Vec<String>,
    /// List the parts with their commands and run nothing.
    #[arg(long)]
    list: bool,
    /// Print the summary as JSON (schema bulkhead.suite/1) instead of the table.
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
cargo suite
cargo suite fmt clippy host
cargo suite --list";

impl Suite {
    /// Runs it.
    pub fn run(self) -> Result<(), Failure> {
        if self.list {
            list();
            return Ok(());
        }
        let chosen = self.chosen()?;
        let workspace = Workspace::find()?;
        let finished = runner::run(&chosen, &workspace)?;
        let json = summary::json(&finished);
        std::fs::write(
            workspace.target.join("suite/summary.json"),
            format!("{json:#}\n"),
        )
        .context("writing the summary")?;
        if self.json {
            println!("{json}");
        } else {
            print!("\n{}", summary::text(&finished));
        }
        match summary::sum(&finished).failed {
            0 => Ok(()),
            _ => Err(Failure::TestsFailed),
        }
    }

    fn chosen(&self) -> Result<Vec<&'static parts::Part>, Failure> {
        if self.parts.is_empty() {
            return Ok(parts::ALL.iter().collect());
        }
        let find = |name: &String| {
            let names: Vec<_> = parts::ALL.iter().map(|part| part.name).collect();
            parts::by_name(name).ok_or_else(|| {
                Failure::usage(format!(
                    "no part is called `{name}`; there are: {}",
                    names.join(", ")
                ))
            })
        };
        self.parts.iter().map(find).collect()
    }
}

fn list() {
    for part in parts::ALL {
        println!("{:8} {}", part.name, part.shows);
        for step in part.steps {
            let settings: String = step
                .environment
                .iter()
                .map(|(name, value)| format!("{name}=\"{value}\" "))
                .collect();
            let folder = if step.folder.is_empty() {
                String::new()
            } else {
                format!("cd {} && ", step.folder)
            };
            println!("           {folder}{settings}{}", step.command);
        }
    }
}
