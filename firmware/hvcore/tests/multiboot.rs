//! Multiboot and flat images: what is refused, where things go, what the
//! program finds.
#![allow(missing_docs)]

#[allow(dead_code)]
mod platform_ram;

use hvcore::guest::flat::{self, FlatFault};
use hvcore::guest::memory_map::RamLayout;
use hvcore::guest::multiboot::{Image, ImageFault, LayoutFault, LoadFault, Module, load, plan};
use hvcore::ids::Gpa;
use platform_ram::Ram;
use proptest::prelude::*;

const MAGIC: u32 = 0x1BAD_B002;
const TEXT: u32 = 0x40_0000;

fn put(image: &mut [u8], at: usize, words: &[u32]) {
    for (rank, word) in words.iter().enumerate() {
        image[at + 4 * rank..at + 4 * rank + 4].copy_from_slice(&word.to_le_bytes());
    }
}

fn header(image: &mut [u8], at: usize, flags: u32) {
    put(
        image,
        at,
        &[MAGIC, flags, 0_u32.wrapping_sub(MAGIC).wrapping_sub(flags)],
    );
}

/// An ELF32 as kvm-unit-tests makes them: text at 4 MiB, data with bss behind.
fn elf() -> Vec<u8> {
    let mut image = vec![0; 0x3000];
    image[..7].copy_from_slice(b"\x7FELF\x01\x01\x01");
    put(&mut image, 0x10, &[3 << 16 | 2, 1, TEXT + 0x10, 52]);
    put(&mut image, 0x28, &[32 << 16 | 52, 3]);
    // A note, then text, then data; bss in memory only.
    put(&mut image, 52, &[4, 0, 0, 0, 0x10, 0x10, 0, 0]);
    put(
        &mut image,
        84,
        &[1, 0x1000, TEXT, TEXT, 0x1000, 0x1000, 5, 0x1000],
    );
    put(
        &mut image,
        116,
        &[
            1,
            0x2000,
            TEXT + 0x1000,
            TEXT + 0x1000,
            0x800,
            0x5801,
            6,
            0x1000,
        ],
    );
    image[0x1000..0x2000].fill(0x90);
    image[0x2000..0x2800].fill(0xDA);
    header(&mut image, 0x1000, 0);
    image
}

fn ram(mib: u64) -> RamLayout {
    RamLayout::new(mib << 20).unwrap()
}

