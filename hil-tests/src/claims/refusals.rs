//! What cannot be served is refused with a sentence of its own, never in silence.
//!
//! Owns: wrong plans, damaged flash, machines without what is needed. Most texts are
//! tested where they are made; here is that they reach the console of a machine.
//! Also called: error messages, negative tests, corrupted flash.

use super::entry::hello;
use crate::boot::Boot;
use crate::damage::Damage;
use crate::plan_text::{PartitionText, PlanText};
use crate::rig::Feature;
use crate::scene::Scene;
use crate::session::State;
use crate::stage::Stage;
use crate::{image, tool};
use anyhow::{Context, Result, ensure};

const ANY: &[Feature] = &[Feature::AnyMachine];

/// The scenes.
pub fn scenes() -> Vec<Scene> {
    vec![flash(), machines(), plans()]
}

/// The machine says each of `words`, in this order.
fn says(stage: &mut Stage<'_>, boot: &Boot, words: &[&str]) -> Result<()> {
    let session = stage.boot(boot)?;
    let wait = session.patience.firmware();
    for text in words {
        session.console.expect(text, wait)?;
    }
    Ok(())
}

/// As [`says`], and the control shell comes up all the same.
fn says_and_goes_on(stage: &mut Stage<'_>, boot: &Boot, words: &[&str]) -> Result<()> {
    says(stage, boot, words)?;
    stage.booted()?.bring_to(State::ControlShell)
}

fn flash() -> Scene {
    // Nobody is attached, or there would be no control shell to come up.
    let plan = || {
        let partition = PartitionText::guest("hello", &[1], "hello");
        Boot::of(PlanText::new().with(partition), 2)
    };
    Scene::apart("damaged")
        .claim("a_plan_with_a_changed_bit_is_refused", move |stage| {
            let words = ["the plan's checksum is wrong: the file is damaged"];
            says_and_goes_on(stage, &plan().damaged(Damage::PlanBit), &words)
        })
        .claim("a_flash_without_a_plan_has_no_partitions", move |stage| {
            let words = ["flash: no file bulkhead/plan; no partitions"];
            says_and_goes_on(stage, &plan().damaged(Damage::PlanMissing), &words)
        })
        .claim(
            "a_damaged_file_header_is_named_with_its_place",
            move |stage| {
                let words = [
                    "flash: at offset 0x",
                    "the file system has a damaged header",
                ];
                says_and_goes_on(stage, &plan().damaged(Damage::FileHeader), &words)
            },
        )
        .claim_with(
            "a_flash_map_without_signature_stops_the_boot_block",
            ANY,
            move |stage| {
                says(
                    stage,
                    &plan().damaged(Damage::FlashMap),
                    &["FMAP: no map", "Halted."],
                )
            },
        )
        .claim_with(
            "a_board_table_without_signature_stops_the_payload",
            ANY,
            move |stage| {
                let words = ["bulkhead: stopped: no coreboot table was found"];
                says(stage, &plan().damaged(Damage::BoardTable), &words)
            },
        )
}

fn machines() -> Scene {
    let one_cpu = {
        let partition = PartitionText::guest("hello", &[1], "hello");
        Boot::of(PlanText::new().with(partition), 1).memory("1G")
    };
    Scene::apart("unfit")
        .claim_with(
            "one_cpu_comes_up_to_the_shell_without_a_core_for_guests",
            ANY,
            move |stage| {
                let words = [
                    "no core is left for partitions",
                    "partition hello is refused: cores:",
                ];
                says_and_goes_on(stage, &one_cpu, &words)
            },
        )
        .claim_with("a_cpu_without_svm_is_told_in_one_line", ANY, |stage| {
            let boot = hello(2).qemu(&["-cpu", "EPYC,-svm"]);
            says(
                stage,
                &boot,
                &["bulkhead: stopped: this CPU has no SVM\r\n"],
            )
        })
        .claim_with(
            "a_cpu_without_nested_paging_is_told_in_one_line",
            ANY,
            |stage| {
                let boot = hello(2).qemu(&["-cpu", "EPYC,+svm,-npt"]);
                says(
                    stage,
                    &boot,
                    &["bulkhead: stopped: this CPU has no nested paging"],
                )
            },
        )
        .claim_with("too_little_memory_for_a_partition_is_said", ANY, |stage| {
            let big = PartitionText::guest_in("big", &[1], "hello", "512 MiB");
            let small = PartitionText::guest("small", &[2], "hello");
            let plan = PlanText::new().with(big).with(small);
            let boot = Boot::of(plan, 3).memory("256M");
            let words = [
                "partition big is refused: memory:",
                "[partition small runs]",
            ];
            says(stage, &boot, &words)
        })
        .claim_with(
            "too_little_memory_for_the_firmware_stops_the_boot_block",
            ANY,
            |stage| {
                says(
                    stage,
                    &hello(2).memory("32M"),
                    &["RAM: too little", "Halted."],
                )
            },
        )
        .claim_with("a_core_that_the_machine_lacks_is_named", ANY, |stage| {
            let far = PartitionText::guest("far", &[6], "hello");
            let near = PartitionText::guest("near", &[1], "hello");
            let plan = PlanText::new().with(far).with(near);
            let refused = "partition far is refused: cores: core 6 does not exist, \
                           this machine has cores 0 to 1";
            says(
                stage,
                &Boot::of(plan, 2).memory("1G"),
                &[refused, "[partition near runs]"],
            )
        })
}

fn plans() -> Scene {
    Scene::apart("plan").claim("a_wrong_plan_is_explained_and_exits_with_2", |_| {
        let path = image::records()?.join("wrong.toml");
        let text = "board = \"qemu_q35\"\n[[partition]]\nname = \"a\"\ncores = [0]\n\
                    memory = \"16 MiB\"\nkind = \"multiboot\"\nimage = \"guest:hello\"\nimagee = 1\n";
        std::fs::write(&path, text).context("writing the plan")?;
        let output = tool::bulkhead()?.arg("check").arg(&path).output();
        let output = output.context("the host command")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.code() == Some(2), "{:?}\n{said}", output.status);
        ensure!(said.contains("did you mean `image`?"), "{said}");
        ensure!(said.contains("core 0"), "both mistakes at once: {said}");
        Ok(())
    })
}
