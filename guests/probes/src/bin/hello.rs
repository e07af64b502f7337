//! A multiboot loader hands the machine over as its protocol promises.
//!
//! Owns the first thing to try on a new board or a new hypervisor: if this log is complete, entry,
//! console, descriptor tables, exceptions and power-off work.
//!
//! needs: cpus=1 memory=16M
#![no_std]
#![no_main]

use probes::claim;
use rt::{fault, multiboot, start};

fn hello() {
    let entry = start::state();
    claim!(
        entry.magic == multiboot::MAGIC,
        "EAX holds the multiboot magic"
    );
    claim!(entry.cr0 & 1 == 1, "protected mode is on");
    claim!(entry.cr0 >> 31 == 0, "paging is off");
    claim!(entry.cr4 & 1 << 5 == 0, "physical address extension is off");
    claim!(
        entry.eflags & (1 << 9 | 1 << 17) == 0,
        "interrupts and virtual-8086 mode are off"
    );
    let [code, data @ ..] = entry.selectors;
    claim!(
        code & 7 == 0 && code != 0,
        "CS is a ring 0 selector of the GDT"
    );
    claim!(
        data.iter().all(|s| s & 7 == 0 && *s != 0),
        "DS, ES and SS are ring 0 selectors of the GDT"
    );

    let information = multiboot::information();
    let flags = information.map_or(0, |i| i.flags);
    claim!(
        flags & multiboot::HAS_MEMORY != 0,
        "the loader tells the amount of memory"
    );
    let upper = information.map_or(0, |i| i.mem_upper);
    claim!(
        upper >= 15 * 1024 - 512,
        "at least 15 MiB lie above the first"
    );
    let mut usable = multiboot::memory_map().filter(|range| range.kind == 1);
    let image = 0x10_0000;
    claim!(
        usable.any(|r| r.base <= image && image < r.base + r.length),
        "the memory map has the image inside usable memory"
    );
    let caught = fault::expect_fault(undefined_instruction);
    claim!(
        caught.map(|f| f.vector) == Some(fault::vector::UD),
        "an undefined instruction is #UD"
    );
}

fn undefined_instruction() {
    #[expect(unsafe_code)]
    // SAFETY: raises #UD, which the caller catches. UNSAFETY: executes UD2.
    unsafe {
        core::arch::asm!("ud2", options(nostack))
    };
}

probes::probe!(hello);