const NONE: [Module<'static>; 0] = [];

#[test]
fn the_header_is_found_only_where_it_may_be() {
    let mut image = elf();
    image[0x1000..0x100C].fill(0);
    assert_eq!(Image::parse(&image), Err(ImageFault::NoHeader));
    header(&mut image, 8192 - 12, 3);
    assert!(Image::parse(&image).is_ok());
    image[8192 - 12] ^= 1;
    header(&mut image, 8192 - 8, 0);
    assert_eq!(Image::parse(&image), Err(ImageFault::NoHeader));
    header(&mut image, 0x1002, 0);
    assert_eq!(Image::parse(&image), Err(ImageFault::NoHeader));
    put(&mut image, 0x1000, &[MAGIC, 0, 1]);
    assert_eq!(Image::parse(&image), Err(ImageFault::NoHeader), "checksum");
}

#[test]
fn a_request_that_is_not_served_is_refused() {
    let mut image = elf();
    header(&mut image, 0x1000, 4);
    assert_eq!(
        Image::parse(&image),
        Err(ImageFault::UnknownRequest { flags: 4 })
    );
    header(&mut image, 0x1000, 1 << 17);
    assert!(
        Image::parse(&image).is_ok(),
        "optional features may be unknown"
    );
}

#[test]
fn elf64_has_its_own_answer() {
    let mut image = elf();
    image[4] = 2;
    assert_eq!(Image::parse(&image), Err(ImageFault::Elf64));
    image[4] = 3;
    assert_eq!(Image::parse(&image), Err(ImageFault::NotElf));
    image[4] = 1;
    image[0x12] = 62;
    assert_eq!(Image::parse(&image), Err(ImageFault::NotElf));
}

#[test]
fn damaged_elf_files_are_named() {
    let with = |at: usize, word: u32| {
        let mut image = elf();
        put(&mut image, at, &[word]);
        Image::parse(&image)
    };
    assert_eq!(with(0x18, TEXT + 0x6801), Err(ImageFault::EntryOutside));
    assert_eq!(with(0x18, TEXT - 1), Err(ImageFault::EntryOutside));
    assert_eq!(with(0x1C, 0xFFFF_FFF0), Err(ImageFault::Truncated));
    assert_eq!(with(116 + 4, 0x2801), Err(ImageFault::Truncated));
    assert_eq!(
        with(116 + 16, 0x5802),
        Err(ImageFault::NotElf),
        "more file than memory"
    );
    assert_eq!(with(0x2C, 65), Err(ImageFault::NotElf));
    assert_eq!(with(0x28, 31 << 16 | 52), Err(ImageFault::NotElf));
}

/// The entry is a linker's (virtual) address; the processor starts unpaged.
#[test]
fn a_virtual_entry_is_made_physical() {
    let mut image = elf();
    put(&mut image, 84 + 8, &[0xC000_0000]);
    put(&mut image, 0x18, &[0xC000_0020]);
    assert_eq!(Image::parse(&image).unwrap().entry, TEXT + 0x20);
}

fn loaded(modules: &[Module<'_>], cmdline: &[u8]) -> (Ram, hvcore::guest::entry::EntryState) {
    let memory = Ram::new(16 << 20);
    let file = elf();
    let layout = plan(Image::parse(&file).unwrap(), ram(16), cmdline, modules).unwrap();
    let state = load(&memory, &layout, &file, cmdline, modules).unwrap();
    (memory, state)
}

#[test]
fn segments_are_copied_and_bss_is_zeroed() {
    let (memory, state) = loaded(&NONE, b"");
    assert_eq!(memory.bytes(TEXT.into(), 0x1000), &elf()[0x1000..0x2000]);
    assert_eq!(memory.bytes(TEXT as u64 + 0x1000, 0x800), vec![0xDA; 0x800]);
    assert!(
        memory
            .bytes(TEXT as u64 + 0x1800, 0x5001)
            .iter()
            .all(|byte| *byte == 0)
    );
    assert_eq!(memory.bytes(TEXT as u64 + 0x6801, 1), [0xA5]);
    assert_eq!(state.rip, (TEXT + 0x10).into());
}

/// Specification, 3.2: 32-bit, flat, unpaged, interrupts off, two registers.
#[test]
fn the_machine_is_as_the_specification_says() {
    let (_, state) = loaded(&NONE, b"");
    assert_eq!((state.gprs.rax, state.gprs.rbx), (0x2BAD_B002, 0x9000));
    assert_eq!((state.cr0 >> 31 & 1, state.cr0 & 1, state.efer), (0, 1, 0));
    assert_eq!(state.rflags >> 9 & 1, 0);
    for segment in [state.cs, state.data] {
        assert_eq!((segment.base, segment.limit), (0, 0xFFFF_FFFF));
        assert_eq!(segment.attributes >> 10 & 1, 1, "32-bit");
    }
}

#[test]
fn the_information_structure_leads_to_everything() {
    let modules = [
        Module {
            bytes: &[1; 0x1001],
            cmdline: b"env",
        },
        Module {
            bytes: &[2; 5],
            cmdline: b"",
        },
        Module {
            bytes: &[],
            cmdline: b"empty one",
        },
    ];
    let (memory, state) = loaded(&modules, b"vmexit cpuid");
    let info = state.gprs.rbx;
    assert_eq!(memory.u32(info), 0b10_0100_1101);
    assert_eq!(
        (memory.u32(info + 4), memory.u32(info + 8)),
        (639, 15 * 1024)
    );
    assert_eq!(
        memory.bytes(memory.u32(info + 16).into(), 13),
        b"vmexit cpuid\0"
    );
    assert_eq!(memory.u32(info + 20), 3);
    let list = u64::from(memory.u32(info + 24));
    let mut last = u64::from(TEXT) + 0x6801;
    for (rank, module) in (0..).zip(&modules) {
        let word = |i: u64| u64::from(memory.u32(list + 16 * rank + 4 * i));
        assert_eq!(word(0) % 0x1000, 0);
        assert!(word(0) >= last);
        assert_eq!(
            memory.bytes(word(0), (word(1) - word(0)) as usize),
            module.bytes
        );
        let string = memory.bytes(word(2), module.cmdline.len() + 1);
        assert_eq!(string, [module.cmdline, b"\0"].concat());
        last = word(1);
    }
    assert_eq!(memory.bytes(memory.u32(info + 64).into(), 9), b"Bulkhead\0");
}

/// PLT-02: the same map as Linux gets, in multiboot's stride.
#[test]
fn the_memory_map_is_walked_by_its_sizes() {
    let (memory, state) = loaded(&NONE, b"");
    let (len, start) = (
        memory.u32(state.gprs.rbx + 44),
        memory.u32(state.gprs.rbx + 48),
    );
    let (mut at, mut map) = (u64::from(start), Vec::new());
    while at < u64::from(start + len) {
        map.push((memory.u64(at + 4), memory.u64(at + 12), memory.u32(at + 20)));
        at += u64::from(memory.u32(at)) + 4;
    }
    let expected: Vec<_> = ram(16)
        .entries()
        .iter()
        .map(|e| (e.start, e.len, e.kind as u32))
        .collect();
    assert_eq!(map, expected);
}

/// A plan's longest strings fit.
#[test]
fn the_longest_command_lines_fit() {
    let module = Module {
        bytes: b"x",
        cmdline: &[b'm'; abi::plan::MODULE_CMDLINE_LEN],
    };
    let cmdline = [b'c'; abi::plan::CMDLINE_LEN];
    let (memory, state) = loaded(&[module; abi::plan::MAX_MODULES], &cmdline);
    let at = memory.u32(state.gprs.rbx + 16);
    assert_eq!(memory.bytes(at.into(), cmdline.len()), cmdline);
}

#[test]
fn what_does_not_fit_is_named() {
    let image = || Image::parse(&elf()).unwrap();
    let small = plan(image(), ram(4), b"", &NONE);
    assert_eq!(
        small,
        Err(LayoutFault::SegmentOutsideRam {
            at: TEXT,
            len: 0x1000
        })
    );
    let large = Module {
        bytes: &vec![0; 2 << 20],
        cmdline: b"",
    };
    let cramped = plan(image(), ram(6), b"", &[large]);
    assert_eq!(cramped, Err(LayoutFault::ModuleOutsideRam { rank: 0 }));
    let tiny = Module {
        bytes: b"",
        cmdline: b"",
    };
    let many = [tiny; abi::plan::MAX_MODULES + 1];
    assert_eq!(
        plan(image(), ram(8), b"", &many),
        Err(LayoutFault::TooManyModules)
    );
    let long = plan(image(), ram(8), &[0; 0xC00], &NONE);
    assert_eq!(long, Err(LayoutFault::StringsTooLong { room: 0xC00 }));
    for (at, fault) in [
        (0x9800, LayoutFault::SegmentOverInfo { at: 0x9800 }),
        (0x8800, LayoutFault::SegmentOverInfo { at: 0x8800 }),
        (
            0x9_F000,
            LayoutFault::SegmentOutsideRam {
                at: 0x9_F000,
                len: 0x1000,
            },
        ),
        (
            0xFFFF_F800,
            LayoutFault::SegmentOutsideRam {
                at: 0xFFFF_F800,
                len: 0x1000,
            },
        ),
    ] {
        let mut image = image();
        image.pieces[0].at = at;
        assert_eq!(plan(image, ram(8), b"", &NONE), Err(fault));
    }
}

#[test]
fn other_files_than_planned_are_refused() {
    let (file, memory) = (elf(), Ram::new(16 << 20));
    let layout = plan(Image::parse(&file).unwrap(), ram(16), b"", &NONE).unwrap();
    let shorter = load(&memory, &layout, &file[..0x2700], b"", &NONE);
    assert_eq!(shorter, Err(LoadFault::PlanMismatch));
    let module = [Module {
        bytes: b"x",
        cmdline: b"",
    }];
    assert_eq!(
        load(&memory, &layout, &file, b"", &module),
        Err(LoadFault::PlanMismatch)
    );
    let small = Ram::new(4 << 20);
    assert_eq!(
        load(&small, &layout, &file, b"", &NONE),
        Err(LoadFault::NotRam)
    );
}

/// An image with addresses in its header, which need not be ELF.
fn with_addresses(words: [u32; 5]) -> Vec<u8> {
    let mut image = vec![0xCC; 0x1000];
    header(&mut image, 0x100, 1 << 16);
    put(&mut image, 0x10C, &words);
    image
}

#[test]
fn addresses_in_the_header_count() {
    let at = 0x10_0000;
    let image = with_addresses([at + 0x80, at, at + 0x400, at + 0x1000, at + 0x90]);
    let parsed = Image::parse(&image).unwrap();
    let piece = parsed.pieces[0];
    assert_eq!(
        (piece.at, piece.offset, piece.file_len, piece.memory_len),
        (at, 0x80, 0x400, 0x1000)
    );
    assert_eq!(parsed.entry, at + 0x90);
    let whole = Image::parse(&with_addresses([at + 0x100, at, 0, 0, at]))
        .unwrap()
        .pieces[0];
    assert_eq!(
        (whole.offset, whole.file_len, whole.memory_len),
        (0, 0x1000, 0x1000)
    );
}

#[test]
fn contradicting_addresses_are_refused() {
    use ImageFault::{BadAddresses, EntryOutside, Truncated};
    let at = 0x10_0000;
    for (words, fault) in [
        ([at - 4, at, 0, 0, at], BadAddresses),
        ([at + 0x101, at, 0, 0, at], BadAddresses),
        ([at, at, at - 1, 0, at], BadAddresses),
        ([at, at, at + 0x400, at + 0x3FF, at], BadAddresses),
        ([at, at, at + 0xF01, 0, at], Truncated),
        ([at, at, at + 0x400, 0, at + 0x400], EntryOutside),
        ([u32::MAX - 3, u32::MAX - 3, 0, 0, u32::MAX], BadAddresses),
    ] {
        assert_eq!(
            Image::parse(&with_addresses(words)),
            Err(fault),
            "{words:x?}"
        );
    }
}

#[test]
fn a_flat_binary_runs_where_it_is_put() {
    let memory = Ram::new(4 << 20);
    let go = |at, start| flat::load(&memory, &ram(4), &[0xF4; 16], Gpa(at), Gpa(start));
    let state = go(0x7C00, 0x7C08).unwrap();
    assert_eq!(
        (state.rip, memory.bytes(0x7C00, 17)),
        (0x7C08, [&[0xF4; 16][..], &[0xA5]].concat())
    );
    assert_eq!((state.cr0 >> 31, state.gprs.rax, state.gprs.rbx), (0, 0, 0));
    assert_eq!(go((4 << 20) - 8, 4 << 20), Err(FlatFault::OutsideRam));
    assert_eq!(go(0x9_FBF8, 0x9_FBF8), Err(FlatFault::OutsideRam));
    assert_eq!(go(0x7C00, 0x7C10), Err(FlatFault::EntryOutside));
    assert_eq!(go(0x7C00, 0x7BFF), Err(FlatFault::EntryOutside));
    assert_eq!(go(u64::MAX, u64::MAX), Err(FlatFault::OutsideRam));
    assert_eq!(
        flat::load(&memory, &ram(4), &[], Gpa(0), Gpa(0)),
        Err(FlatFault::Empty)
    );
}

proptest! {
    /// No image makes the parser or the loader panic, loop or leave RAM.
    #[test]
    fn no_image_breaks_the_loader(
        noise in prop::collection::vec((prop_oneof![0_usize..148, 0x1000_usize..0x1020], any::<u8>()), 0..12),
        cut in 0_usize..0x3001,
    ) {
        let mut file = elf();
        for (at, byte) in noise {
            file[at] = byte;
        }
        let file = &file[..cut];
        let Ok(image) = Image::parse(file) else { return Ok(()) };
        let Ok(layout) = plan(image, ram(16), b"x", &NONE) else { return Ok(()) };
        prop_assert!(load(&Ram::new(16 << 20), &layout, file, b"x", &NONE).is_ok());
    }
}
