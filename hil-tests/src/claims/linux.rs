//! Stock Debian kernels boot, see their CPUs, and survive their user programs.
//!
//! Owns: the Linux boots. The kernels are Debian's own files, unchanged.
//! Also called: unmodified guest, SMP guest, CPU hotplug, login tty.

use super::noise;
use crate::boot::Boot;
use crate::linux_prompt::{PROMPT, READY};
use crate::plan_text::{PartitionText, PlanText};
use crate::scene::Scene;
use crate::session::{ESCAPE_KEY, Session, State};
use crate::stage::Stage;
use anyhow::{Context, Result, ensure};
use std::time::Duration;

const NAME: &str = "linux";
/// How often a CPU is taken away and given back, unless `BULKHEAD_SOAK` says otherwise.
const HOTPLUG_ROUNDS: u32 = 10;
/// Bytes pushed through the console, each way.
const TEXT: usize = 64 << 10;
/// Lines that a guest prints in the background: about 100 KiB, three times its backlog.
const BACKGROUND_LINES: u32 = 4000;
/// Bytes that are kept of a background guest's output.
const BACKLOG: u64 = 32 << 10;

/// The scenes.
pub fn scenes() -> Vec<Scene> {
    let mut scenes = vec![everyday()];
    for (version, release) in [("6.1", "6.1."), ("6.12-cloud", "6.12."), ("6.12", "6.12.")] {
        let name = format!("linux_{}", version.replace(['.', '-'], "_"));
        let scene = Scene::of(name, alone(&[1, 2], version));
        scenes.push(
            scene.claim("it_boots_to_a_prompt_with_two_cpus", move |stage| {
                works(stage, release, 2)
            }),
        );
    }
    for cpus in [1, 4] {
        let cores: Vec<u32> = (1..=cpus).collect();
        let scene = Scene::of(format!("linux_on_{cpus}"), alone(&cores, "6.1-cloud"));
        scenes.push(
            scene.claim("it_boots_to_a_prompt_with_its_cpus", move |stage| {
                works(stage, "6.1.", cpus)
            }),
        );
    }
    scenes
}

/// One boot of the kernel that most people will use, for everything that needs just one.
fn everyday() -> Scene {
    Scene::of("linux", alone(&[1, 2], "6.1-cloud"))
        .claim("it_boots_to_a_prompt_and_runs_commands", |stage| {
            works(stage, "6.1.", 2)
        })
        .claim("every_cpu_takes_timer_interrupts", timer_interrupts)
        .claim("it_is_offered_an_xapic_and_no_x2apic", xapic)
        .claim("a_cpu_goes_and_comes_back_again_and_again", hotplug)
        .claim("64_kib_typed_arrive_as_they_were_typed", typed)
        .claim("64_kib_printed_arrive_as_they_were_printed", printed)
        .claim("the_escape_key_twice_sends_one_to_the_guest", escape_twice)
        .claim("a_background_guest_s_backlog_is_replayed", backlog)
        .claim("the_kernel_has_nothing_to_complain_of", no_complaint)
        .claim("reboot_begins_a_new_life", reboot)
        .claim("poweroff_leaves_it_switched_off", poweroff)
}

/// One Linux guest on `cores`, and no CPU more than that takes.
fn alone(cores: &[u32], version: &str) -> Boot {
    let cpus = cores.iter().max().map_or(1, |core| core + 1);
    let linux = PartitionText::linux(NAME, cores, version);
    // Something that goes on when Linux is switched off, or the machine would end with it.
    let watch = PartitionText::guest("watch", &[cpus], "rtos");
    let plan = PlanText::new().with(linux).with(watch).attach(NAME);
    Boot::of(plan, cpus + 1)
}

/// The kernel of that release runs the first program with so many CPUs, and a shell.
fn works(stage: &mut Stage<'_>, release: &str, cpus: u32) -> Result<()> {
    let session = stage.session()?;
    session.bring_to(State::LinuxPrompt(NAME))?;
    let everything = session.console.everything();
    let ready = everything.lines().find(|line| line.contains(READY));
    let ready = ready.context("it did not announce itself")?;
    ensure!(ready.contains(&format!("{READY}{release}")), "{ready}");
    ensure!(ready.contains(&format!(", {cpus} CPUs,")), "{ready}");
    ensure!(session.linux(NAME, "uname -r")?.starts_with(release));
    let online = session.linux(NAME, "nproc")?;
    ensure!(online.trim() == cpus.to_string(), "nproc says {online}");
    ensure!(session.linux(NAME, "echo $((6*7))")?.trim() == "42");
    Ok(())
}

