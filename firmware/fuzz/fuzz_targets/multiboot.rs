//! Fuzz target: multiboot header, ELF32, layout and loading.
//!
//! A valid image, with addresses or as ELF, is patched; the header's sum is made
//! to fit. Claims: every piece's bytes exist in the image, the entry lies in a
//! piece, a layout that was planned can be loaded, modules are page-aligned and
//! apart from all pieces, and their bytes are there afterwards.
#![no_main]

use std::cell::OnceCell;

use fuzz::input::{patch, put};
use hvcore::guest::memory_map::RamLayout;
use hvcore::guest::multiboot::{Image, Module, load, plan};
use hvcore::ids::Gpa;
use hvcore::port::GuestMemory;
use libfuzzer_sys::fuzz_target;
use testkit::guest_ram::GuestRam;

const RAM: u64 = 4 << 20;
const MAGIC: u32 = 0x1BAD_B002;
const HEADER: usize = 0x200;

thread_local! {
    static GUEST: OnceCell<GuestRam> = const { OnceCell::new() };
}

fn image(elf: bool, patches: &[u8]) -> Vec<u8> {
    let mut image = vec![0x90; 0x800];
    let text = 0x10_0000;
    if elf {
        image[..7].copy_from_slice(b"\x7FELF\x01\x01\x01");
        put(&mut image, 0x10, &[3 << 16 | 2, 1, text + 0x10, 52]);
        put(&mut image, 0x28, &[32 << 16 | 52, 2]);
        put(&mut image, 52, &[1, 0x400, text, text, 0x200, 0x200, 5, 4]);
        put(
            &mut image,
            84,
            &[1, 0x600, text + 0x1000, text + 0x1000, 0x100, 0x900, 6, 4],
        );
    }
    let flags = if elf { 3 } else { 1 << 16 };
    put(&mut image, HEADER, &[MAGIC, flags]);
    put(
        &mut image,
        HEADER + 12,
        &[text, text, text + 0x400, text + 0x900, text + 0x40],
    );
    patch(&mut image, patches);
    let word = |at: usize| u32::from_le_bytes(image[at..at + 4].try_into().unwrap());
    let sum = word(HEADER).wrapping_add(word(HEADER + 4)).wrapping_neg();
    put(&mut image, HEADER + 8, &[sum]);
    image
}

fuzz_target!(|input: &[u8]| {
    let Some((&[form, module_len], patches)) = input.split_first_chunk() else {
        return;
    };
    let file = image(form & 1 != 0, patches);
    let Ok(image) = Image::parse(&file) else {
        return;
    };
    let inside = |at: u32, len: u32| image.entry.checked_sub(at).is_some_and(|by| by < len);
    assert!(
        image
            .pieces
            .iter()
            .any(|piece| inside(piece.at, piece.memory_len))
    );
    for piece in &image.pieces {
        assert!(piece.file_len <= piece.memory_len);
        assert!(
            file.get(piece.offset..)
                .is_some_and(|tail| tail.len() >= piece.file_len as usize)
        );
    }
    let ram = RamLayout::new(RAM).unwrap();
    let bytes = [vec![0x11; usize::from(module_len) * 33], vec![0x22; 5]];
    let modules = bytes.each_ref().map(|bytes| Module {
        bytes,
        cmdline: b"module",
    });
    let Ok(layout) = plan(image.clone(), ram, b"text", &modules) else {
        return;
    };
    GUEST.with(|guest| {
        let guest = guest.get_or_init(|| GuestRam::new(0, RAM));
        load(guest, &layout, &file, b"text", &modules).expect("what was planned");
        for (&start, bytes) in layout.modules.iter().zip(&bytes) {
            let (start, end) = (u64::from(start), u64::from(start) + bytes.len() as u64);
            assert!(start % 0x1000 == 0 && end <= RAM);
            for piece in &image.pieces {
                let at = u64::from(piece.at);
                assert!(at + u64::from(piece.memory_len) <= start || end <= at);
            }
            let mut there = vec![0; bytes.len()];
            guest.read(Gpa(start), &mut there).unwrap();
            assert!(there == *bytes);
        }
    });
});
