//! Fuzz target: bzImage header, layout and loading.
//!
//! A header that is valid is patched; what is left of the input is the kernel's
//! code. Claims: a layout that was planned can be loaded into just that RAM;
//! kernel, initrd and command line are there afterwards, byte for byte, and the
//! initrd lies where the kernel can reach it.
#![no_main]

use std::cell::OnceCell;

use fuzz::input::{overlay, put};
use hvcore::guest::linux_boot::{Files, Header, load, plan};
use hvcore::guest::memory_map::RamLayout;
use hvcore::ids::Gpa;
use hvcore::port::GuestMemory;
use libfuzzer_sys::fuzz_target;
use testkit::guest_ram::GuestRam;

const RAM: u64 = 4 << 20;
const HEADER: std::ops::Range<usize> = 0x1F1..0x268;

thread_local! {
    // Left dirty between runs: whoever counts on zeroes must write them.
    static GUEST: OnceCell<GuestRam> = const { OnceCell::new() };
}

fn image(input: &[u8]) -> Vec<u8> {
    let mut image = vec![0; 0x400];
    image[0x1F1] = 1;
    image[0x1FE..0x200].copy_from_slice(&[0x55, 0xAA]);
    image[0x200..0x202].copy_from_slice(&[0xEB, 0x66]);
    image[0x202..0x208].copy_from_slice(b"HdrS\x0F\x02");
    put(&mut image, 0x22C, &[0x7FFF_FFFF, 0x10_0000]);
    image[0x236] = 1;
    put(&mut image, 0x238, &[255]);
    put(&mut image, 0x258, &[0x20_0000, 0, 0x8_0000]);
    put(
        &mut image,
        0x1F4,
        &[input.len().saturating_sub(HEADER.len()) as u32 / 16],
    );
    let code = overlay(&mut image[HEADER], input);
    image.extend(code);
    image
}

fuzz_target!(|input: &[u8]| {
    let Some((&[initrd_len, text_len], input)) = input.split_first_chunk() else {
        return;
    };
    let image = image(input);
    let Ok(header) = Header::parse(&image) else {
        return;
    };
    let code = &image[header.code_offset..header.code_offset + header.code_len];
    let initrd = vec![0xA5; usize::from(initrd_len) * 97];
    let cmdline = vec![b'x'; usize::from(text_len)];
    let ram = RamLayout::new(RAM).unwrap();
    let Ok(layout) = plan(header, ram, initrd.len() as u64, cmdline.len()) else {
        return;
    };
    let kernel_end = layout.kernel.0 + u64::from(header.init_size).max(code.len() as u64);
    assert!(layout.kernel.0 >= 1 << 20 && kernel_end <= RAM);
    if !initrd.is_empty() {
        let end = layout.initrd.0 + initrd.len() as u64;
        assert!(layout.initrd.0 % 0x1000 == 0 && layout.initrd.0 >= kernel_end && end <= RAM);
        assert!(end - 1 <= u64::from(header.initrd_max));
    }
    GUEST.with(|guest| {
        let guest = guest.get_or_init(|| GuestRam::new(0, RAM));
        let files = Files {
            image: &image,
            initrd: &initrd,
            cmdline: &cmdline,
        };
        let entry = load(guest, &layout, &files, Gpa(0xE_0000)).expect("what was planned");
        assert_eq!(entry.rip, layout.kernel.0 + 0x200);
        let mut pointer = [0; 4];
        guest
            .read(Gpa(entry.gprs.rsi + 0x228), &mut pointer)
            .unwrap();
        let cmdline_at = Gpa(u64::from(u32::from_le_bytes(pointer)));
        let text = [&cmdline[..], &[0]].concat();
        for (at, bytes) in [
            (layout.kernel, code),
            (layout.initrd, &initrd[..]),
            (cmdline_at, &text[..]),
        ] {
            let mut there = vec![0; bytes.len()];
            if !bytes.is_empty() {
                guest.read(at, &mut there).unwrap();
            }
            assert!(there == bytes);
        }
    });
});
