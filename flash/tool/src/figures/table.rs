//! The table of figures: what, KVM, aim, Bulkhead, and the ratio of the two.
//!
//! Owns: rows and how they look in Markdown. A missed aim is marked in words: a table
//! that only flatters is not worth its place.

use std::fmt::Write;

/// How a number is to be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    /// A plain count: instructions or exits.
    Count,
    /// Instructions, shown in millions.
    Millions,
    /// Bytes, shown in KiB or MiB.
    Bytes,
}

/// One line of the table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// What was counted.
    pub what: String,
    /// How its numbers are shown.
    pub unit: Unit,
    /// The same under KVM.
    pub kvm: Option<u64>,
    /// The most that we allow ourselves.
    pub aim: Option<u64>,
    /// Measured.
    pub ours: u64,
}

impl Row {
    /// A row without KVM's figure and without an aim.
    pub fn plain(what: impl Into<String>, unit: Unit, ours: u64) -> Self {
        Self {
            what: what.into(),
            unit,
            kvm: None,
            aim: None,
            ours,
        }
    }

    /// With the most that we allow ourselves.
    #[must_use]
    pub fn aim(self, aim: u64) -> Self {
        Self {
            aim: Some(aim),
            ..self
        }
    }

    /// With KVM's figure.
    #[must_use]
    pub fn kvm(self, kvm: u64) -> Self {
        Self {
            kvm: Some(kvm),
            ..self
        }
    }

    /// Whether there is an aim and it is missed.
    pub fn missed(&self) -> bool {
        self.aim.is_some_and(|aim| self.ours > aim)
    }

    fn ratio(&self) -> Option<String> {
        let kvm = self.kvm.filter(|kvm| *kvm != 0)?;
        Some(format!("{:.2}", self.ours as f64 / kvm as f64))
    }
}

impl Unit {
    fn show(self, value: u64) -> String {
        match self {
            Self::Count => grouped(value),
            Self::Millions => format!("{:.1} M", value as f64 / 1e6),
            Self::Bytes if value >= 1 << 20 => format!("{:.1} MiB", value as f64 / 1_048_576.0),
            Self::Bytes if value >= 1 << 10 => format!("{:.1} KiB", value as f64 / 1024.0),
            Self::Bytes => format!("{value} B"),
        }
    }
}

/// Digits in groups of three.
fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place != 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// The rows as Markdown, with the number of missed aims below.
pub fn markdown(rows: &[Row]) -> String {
    let mut out =
        String::from("| what | KVM | aim | Bulkhead | ratio to KVM |\n|---|---:|---:|---:|---:|\n");
    for row in rows {
        let shown = |value: Option<u64>| value.map_or("-".into(), |value| row.unit.show(value));
        let mark = if row.missed() { " **missed**" } else { "" };
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "| {} | {} | {}{mark} | {} | {} |",
            row.what,
            shown(row.kvm),
            shown(row.aim),
            row.unit.show(row.ours),
            row.ratio().unwrap_or_else(|| "-".into()),
        );
    }
    let aims = rows.iter().filter(|row| row.aim.is_some()).count();
    let missed = rows.iter().filter(|row| row.missed()).count();
    let _ = writeln!(out, "\n{missed} of {aims} aims are missed.");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_aim_is_said_and_a_met_one_is_not() {
        let rows = [
            Row::plain("CPUID", Unit::Count, 151).kvm(3257).aim(150),
            Row::plain("HLT", Unit::Count, 150).aim(150),
            Row::plain("other", Unit::Count, 1),
        ];
        let table = markdown(&rows);
        assert!(
            table.contains("| CPUID | 3,257 | 150 **missed** | 151 | 0.05 |\n"),
            "{table}"
        );
        assert!(table.contains("| HLT | - | 150 | 150 | - |\n"), "{table}");
        assert!(table.ends_with("\n1 of 2 aims are missed.\n"), "{table}");
    }

    #[test]
    fn every_line_has_five_columns() {
        let rows = [Row::plain("size", Unit::Bytes, 3 << 20).aim(1 << 20)];
        let table = markdown(&rows);
        for line in table.lines().take_while(|line| !line.is_empty()) {
            assert_eq!(line.matches('|').count(), 6, "{line}");
        }
    }

    #[test]
    fn numbers_are_shown_in_their_unit() {
        assert_eq!(Unit::Count.show(999), "999");
        assert_eq!(Unit::Count.show(1_000), "1,000");
        assert_eq!(Unit::Count.show(12_345_678), "12,345,678");
        assert_eq!(Unit::Millions.show(1_576_800_000), "1576.8 M");
        assert_eq!(Unit::Bytes.show(262_144), "256.0 KiB");
        assert_eq!(Unit::Bytes.show(1023), "1023 B");
    }
}
