//! Segment descriptors and task state of each CPU, 64-bit and user included.
//!
//! Manual: 24593 sections 4.8 and 12.2.5. Also called: GDT, TSS, IST, ring 3.
#![expect(unsafe_code)]
// UNSAFETY: builds tables in statics and loads GDTR and TR.

use crate::percpu::MAX_CPUS;
use core::arch::asm;
use core::cell::UnsafeCell;

/// 64-bit kernel code.
pub const KERNEL_CODE: u16 = 0x08;
/// Kernel data and stack.
pub const KERNEL_DATA: u16 = 0x10;
/// 32-bit kernel code, for probes that leave 64-bit mode.
pub const KERNEL_CODE32: u16 = 0x18;
/// User data and stack, requested privilege 3.
pub const USER_DATA: u16 = 0x20 | 3;
/// 64-bit user code, requested privilege 3.
pub const USER_CODE: u16 = 0x28 | 3;
/// 16-bit kernel code with base 0 and a limit of 4 GiB, for decoder probes.
pub const KERNEL_CODE16: u16 = 0x30;
const TASK: u16 = 0x38;
const WORDS: usize = 9;

/// Interrupt stack 1: double faults.
pub const DOUBLE_FAULT_STACK: u8 = 1;
/// Interrupt stack 2: NMIs.
pub const NMI_STACK: u8 = 2;
const SPARE_STACK_BYTES: usize = 8192;

#[repr(C, packed(4))]
struct TaskState {
    reserved0: u32,
    rsp: [u64; 3],
    reserved1: u64,
    ist: [u64; 7],
    reserved2: u64,
    reserved3: u16,
    io_map: u16,
}
const _: () = assert!(core::mem::size_of::<TaskState>() == 104);

#[repr(C, align(16))]
struct Stack([u8; SPARE_STACK_BYTES]);

/// Everything one CPU's descriptor registers point to.
struct Tables {
    gdt: UnsafeCell<[u64; WORDS]>,
    task: UnsafeCell<TaskState>,
    stacks: UnsafeCell<[Stack; 3]>,
}

// SAFETY: each CPU touches its own element only, once, in `load`; afterwards the CPU itself reads it.
unsafe impl Sync for Tables {}

impl Tables {
    const fn zeroed() -> Self {
        let task = TaskState {
            reserved0: 0,
            rsp: [0; 3],
            reserved1: 0,
            ist: [0; 7],
            reserved2: 0,
            reserved3: 0,
            io_map: 104,
        };
        Self {
            gdt: UnsafeCell::new([0; WORDS]),
            task: UnsafeCell::new(task),
            stacks: UnsafeCell::new([const { Stack([0; SPARE_STACK_BYTES]) }; 3]),
        }
    }
}

static TABLES: [Tables; MAX_CPUS] = [const { Tables::zeroed() }; MAX_CPUS];

/// Operand of LGDT and LIDT.
#[repr(C, packed)]
pub struct TablePointer {
    /// Size in bytes less one.
    pub limit: u16,
    /// Linear address.
    pub base: u64,
}

/// Loads the tables of CPU `index`.
///
/// # Safety
/// Called once, by the CPU with that index.
pub(crate) unsafe fn load(index: usize) {
    let tables = &TABLES[index];
    let stacks = tables.stacks.get() as u64;
    let top = |n: u64| stacks + n * SPARE_STACK_BYTES as u64;
    // SAFETY: only this CPU touches its element, and only now.
    let task = unsafe { &mut *tables.task.get() };
    task.rsp = [top(3), 0, 0];
    task.ist = [top(1), top(2), 0, 0, 0, 0, 0];
    let base = tables.task.get() as u64;
    // SAFETY: as above.
    let gdt = unsafe { &mut *tables.gdt.get() };
    *gdt = [
        0,
        0x00AF_9B00_0000_FFFF,
        0x00CF_9300_0000_FFFF,
        0x00CF_9B00_0000_FFFF,
        0x00CF_F300_0000_FFFF,
        0x00AF_FB00_0000_FFFF,
        0x008F_9B00_0000_FFFF,
        // Available 64-bit task state: limit, base 23..0, type 9 and present, base 31..24.
        103 | (base & 0xFF_FFFF) << 16 | 0x89 << 40 | (base >> 24 & 0xFF) << 56,
        base >> 32,
    ];
    let pointer = TablePointer {
        limit: (WORDS * 8 - 1) as u16,
        base: tables.gdt.get() as u64,
    };
    // SAFETY: the table is static and holds the selectors in use; 8 and 10h keep their meaning.
    unsafe { asm!("lgdt [{}]", in(reg) &pointer, options(nostack, preserves_flags, readonly)) };
    // SAFETY: the task descriptor was written above and is not busy.
    unsafe { asm!("ltr {:x}", in(reg) TASK, options(nostack, preserves_flags)) };
}
