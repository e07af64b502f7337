//! Plans as the catalogue writes them: a few calls instead of a file each.
//!
//! Owns: the way from a partition in a test to the plan file that a user would have
//! written; it goes through the same checker.

use std::fmt::Write;
use std::path::PathBuf;

/// A plan.
#[derive(Clone, Debug, Default)]
pub struct PlanText {
    attach: Option<&'static str>,
    partitions: Vec<PartitionText>,
}

/// One partition of it.
#[derive(Clone, Debug)]
pub struct PartitionText {
    name: String,
    lines: String,
}

impl PlanText {
    /// Without partitions.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a partition.
    pub fn with(mut self, partition: PartitionText) -> Self {
        self.partitions.push(partition);
        self
    }

    /// Its console is on the terminal at start.
    pub fn attach(mut self, name: &'static str) -> Self {
        self.attach = Some(name);
        self
    }

    /// The partition attached at start.
    pub fn attached(&self) -> Option<&'static str> {
        self.attach
    }
}

impl PartitionText {
    fn new(name: &str, cores: &[u32], memory: &str, kind: &str, image: &str) -> Self {
        let lines = format!(
            "cores = {cores:?}\nmemory = \"{memory}\"\nkind = \"{kind}\"\nimage = \"{image}\"\n"
        );
        Self {
            name: name.into(),
            lines,
        }
    }

    /// Stock Debian of `version` with the shell of `guests/linux`.
    pub fn linux(name: &str, cores: &[u32], version: &str) -> Self {
        let image = format!("debian:{version}");
        Self::new(name, cores, "512 MiB", "linux", &image)
            .key("initrd", "initramfs:shell")
            .key("cmdline", "console=ttyS0 panic=-1")
    }

    /// A bare-metal guest of this checkout.
    pub fn guest(name: &str, cores: &[u32], program: &str) -> Self {
        Self::guest_in(name, cores, program, "16 MiB")
    }

    /// As [`Self::guest`], with so much memory.
    pub fn guest_in(name: &str, cores: &[u32], program: &str, memory: &str) -> Self {
        Self::new(
            name,
            cores,
            memory,
            "multiboot",
            &format!("guest:{program}"),
        )
    }

    /// Adds a key with a text value.
    pub fn key(mut self, key: &str, value: &str) -> Self {
        // Writing to a String cannot fail.
        let _ = writeln!(self.lines, "{key} = {value:?}");
        self
    }

    /// Gives a multiboot guest these files as modules, in this order.
    pub fn modules(mut self, files: &[PathBuf]) -> Self {
        let table = |path: &PathBuf| format!("{{ file = {:?} }}", path.display().to_string());
        let list: Vec<_> = files.iter().map(table).collect();
        let _ = writeln!(self.lines, "modules = [{}]", list.join(", "));
        self
    }

    /// Adds a key with a number.
    pub fn number(mut self, key: &str, value: u32) -> Self {
        let _ = writeln!(self.lines, "{key} = {value}");
        self
    }
}

impl PlanText {
    /// The plan file for a board of that name.
    pub fn for_board(&self, board: &str) -> String {
        let mut text = format!("board = \"{board}\"\n");
        if let Some(name) = self.attach {
            let _ = writeln!(text, "attach = \"{name}\"");
        }
        for partition in &self.partitions {
            let PartitionText { name, lines } = partition;
            let _ = write!(text, "\n[[partition]]\nname = \"{name}\"\n{lines}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bulkhead::plan::{diagnostic::Diagnostics, reader};

    #[test]
    fn the_plan_reader_understands_every_key() {
        let linux = PartitionText::linux("linux", &[1, 2], "6.1-cloud").key("on-crash", "restart");
        let guest = PartitionText::guest("small", &[3], "hello").number("restart-limit", 2);
        let plan = PlanText::new().with(linux).with(guest).attach("linux");
        let mut found = Diagnostics::default();
        let text = plan.for_board("qemu_q35");
        let draft = reader::read(&text, &mut found);
        assert!(found.is_empty(), "{text}");
        assert_eq!(draft.partitions.len(), 2);
        assert_eq!(draft.partitions[1].restart_limit, Some(2));
    }
}