fn timer_interrupts(stage: &mut Stage<'_>) -> Result<()> {
    let session = stage.session()?;
    let line = session.linux(NAME, "grep LOC: /proc/interrupts")?;
    let counts: Vec<u64> = line
        .split_whitespace()
        .skip(1)
        .map_while(|word| word.parse().ok())
        .collect();
    ensure!(counts.len() == 2, "a column for each CPU: {line}");
    ensure!(counts.iter().all(|count| *count != 0), "{line}");
    Ok(())
}

/// PLT-08, from the guest's side.
fn xapic(stage: &mut Stage<'_>) -> Result<()> {
    let session = stage.session()?;
    let flags = session.linux(NAME, "grep -m1 ^flags /proc/cpuinfo")?;
    let has = |flag: &str| flags.split_whitespace().any(|word| word == flag);
    ensure!(has("apic") && has("hypervisor"), "{flags}");
    ensure!(!has("x2apic") && !has("svm"), "{flags}");
    Ok(())
}

fn hotplug(stage: &mut Stage<'_>) -> Result<()> {
    let rounds = std::env::var("BULKHEAD_SOAK").ok();
    let rounds = rounds
        .and_then(|text| text.parse().ok())
        .unwrap_or(HOTPLUG_ROUNDS);
    let session = stage.session()?;
    let place = "/sys/devices/system/cpu/cpu1/online";
    for round in 0..rounds {
        session
            .linux(
                NAME,
                &format!("echo 0 >{place} && nproc && echo 1 >{place} && nproc"),
            )
            .and_then(|said| {
                let counts: Vec<_> = said.split_whitespace().collect();
                ensure!(counts.ends_with(&["2"]) && counts.contains(&"1"), "{said}");
                Ok(())
            })
            .with_context(|| format!("round {round}"))?;
    }
    Ok(())
}

/// PLT-51, the receiving half, through a tty.
fn typed(stage: &mut Stage<'_>) -> Result<()> {
    let session = stage.session()?;
    let text = noise::letters(TEXT, 1);
    session.linux(NAME, "dmesg -n 1")?;
    // The marks are joined by the shell, so that no echo of the command looks like one.
    let take = format!("head -c {TEXT} >/tmp/typed");
    let command = format!("stty raw -echo; echo RE''ADY; {take}; stty sane; echo DO''NE\n");
    session.console.send(command.as_bytes())?;
    let wait = session.patience.linux();
    session.console.expect("READY", wait)?;
    session.console.send(text.as_bytes())?;
    session.console.expect("DONE", wait)?;
    session.console.expect(PROMPT, wait)?;
    let sum = session.linux(NAME, "md5sum </tmp/typed")?;
    let wanted = noise::md5(text.as_bytes())?;
    ensure!(sum.contains(&wanted), "{sum} instead of {wanted}");
    Ok(())
}

/// PLT-51, the sending half; the file is the one that was typed, made anew when it is not there.
fn printed(stage: &mut Stage<'_>) -> Result<()> {
    let session = stage.session()?;
    let make = format!("seq 1 20000 | head -c {TEXT} >/tmp/printed");
    session.linux(NAME, &make)?;
    let wait = session.patience.linux();
    let said = session.linux_within(NAME, "cat /tmp/printed", wait)?;
    let numbers: String = (1..=20_000).map(|number| format!("{number}\n")).collect();
    let wanted = &numbers[..TEXT];
    let place = said.bytes().zip(wanted.bytes()).position(|(a, b)| a != b);
    ensure!(
        said == wanted,
        "{} bytes came instead of {TEXT}; the first difference is at {place:?}",
        said.len()
    );
    Ok(())
}

fn escape_twice(stage: &mut Stage<'_>) -> Result<()> {
    let session = stage.session()?;
    session.bring_to(State::LinuxPrompt(NAME))?;
    let wait = session.patience.answer();
    session
        .console
        .send(b"stty raw -echo; echo RE''ADY; head -c 1 | hexdump -C; stty sane\n")?;
    session.console.expect("READY", wait)?;
    session.console.send(&[ESCAPE_KEY])?;
    session.console.expect("[control shell", wait)?;
    session.console.send(&[ESCAPE_KEY])?;
    session.console.expect("00000000  1d", wait)?;
    session.console.expect(PROMPT, wait)?;
    Ok(())
}

