//! Commands at the prompt of the Linux guests of `guests/linux`.
//!
//! Owns: how a command's output is told from the echo of the command. The marks are
//! written so that their echo is not a mark: the shell computes the number in them.

use crate::console::Console;
use anyhow::{Context, Result, ensure};
use std::time::Duration;

/// What `guests/linux/init` says when it is there, before version and counts.
pub const READY: &str = "bulkhead-linux: ready, ";
/// End of its prompt, whatever the folder.
pub const PROMPT: &str = "# ";

/// Runs `command` and gives what it printed; its status has to be 0.
pub fn run(console: &mut Console, command: &str, wait: Duration) -> Result<String> {
    let line = format!("echo '[['$((40+2)); {command}; echo \"]]$((40+2))=$?\"\n");
    console.send(line.as_bytes())?;
    let place = || format!("at the Linux prompt: {command}");
    console.expect("[[42", wait).with_context(place)?;
    console.expect("\n", wait).with_context(place)?;
    let output = console.expect("]]42=", wait).with_context(place)?;
    let status = console.expect("\n", wait).with_context(place)?;
    console.expect(PROMPT, wait).with_context(place)?;
    ensure!(
        status == "0",
        "`{command}` ended with status {status}:\n{output}"
    );
    Ok(output)
}

/// Makes sure that the shell reads commands, whatever came on the console meanwhile.
pub fn synchronise(console: &mut Console, wait: Duration) -> Result<()> {
    console.send(b"echo '[['$((50+7))\n")?;
    console.expect("[[57", wait)?;
    console.expect(PROMPT, wait)?;
    Ok(())
}
