//! Where a Linux guest's kernel, initrd and tables go.

use super::header::Header;
use crate::guest::memory_map::{EXTENDED_START, RamLayout};
use crate::ids::Gpa;

/// Global descriptor table: 4 entries.
pub const GDT: Gpa = Gpa(0x6000);
/// `boot_params`, one page.
pub const BOOT_PARAMS: Gpa = Gpa(0x7000);
/// Page tables: one root, one third-level table, four of 2 MiB entries.
pub const PAGE_TABLES: Gpa = Gpa(0x9000);
/// Pages of page tables: 4 GiB mapped one to one.
pub const PAGE_TABLE_PAGES: u64 = 6;
/// Command line with its zero.
pub const CMDLINE: Gpa = Gpa(0x2_0000);
/// Longest command line that fits there, without the zero.
pub const CMDLINE_ROOM: usize = 0xFFFF;

const _: () = assert!(PAGE_TABLES.0 + PAGE_TABLE_PAGES * 0x1000 <= CMDLINE.0);

/// Why a kernel cannot be started in a partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BootFault {
    /// The kernel wants to be below 1 MiB.
    KernelTooLow,
    /// RAM ends (or has its hole) before the kernel's own working space does.
    RamTooSmall {
        /// Bytes of RAM that the kernel alone needs, from address 0.
        needed: u64,
    },
    /// Between kernel and the highest address allowed there is no room for the
    /// initrd.
    InitrdTooLarge {
        /// Bytes that would fit.
        room: u64,
    },
    /// The command line is longer than this kernel takes.
    CmdlineTooLong {
        /// Bytes that would fit.
        room: usize,
    },
    /// What was to be loaded is not what was planned for.
    PlanMismatch,
    /// A planned range is not RAM: layout and memory disagree.
    NotRam,
}

/// Where everything goes. Made by [`plan`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Layout {
    /// The kernel's header.
    pub header: Header,
    /// The partition's RAM.
    pub ram: RamLayout,
    /// Start of the protected-mode code.
    pub kernel: Gpa,
    /// Start of the initrd; meaningless if its length is 0.
    pub initrd: Gpa,
    /// Bytes of the initrd.
    pub initrd_len: u32,
    /// Bytes of the command line, without the zero.
    pub cmdline_len: usize,
}

/// Decides where a kernel, its initrd and its command line go.
///
/// The kernel goes to its preferred address. The initrd ends as high as kernel
/// and RAM allow, below the hole, and starts on a page.
pub fn plan(
    header: Header,
    ram: RamLayout,
    initrd_len: u64,
    cmdline_len: usize,
) -> Result<Layout, BootFault> {
    let kernel = header.pref_address;
    if kernel < EXTENDED_START {
        return Err(BootFault::KernelTooLow);
    }
    let window = u64::from(header.init_size).max(header.code_len as u64);
    let kernel_end = kernel.saturating_add(window);
    if kernel_end > ram.low_end() {
        return Err(BootFault::RamTooSmall { needed: kernel_end });
    }
    let room = CMDLINE_ROOM.min(header.cmdline_max as usize);
    if cmdline_len > room {
        return Err(BootFault::CmdlineTooLong { room });
    }
    let top = ram.low_end().min(u64::from(header.initrd_max) + 1);
    let initrd_room = top.saturating_sub(kernel_end.next_multiple_of(0x1000));
    let (Some(start), Ok(len)) = (top.checked_sub(initrd_len), u32::try_from(initrd_len)) else {
        return Err(BootFault::InitrdTooLarge { room: initrd_room });
    };
    let initrd = start & !0xFFF;
    if len != 0 && initrd < kernel_end {
        return Err(BootFault::InitrdTooLarge { room: initrd_room });
    }
    Ok(Layout {
        header,
        ram,
        kernel: Gpa(kernel),
        initrd: Gpa(initrd),
        initrd_len: len,
        cmdline_len,
    })
}