/// PLT-52: the newest bytes of a guest that nobody looks at are kept, the others counted.
fn backlog(stage: &mut Stage<'_>) -> Result<()> {
    let session = stage.session()?;
    let lines = BACKGROUND_LINES;
    // It waits for the terminal to be gone: until then its lines would be seen.
    let script = format!("(sleep 3; seq 1 {lines} | sed 's,^,background line ,') & true");
    session.linux(NAME, &script)?;
    wait_until_idle(session)?;
    session
        .console
        .send(format!("console {NAME}\r").as_bytes())?;
    let wait = session.patience.answer();
    session.console.expect("[console of linux;", wait)?;
    let arrival = session.console.expect("\r", wait)?;
    let kept = number_before(&arrival, " bytes were kept").context("no count of kept bytes")?;
    let lost = number_before(&arrival, " older ones are lost").context("no loss is shown")?;
    ensure!(kept == BACKLOG, "{arrival}");
    let text: usize = (1..=lines)
        .map(|n| format!("background line {n}\r\n").len())
        .sum();
    ensure!(kept + lost >= text as u64, "{arrival}, of {text} printed");
    let last = format!("background line {lines}\r");
    let replay = session.console.expect(&last, wait)?;
    session.note_guest(NAME);
    follow_each_other(&replay, lines)
}

/// Leaves the guest's console and waits until the guest prints nothing more.
fn wait_until_idle(session: &mut Session) -> Result<()> {
    let mut before = 0;
    for _ in 0..120 {
        let rows = session.rows(&format!("stats {NAME}"))?;
        let of_ports = rows.iter().filter(|row| row["counter"] == "port");
        let now: u64 = of_ports.filter_map(|row| row["count"].as_u64()).sum();
        // It has printed a good deal, and then nothing between two looks.
        if before != 0 && now == before {
            return Ok(());
        }
        before = now;
        std::thread::sleep(Duration::from_secs(5));
    }
    anyhow::bail!("the guest never stops to print")
}

fn number_before(text: &str, words: &str) -> Option<u64> {
    let (head, _) = text.split_once(words)?;
    head.rsplit(' ').next()?.parse().ok()
}

/// Every number from the first whole line on is there, in order, up to the one before the last.
fn follow_each_other(replay: &str, lines: u32) -> Result<()> {
    let numbers = replay
        .lines()
        .skip(2)
        .filter_map(|line| line.strip_prefix("background line "))
        .map(|number| number.parse::<u32>());
    let numbers = numbers.collect::<Result<Vec<_>, _>>()?;
    let first = *numbers.first().context("nothing was replayed")?;
    ensure!(
        numbers.iter().copied().eq(first..lines),
        "the replay from {first} on has gaps"
    );
    Ok(())
}

fn no_complaint(stage: &mut Stage<'_>) -> Result<()> {
    let session = stage.session()?;
    let grep = "dmesg | grep -E 'WARNING: CPU|BUG:|Call Trace|Oops' || true";
    let found = session.linux(NAME, grep)?;
    ensure!(found.trim().is_empty(), "{found}");
    Ok(())
}

fn reboot(stage: &mut Stage<'_>) -> Result<()> {
    let session = stage.session()?;
    session.bring_to(State::LinuxPrompt(NAME))?;
    session.console.send(b"reboot -f\n")?;
    let wait = session.patience.linux();
    session.notice(NAME, "restarts as its guest asked", wait)?;
    session.forget_prompt(NAME);
    session.bring_to(State::LinuxPrompt(NAME))?;
    let rows = session.rows("ps")?;
    let row = rows.iter().find(|row| row["partition"] == NAME);
    let row = row.context("no row of the guest")?;
    ensure!(row["state"] == "running" && row["restarts"] == 1, "{row}");
    Ok(())
}

fn poweroff(stage: &mut Stage<'_>) -> Result<()> {
    let session = stage.session()?;
    session.bring_to(State::LinuxPrompt(NAME))?;
    session.console.send(b"poweroff -f\n")?;
    let wait = session.patience.linux();
    session.notice(NAME, "rests: the guest switched itself off", wait)?;
    session.forget_prompt(NAME);
    let rows = session.rows("ps")?;
    let row = rows.iter().find(|row| row["partition"] == NAME);
    let row = row.context("no row of the guest")?;
    ensure!(row["state"] == "stopped", "{row}");
    ensure!(row["why"] == "the guest switched itself off", "{row}");
    let watch = rows.iter().find(|row| row["partition"] == "watch");
    ensure!(watch.context("no row")?["state"] == "running", "{rows:?}");
    Ok(())
}
