//! Linux by the 64-bit boot protocol: what is refused, where things go, what
//! the kernel finds.
#![allow(missing_docs)]

#[allow(dead_code)]
mod platform_ram;

use hvcore::guest::linux_boot::{BootFault, Files, Header, HeaderFault, Layout, load, plan};
use hvcore::guest::memory_map::RamLayout;
use hvcore::ids::Gpa;
use platform_ram::Ram;
use proptest::prelude::*;

const MIB: u64 = 1 << 20;
const CODE: usize = 0x2000;
const RSDP: Gpa = Gpa(0xE0000);

fn put(image: &mut [u8], at: usize, bytes: &[u8]) {
    image[at..at + bytes.len()].copy_from_slice(bytes);
}

/// A kernel with 3 setup sectors that wants 16 MiB to 20 MiB.
fn kernel() -> Vec<u8> {
    let mut image = vec![0; 4 * 512 + CODE];
    put(&mut image, 0x1F1, &[3]);
    put(&mut image, 0x1F4, &(CODE as u32 / 16).to_le_bytes());
    put(&mut image, 0x1FE, &[0x55, 0xAA, 0xEB, 0x6A]);
    put(&mut image, 0x202, b"HdrS");
    put(&mut image, 0x206, &0x20F_u16.to_le_bytes());
    put(&mut image, 0x211, &[1]);
    put(&mut image, 0x22C, &0x7FFF_FFFF_u32.to_le_bytes());
    put(&mut image, 0x230, &0x20_0000_u32.to_le_bytes());
    put(&mut image, 0x236, &1_u16.to_le_bytes());
    put(&mut image, 0x238, &2047_u32.to_le_bytes());
    put(&mut image, 0x258, &(16 * MIB).to_le_bytes());
    put(&mut image, 0x260, &(4 * MIB as u32).to_le_bytes());
    for (i, byte) in image[4 * 512..].iter_mut().enumerate() {
        *byte = i as u8 | 1;
    }
    image
}

fn ram(mib: u64) -> RamLayout {
    RamLayout::new(mib * MIB).unwrap()
}

fn planned(mib: u64, initrd: u64, cmdline: usize) -> Result<Layout, BootFault> {
    plan(Header::parse(&kernel()).unwrap(), ram(mib), initrd, cmdline)
}

#[test]
fn images_that_cannot_start_are_named() {
    let with = |at: usize, bytes: &[u8]| {
        let mut image = kernel();
        put(&mut image, at, bytes);
        Header::parse(&image)
    };
    assert_eq!(with(0x1FE, &[0]), Err(HeaderFault::NotLinux));
    assert_eq!(with(0x202, b"HdrX"), Err(HeaderFault::NotLinux));
    assert_eq!(with(0x206, &[0x0B]), Err(HeaderFault::TooOld));
    assert_eq!(with(0x236, &[0xFE]), Err(HeaderFault::Not64Bit));
    assert_eq!(with(0x230, &[0, 0, 0, 0]), Err(HeaderFault::Misaligned));
    assert_eq!(with(0x258, &[0, 0, 0x10]), Err(HeaderFault::Misaligned));
    assert_eq!(
        with(0x1F1, &[0]),
        Err(HeaderFault::Truncated),
        "0 means 4 sectors"
    );
    assert_eq!(with(0x1F4, &[0xFF; 4]), Err(HeaderFault::Truncated));
    assert_eq!(with(0x1F1, &[0xFF]), Err(HeaderFault::Truncated));
}

#[test]
fn every_truncation_is_refused() {
    let image = kernel();
    for len in 0..image.len() {
        assert_eq!(
            Header::parse(&image[..len]).err(),
            Some(HeaderFault::Truncated),
            "{len}"
        );
    }
    let mut signed = image.clone();
    signed.extend([0xFF; 448]);
    assert_eq!(Header::parse(&signed), Header::parse(&image));
}

/// PLT-01: the kernel is where it wants to be, the initrd as high as it may be.
#[test]
fn kernel_low_and_initrd_high() {
    let layout = planned(256, 5 * MIB + 1, 100).unwrap();
    assert_eq!(layout.kernel, Gpa(16 * MIB));
    assert_eq!(layout.initrd, Gpa(251 * MIB - 0x1000));
    let layout = planned(3000, MIB, 0).unwrap();
    assert_eq!(layout.initrd, Gpa(2047 * MIB), "the kernel's own limit");
    let layout = planned(8192, 0, 0).unwrap();
    assert_eq!(layout.initrd_len, 0);
}

