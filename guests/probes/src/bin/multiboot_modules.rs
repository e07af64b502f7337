//! Command line and modules arrive as the plan names them.
//!
//! Also called: mbi, mods_addr, boot arguments.
//!
//! needs: cpus=1 memory=16M cmdline="alpha=1 beta gamma=three" module=first.txt module=pattern.bin
#![no_std]
#![no_main]

use probes::claim;
use rt::multiboot;

fn multiboot_modules() {
    let line = multiboot::command_line();
    claim!(line.number("alpha", 0) == Ok(1), "a number option arrives");
    claim!(line.has("beta"), "a flag arrives");
    claim!(
        line.value("gamma") == Some("three"),
        "a text option arrives"
    );
    let mut modules = multiboot::modules();
    let (first, second) = (modules.next(), modules.next());
    claim!(
        first.is_some() && second.is_some() && modules.next().is_none(),
        "there are two modules"
    );
    let (Some(first), Some(second)) = (first, second) else {
        return;
    };
    claim!(
        first.start % 4096 == 0 && second.start % 4096 == 0,
        "both begin on a page"
    );
    claim!(
        first.end <= second.start || second.end <= first.start,
        "they do not overlap"
    );
    claim!(
        outside(first) && outside(second),
        "they lie outside of the image"
    );
    claim!(
        multiboot::bytes(first) == b"first module\n",
        "the first one's bytes are those of its file"
    );
    let bytes = multiboot::bytes(second);
    let right = bytes
        .iter()
        .enumerate()
        .all(|(n, byte)| *byte == (n * n + 7 * n) as u8);
    claim!(
        bytes.len() == 5000 && right,
        "the second one's bytes are those of its file"
    );
    let mut usable = multiboot::memory_map().filter(|range| range.kind == 1);
    let (start, end) = (u64::from(second.start), u64::from(second.end));
    let inside = usable.any(|range| range.base <= start && end <= range.base + range.length);
    claim!(inside, "they lie in memory that the map calls usable");
}

fn outside(module: multiboot::Module) -> bool {
    u64::from(module.start) >= rt::start::end_of_image() || module.end <= 0x10_0000
}

probes::probe!(multiboot_modules);
