//! Every way into the firmware ends at running guests.
//!
//! Owns: the boot block's variants, the payload's compressions, and machines from one
//! CPU to eight and from half a GiB to six.
//! Also called: ROM tests, coreboot variants.

use crate::boot::Boot;
use crate::control_shell::without_notices;
use crate::image;
use crate::plan_text::{PartitionText, PlanText};
use crate::rig::{Feature, qemu};
use crate::scene::Scene;
use crate::session::Session;
use crate::stage::Stage;
use anyhow::{Context, Result};
use bulkhead::rom::cbfstool::Compression;
use bulkhead::rom::fmap;

/// The scenes.
pub fn scenes() -> Vec<Scene> {
    vec![machines(), variants()]
}

/// The smallest plan whose guest says something.
pub fn hello(cpus: u32) -> Boot {
    let partition = PartitionText::guest("hello", &[1], "hello");
    Boot::of(PlanText::new().with(partition).attach("hello"), cpus)
}

/// PVH: the emulator starts the payload's ELF itself and passes the file system as a
/// module; the ROM of the boot block stands aside for the emulator's own.
fn pvh(stage: &mut Stage<'_>) -> Result<()> {
    let packed = image::make("entry.pvh", &hello(2), &qemu::board())?;
    let rom = std::fs::read(&packed).context("the packed image")?;
    let regions = fmap::regions(&rom);
    let region = regions.iter().find(|region| region.name == "COREBOOT");
    let region = region.context("no COREBOOT region")?;
    let files = packed.with_extension("cbfs");
    let range = region.offset..region.offset + region.length;
    std::fs::write(&files, rom.get(range).context("outside the image")?)?;
    let (payload, files) = (image::payload()?, files.display().to_string());
    let payload = payload.display().to_string();
    let arguments = [
        "-bios",
        "bios-256k.bin",
        "-kernel",
        &payload,
        "-initrd",
        &files,
    ];
    let boot = hello(2).qemu(&arguments);
    let session = stage.boot(&boot)?;
    let wait = session.patience.firmware();
    session
        .console
        .expect("entered from PVH, board qemu_q35", wait)?;
    finished(session)
}

/// A mainboard part that no board file has: one line says so, features that need
/// board facts are off (the log shares the console line), and guests run.
fn unlisted(stage: &mut Stage<'_>) -> Result<()> {
    let setting = "name=opt/bulkhead/part,string=Other";
    let boot = hello(2).qemu(&["-fw_cfg", setting]);
    let session = stage.boot(&boot)?;
    let wait = session.patience.firmware();
    session
        .console
        .expect("features that need board facts are off", wait)?;
    finished(session)
}

/// The guest of [`hello`] got to its end.
fn runs_its_guest(stage: &mut Stage<'_>, boot: &Boot) -> Result<()> {
    finished(stage.boot(boot)?)
}

fn finished(session: &mut Session) -> Result<()> {
    let wait = session.patience.firmware();
    let ran = |said: &str| without_notices(said).contains("PROBE hello ok");
    session
        .console
        .wait_until("the guest's last line", ran, wait)?;
    Ok(())
}

fn machines() -> Scene {
    let mut scene = Scene::apart("machine");
    for (cpus, memory) in [(2, "512M"), (3, "1G"), (5, "3G"), (8, "6G")] {
        let name = format!("{cpus}_cpus_and_{memory}_run_a_guest");
        let boot = hello(cpus).memory(memory);
        scene = scene.claim_with(&name, &[Feature::AnyMachine], move |stage| {
            runs_its_guest(stage, &boot)
        });
    }
    scene
}

fn variants() -> Scene {
    let mut scene = Scene::apart("entry");
    for (name, compression) in [
        ("a_payload_stored_plain_boots", Compression::None),
        ("a_payload_packed_by_lz4_boots", Compression::Lz4),
        ("a_payload_packed_by_lzma_boots", Compression::Lzma),
    ] {
        let boot = hello(2).compressed(compression);
        scene = scene.claim(name, move |stage| runs_its_guest(stage, &boot));
    }
    for (name, word) in [
        ("a_coreboot_in_long_mode_is_taken_over", "x86_64"),
        ("cores_that_were_never_started_start", "mp-failed"),
    ] {
        let setting = format!("name=opt/bulkhead/coreboot,string={word}");
        let boot = hello(3).qemu(&["-fw_cfg", &setting]);
        scene = scene.claim_with(name, &[Feature::AnyMachine], move |stage| {
            runs_its_guest(stage, &boot)
        });
    }
    scene = scene.claim_with(
        "an_unlisted_board_runs_on_what_the_tables_say",
        &[Feature::AnyMachine],
        unlisted,
    );
    scene.claim_with(
        "an_emulator_starts_the_elf_by_pvh",
        &[Feature::AnyMachine],
        pvh,
    )
}