#[test]
fn what_does_not_fit_is_told_with_numbers() {
    assert_eq!(
        planned(19, 0, 0),
        Err(BootFault::RamTooSmall { needed: 20 * MIB })
    );
    assert!(planned(20, 0, 0).is_ok());
    assert_eq!(
        planned(24, 4 * MIB + 1, 0),
        Err(BootFault::InitrdTooLarge { room: 4 * MIB })
    );
    assert!(planned(24, 4 * MIB, 0).is_ok());
    assert_eq!(
        planned(20, 1, 0),
        Err(BootFault::InitrdTooLarge { room: 0 })
    );
    assert_eq!(
        planned(64, u64::MAX, 0),
        Err(BootFault::InitrdTooLarge { room: 44 * MIB })
    );
    assert_eq!(
        planned(64, 0, 2048),
        Err(BootFault::CmdlineTooLong { room: 2047 })
    );
    assert!(planned(64, 0, 2047).is_ok());
}

fn loaded(initrd: &[u8]) -> (Ram, hvcore::guest::entry::EntryState) {
    let memory = Ram::new(64 << 20);
    let image = kernel();
    let layout = planned(64, initrd.len() as u64, 12).unwrap();
    let files = Files {
        image: &image,
        initrd,
        cmdline: b"console=ttyS",
    };
    let state = load(&memory, &layout, &files, RSDP).unwrap();
    (memory, state)
}

/// PLT-01, PLT-02: `boot_params` as the kernel reads it.
#[test]
fn boot_params_say_where_everything_is() {
    let (memory, state) = loaded(b"initrd");
    let params = state.gprs.rsi;
    assert_eq!(memory.bytes(params + 0x202, 4), b"HdrS");
    assert_eq!(memory.bytes(params + 0x210, 2), [0xFF, 1]);
    assert_eq!(memory.u64(params + 0x70), RSDP.0);
    let (initrd, len) = (memory.u32(params + 0x218), memory.u32(params + 0x21C));
    assert_eq!(memory.bytes(initrd.into(), len as usize), b"initrd");
    assert_eq!(
        memory.bytes(memory.u32(params + 0x228).into(), 13),
        b"console=ttyS\0"
    );
    // Nothing but zeros between the header's end and the map, and before it.
    let end = 0x202 + usize::from(kernel()[0x201]);
    assert!(
        memory
            .bytes(params + end as u64, 0x2D0 - end)
            .iter()
            .all(|byte| *byte == 0)
    );
    assert_eq!(memory.bytes(params + 0x1EF, 1), [0], "sentinel");
    let count = usize::from(memory.bytes(params + 0x1E8, 1)[0]);
    let map: Vec<_> = (0..count as u64)
        .map(|i| params + 0x2D0 + 20 * i)
        .map(|at| (memory.u64(at), memory.u64(at + 8), memory.u32(at + 16)))
        .collect();
    let expected: Vec<_> = ram(64)
        .entries()
        .iter()
        .map(|e| (e.start, e.len, e.kind as u32))
        .collect();
    assert_eq!(map, expected);
}

#[test]
fn without_an_initrd_none_is_announced() {
    let (memory, state) = loaded(b"");
    assert_eq!(memory.u64(state.gprs.rsi + 0x218), 0);
}

/// PLT-01: the protected-mode part, and nothing else, at the preferred address.
#[test]
fn the_code_is_copied_whole() {
    let (memory, state) = loaded(b"");
    assert_eq!(memory.bytes(16 * MIB, CODE), &kernel()[4 * 512..]);
    assert_eq!(memory.bytes(16 * MIB + CODE as u64, 1), [0xA5]);
    assert_eq!(state.rip, 16 * MIB + 0x200);
}

