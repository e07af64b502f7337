//! What a multiboot (version 1) loader passes: command line, memory, modules.
//!
//! The structure is the loader's; what the flags do not announce is not read.
//! Also called: mbi, multiboot_info.
#![expect(unsafe_code)]
// UNSAFETY: reads memory at physical addresses which the loader named (A2).

use crate::command_line::CommandLine;
use crate::start;

/// EAX at entry from a multiboot loader.
pub const MAGIC: u32 = 0x2BAD_B002;

/// Announced by flag bit 0: `mem_lower` and `mem_upper`.
pub const HAS_MEMORY: u32 = 1 << 0;
/// Announced by flag bit 2: the command line.
pub const HAS_COMMAND_LINE: u32 = 1 << 2;
/// Announced by flag bit 3: the modules.
pub const HAS_MODULES: u32 = 1 << 3;
/// Announced by flag bit 6: the memory map.
pub const HAS_MEMORY_MAP: u32 = 1 << 6;

/// First words of the boot information.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Information {
    /// Which of the fields below are there.
    pub flags: u32,
    /// KiB from 0, at most 640.
    pub mem_lower: u32,
    /// KiB from 1 MiB up to the first hole.
    pub mem_upper: u32,
    /// BIOS boot device.
    pub boot_device: u32,
    /// Address of the command line, zero-terminated.
    pub cmdline: u32,
    /// Number of modules.
    pub mods_count: u32,
    /// Address of the module list.
    pub mods_addr: u32,
    /// Symbol information, of two kinds.
    pub syms: [u32; 4],
    /// Bytes of the memory map.
    pub mmap_length: u32,
    /// Address of the memory map.
    pub mmap_addr: u32,
}
const _: () = assert!(core::mem::offset_of!(Information, mmap_addr) == 48);

/// One entry of the module list.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Module {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// Address of the module's own string, zero-terminated.
    pub string: u32,
    reserved: u32,
}

/// One entry of the memory map, without its leading size word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryRange {
    /// First byte.
    pub base: u64,
    /// Length in bytes.
    pub length: u64,
    /// 1 is usable memory.
    pub kind: u32,
}

/// The boot information, if a multiboot loader started us.
pub fn information() -> Option<Information> {
    let state = start::state();
    // SAFETY: the magic says that the address is the loader's structure; the copy ends the sharing.
    (state.magic == MAGIC && state.information != 0).then(|| unsafe {
        core::ptr::read_unaligned(state.information as usize as *const Information)
    })
}

/// The command line; empty if there is none or it is not text.
pub fn command_line() -> CommandLine<'static> {
    let announced = information().filter(|i| i.flags & HAS_COMMAND_LINE != 0);
    CommandLine(announced.map_or("", |i| text(i.cmdline)))
}

/// The modules in the loader's order.
pub fn modules() -> impl Iterator<Item = Module> {
    let announced = information().filter(|i| i.flags & HAS_MODULES != 0);
    let (count, at) = announced.map_or((0, 0), |i| (i.mods_count as usize, i.mods_addr as usize));
    (0..count).map(move |n| {
        let entry = (at as *const Module).wrapping_add(n);
        // SAFETY: the loader announced that many entries there.
        unsafe { core::ptr::read_unaligned(entry) }
    })
}

/// The memory map in the loader's order.
pub fn memory_map() -> impl Iterator<Item = MemoryRange> {
    let announced = information().filter(|i| i.flags & HAS_MEMORY_MAP != 0);
    let (mut at, end) = announced.map_or((0, 0), |i| (i.mmap_addr, i.mmap_addr + i.mmap_length));
    core::iter::from_fn(move || {
        if at >= end {
            return None;
        }
        let here = at as usize as *const [u32; 6];
        // SAFETY: the loader announced an entry here, of a size word and five more at least.
        let [size, base_low, base_high, length_low, length_high, kind] =
            unsafe { core::ptr::read_unaligned(here) };
        at = at.saturating_add(size).saturating_add(4);
        let join = |high: u32, low: u32| u64::from(high) << 32 | u64::from(low);
        Some(MemoryRange {
            base: join(base_high, base_low),
            length: join(length_high, length_low),
            kind,
        })
    })
}

/// The zero-terminated text at `at`.
pub fn text(at: u32) -> &'static str {
    // SAFETY: the loader says that a string stands there, and nobody writes it (A1).
    let string = unsafe { core::ffi::CStr::from_ptr(at as usize as *const _) };
    string.to_str().unwrap_or("")
}

/// The bytes of a module.
pub fn bytes(module: Module) -> &'static [u8] {
    let length = module.end.saturating_sub(module.start) as usize;
    // SAFETY: the loader put the module there, and nobody writes it (A1).
    unsafe { core::slice::from_raw_parts(module.start as usize as *const u8, length) }
}
