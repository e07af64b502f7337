//! Every probe of `guests/probes` runs in a partition as its expected log says.
//!
//! Owns: turning a probe's `needs:` line into a boot, and cutting its own words out of
//! what the console said. There is no list: a probe that is added is run.

use crate::boot::Boot;
use crate::control_shell::without_notices;
use crate::image;
use crate::plan_text::{PartitionText, PlanText};
use crate::scene::Scene;
use crate::stage::Stage;
use anyhow::{Context, Result, anyhow, bail};
use guest_image::expected_log;
use guest_image::needs::{self, Ends, Needs};
use std::path::Path;

/// Things of a `with=` need that this catalogue can do; none so far.
const KNOWN: &[&str] = &[];

/// Lives of a guest that resets itself for ever, which must all be alike.
const LIVES: usize = 3;

/// Beginning of the notice of a partition's death.
const DIED: &str = "[partition probe died: ";

/// One scene with a claim for each probe that ends.
pub fn scenes() -> Result<Vec<Scene>> {
    let folder = image::checkout()?.join("guests/probes/src/bin");
    let entries = std::fs::read_dir(&folder).context("the folder of the probes")?;
    let mut names: Vec<_> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            name.strip_suffix(".rs").map(str::to_owned)
        })
        .collect();
    names.sort();
    let mut scene = Scene::apart("probe");
    for name in names {
        let source = std::fs::read_to_string(folder.join(format!("{name}.rs")))?;
        let needs = needs::of_source(&source).with_context(|| format!("probe {name}"))?;
        if needs.ends == Ends::Never {
            continue;
        }
        let expected = folder.join(format!("{name}.out"));
        let claim = name.clone();
        scene = scene.claim(&claim, move |stage| run(stage, &name, &needs, &expected));
    }
    Ok(vec![scene])
}

fn run(stage: &mut Stage<'_>, name: &str, needs: &Needs, expected: &Path) -> Result<()> {
    if let Some(unknown) = needs
        .with
        .iter()
        .find(|need| !KNOWN.contains(&need.as_str()))
    {
        bail!("no runner can do `with={unknown}`");
    }
    let modules = image::checkout()?.join("guests/probes/modules");
    let expected = std::fs::read_to_string(expected).context("the expected log")?;
    let session = stage.boot(&boot(name, needs, &modules))?;
    let wait = session.patience.long_probe();
    if !needs.input.is_empty() {
        session.console.expect("READY", wait)?;
        session.console.expect("\n", wait)?;
        session.console.send(needs.input.as_bytes())?;
    }
    let ended = |said: &str| has_ended(said, name, needs, &expected);
    let said = session
        .console
        .wait_until("the probe's verdict", ended, wait)?;
    let words = without_notices(&said);
    if needs.ends != Ends::Restart {
        return compare(name, &expected, &own_words(&words, &expected));
    }
    let lives: Vec<_> = words.split_inclusive(&resets(name)).take(LIVES).collect();
    let mut compared = lives.iter().zip(1..);
    compared.try_for_each(|(life, number)| {
        compare(name, &expected, &own_words(life, &expected))
            .with_context(|| format!("life {number}"))
    })
}

/// The last line of a life that ends by a reset.
fn resets(name: &str) -> String {
    format!("\nPROBE {name} resets\n")
}

fn compare(name: &str, expected: &str, log: &str) -> Result<()> {
    expected_log::compare(expected, log).map_err(|difference| {
        anyhow!(
            "line {} of {name}.out is `{}`, but the probe said `{}`",
            difference.expected_line,
            difference.expected,
            difference.found.as_deref().unwrap_or("nothing more")
        )
    })
}

fn boot(name: &str, needs: &Needs, modules: &Path) -> Boot {
    let cores: Vec<u32> = (1..=needs.cpus).collect();
    let memory = format!("{} MiB", needs.memory >> 20);
    let mut partition = PartitionText::guest_in("probe", &cores, name, &memory);
    if !needs.cmdline.is_empty() {
        partition = partition.key("cmdline", &needs.cmdline);
    }
    if !needs.modules.is_empty() {
        let files: Vec<_> = needs
            .modules
            .iter()
            .map(|file| modules.join(file))
            .collect();
        partition = partition.modules(&files);
    }
    Boot::of(
        PlanText::new().with(partition).attach("probe"),
        needs.cpus + 1,
    )
}

fn has_ended(everything: &str, name: &str, needs: &Needs, expected: &str) -> bool {
    let said = without_notices(everything);
    // No use in waiting for the verdict of a partition that is dead.
    let dead = everything.contains(DIED);
    match needs.ends {
        // The guest's last line and the notice come in any order.
        Ends::Crash => {
            dead && expected
                .lines()
                .last()
                .is_some_and(|line| said.contains(line))
        }
        Ends::Restart => dead || said.matches(&resets(name)).count() >= LIVES,
        Ends::PowerOff | Ends::Never => {
            let verdicts =
                ["ok", "FAILED ", "skipped: "].map(|word| format!("PROBE {name} {word}"));
            let is_one = |line: &str| verdicts.iter().any(|text| line.starts_with(text.as_str()));
            let mut complete = said
                .split_inclusive('\n')
                .filter(|line| line.ends_with('\n'));
            dead || complete.any(is_one)
        }
    }
}

/// From the line that the expected log begins with to the line that it ends with.
fn own_words(everything: &str, expected: &str) -> String {
    let lines: Vec<_> = everything.lines().collect();
    let first = expected.lines().next().unwrap_or_default();
    let begins = |text: &&str| expected_log::compare(first, text).is_ok();
    let begin = lines.iter().position(begins).unwrap_or(0);
    // Behind the last line the firmware may say how the partition ended.
    let last = expected.lines().last().unwrap_or_default();
    let is_verdict =
        |text: &&str| text.starts_with("PROBE ") || expected_log::compare(last, text).is_ok();
    let end = lines.iter().rposition(is_verdict).unwrap_or(lines.len());
    let own = lines
        .get(begin..lines.len().min(end + 1))
        .unwrap_or_default();
    own.join("\n")
}

#[cfg(test)]
mod tests {
    use super::own_words;

    #[test]
    fn the_firmware_s_lines_are_not_the_probe_s() {
        let said = "Bulkhead 0.1.0\ncore 0\nhello from 1\nok\nPROBE hello ok\npartition probe\n";
        let own = own_words(said, "hello from {n}\nok\nPROBE hello ok\n");
        assert_eq!(own, "hello from 1\nok\nPROBE hello ok");
    }
}