/// Walks the page tables as the processor does.
fn translate(memory: &Ram, cr3: u64, va: u64) -> Option<u64> {
    let entry = |table: u64, shift: u32| {
        let entry = memory.u64((table & !0xFFF) + (va >> shift & 511) * 8);
        (entry & 1 == 1).then_some(entry)
    };
    let third = entry(entry(cr3, 39)?, 30)?;
    let second = entry(third, 21)?;
    assert_eq!(second & 0x82, 0x82, "large and writable");
    Some((second & !0x1F_FFFF) + (va & 0x1F_FFFF))
}

/// PLT-01: one to one over 4 GiB, which covers kernel, parameters and initrd.
#[test]
fn four_gib_are_mapped_one_to_one() {
    let (memory, state) = loaded(b"");
    for va in (0..4096 * MIB)
        .step_by(MIB as usize)
        .chain([state.rip, (4096 * MIB) - 1])
    {
        assert_eq!(translate(&memory, state.cr3, va), Some(va));
    }
    assert_eq!(translate(&memory, state.cr3, 4096 * MIB), None);
    assert_eq!(translate(&memory, state.cr3, 1 << 39), None);
}

/// PLT-01: what `boot.rst` demands of the processor at the 64-bit entry.
#[test]
fn the_first_vcpu_is_in_long_mode_with_interrupts_off() {
    let (memory, state) = loaded(b"");
    assert_eq!(
        (state.cr0 >> 31 & 1, state.cr0 & 1, state.cr4 >> 5 & 1),
        (1, 1, 1)
    );
    assert_eq!(state.efer, 0x500);
    assert_eq!(state.rflags >> 9 & 1, 0);
    assert_eq!((state.cs.selector, state.data.selector), (0x10, 0x18));
    assert_eq!((state.cs.base, state.data.base), (0, 0));
    assert_eq!(state.cs.attributes >> 9 & 1, 1, "64-bit code");
    // The table in memory holds what the hidden registers hold.
    assert_eq!(memory.u64(state.gdtr.base + 0x10), 0x00AF_9B00_0000_FFFF);
    assert_eq!(memory.u64(state.gdtr.base + 0x18), 0x00CF_9300_0000_FFFF);
    assert_eq!(state.gdtr.limit, 0x1F);
}

#[test]
fn other_files_than_planned_are_refused() {
    let memory = Ram::new(64 << 20);
    let image = kernel();
    let layout = planned(64, 6, 4).unwrap();
    let good = Files {
        image: &image,
        initrd: b"initrd",
        cmdline: b"abcd",
    };
    for bad in [
        Files {
            image: &image[..image.len() - 1],
            ..good
        },
        Files {
            initrd: b"initr",
            ..good
        },
        Files {
            cmdline: b"abc",
            ..good
        },
    ] {
        assert_eq!(
            load(&memory, &layout, &bad, RSDP),
            Err(BootFault::PlanMismatch)
        );
    }
    assert_eq!(
        load(&Ram::new(16 << 20), &layout, &good, RSDP),
        Err(BootFault::NotRam)
    );
}

proptest! {
    /// No header makes the loader panic, loop,
    /// or leave the partition's RAM.
    #[test]
    fn no_header_breaks_the_loader(
        noise in prop::collection::vec((0x1F1_usize..0x264, any::<u8>()), 0..8),
        mib in 2_u64..24,
        initrd in 0_usize..0x4000,
    ) {
        let mut image = kernel();
        for (at, byte) in noise {
            image[at] = byte;
        }
        let Ok(header) = Header::parse(&image) else { return Ok(()) };
        let initrd = vec![7; initrd];
        let Ok(layout) = plan(header, ram(mib), initrd.len() as u64, 4) else { return Ok(()) };
        prop_assert!(layout.kernel.0 >= MIB);
        let kernel_end = layout.kernel.0 + u64::from(header.init_size).max(header.code_len as u64);
        prop_assert!(kernel_end <= mib * MIB);
        if layout.initrd_len != 0 {
            prop_assert!(layout.initrd.0 >= kernel_end);
            prop_assert!(layout.initrd.0 + initrd.len() as u64 <= mib * MIB);
        }
        let files = Files { image: &image, initrd: &initrd, cmdline: b"abcd" };
        let memory = Ram::new((mib * MIB) as usize);
        prop_assert!(load(&memory, &layout, &files, RSDP).is_ok());
    }
}
