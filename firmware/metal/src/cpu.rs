//! Single instructions of the host CPU behind safe or honest wrappers.
//!
//! Also called: intrinsics, CPUID, port I/O, HLT, XSETBV.
#![expect(
    unsafe_code,
    reason = "UNSAFETY: executes privileged instructions (assumption 1)"
)]

use core::arch::asm;
use core::arch::x86_64::{__cpuid_count, CpuidResult};

/// CPUID with leaf and subleaf. Every CPU with long mode has it.
pub fn cpuid(leaf: u32, subleaf: u32) -> CpuidResult {
    __cpuid_count(leaf, subleaf)
}

/// Time-stamp counter of this core.
#[inline(always)]
pub fn tsc() -> u64 {
    // SAFETY: RDTSC only reads a counter; CR4.TSD is never set (assumption 1).
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// Reads an MSR that this CPU is known to have.
pub fn rdmsr(index: u32) -> u64 {
    // SAFETY: ring 0 (assumption 1); callers name architectural or probed MSRs.
    unsafe { x86_64::registers::model_specific::Msr::new(index).read() }
}

/// Writes an MSR.
///
/// # Safety
/// The value must keep the assumptions of the crate root true.
pub unsafe fn wrmsr(index: u32, value: u64) {
    let mut msr = x86_64::registers::model_specific::Msr::new(index);
    // SAFETY: the caller answers for the effect of the value.
    unsafe { msr.write(value) }
}

/// Reads a byte from an I/O port.
pub fn inb(port: u16) -> u8 {
    let value: u8;
    // SAFETY: a port read has no effect on memory; device effects are the caller's intent.
    unsafe { asm!("in al, dx", in("dx") port, out("al") value, options(nomem, nostack)) };
    value
}

/// Reads 32 bits from an I/O port.
pub fn inl(port: u16) -> u32 {
    let value: u32;
    // SAFETY: as `inb`.
    unsafe { asm!("in eax, dx", in("dx") port, out("eax") value, options(nomem, nostack)) };
    value
}

/// Writes a byte to an I/O port.
pub fn outb(port: u16, value: u8) {
    // SAFETY: callers name ports of devices that cannot write memory (8259, PIT, UART, reset).
    unsafe { asm!("out dx, al", in("dx") port, in("al") value, options(nomem, nostack)) };
}

/// Tells the core that it spins or that another core should run.
#[inline(always)]
pub fn pause() {
    core::hint::spin_loop();
}

/// Stops this core for good.
pub fn halt_forever() -> ! {
    loop {
        // SAFETY: with interrupts off HLT only stops the core.
        unsafe { asm!("cli", "hlt", options(nomem, nostack)) };
    }
}

/// Interrupts on.
pub fn enable_interrupts() {
    x86_64::instructions::interrupts::enable();
}

/// Interrupts off.
pub fn disable_interrupts() {
    x86_64::instructions::interrupts::disable();
}

/// Turns interrupts on and sleeps until one comes; returns with interrupts off.
///
/// STI holds interrupts for one instruction, so none that became pending before
/// can slip in ahead of the HLT: a wake-up sent after the caller's last look is
/// never lost. Call with interrupts off.
pub fn sleep_until_interrupt() {
    // SAFETY: the handlers are installed (`idt`) and touch only the APIC (assumption 5).
    // Not `nomem`: what callers look at before and after must not move across it.
    unsafe { asm!("sti", "hlt", "cli", options(nostack)) };
}

/// Takes what is pending: interrupts on for one instruction. Call with
/// interrupts off.
#[inline(always)]
pub fn take_interrupts() {
    // SAFETY: as `sleep_until_interrupt`.
    unsafe { asm!("sti", "nop", "cli", options(nomem, nostack)) };
}

/// Global interrupt flag off: nothing, not even an NMI, is taken until [`stgi`]
/// or the guest's exit.
#[inline(always)]
pub fn clgi() {
    // SAFETY: SVME is set on every core that gets here; the flag is set again by `stgi`.
    unsafe { asm!("clgi", options(nostack)) };
}

/// Global interrupt flag on.
#[inline(always)]
pub fn stgi() {
    // SAFETY: as `clgi`.
    unsafe { asm!("stgi", options(nostack)) };
}

/// Writes the host's own task priority 0, which makes TCG's APIC look at its
/// pending interrupts again (erratum `VIRQ_LOSES_INTR`).
#[inline(always)]
pub fn rewrite_task_priority() {
    // SAFETY: priority 0 is what the host runs with; nothing changes on silicon.
    unsafe { asm!("mov cr8, {0}", in(reg) 0u64, options(nomem, nostack)) };
}

/// XCR0 bits this CPU supports; 0 without XSAVE.
pub fn supported_xcr0() -> u64 {
    if cpuid(1, 0).ecx & (1 << 26) == 0 {
        return 0;
    }
    let leaf = cpuid(0xd, 0);
    u64::from(leaf.eax) | (u64::from(leaf.edx) << 32)
}

/// Sets XCR0.
///
/// The value must be legal (bit 0 set, AVX only with SSE); callers pass values
/// checked against [`supported_xcr0`].
pub fn xsetbv(value: u64) {
    // SAFETY: CR4.OSXSAVE is set by `prepare_fpu`; host code uses no extended state.
    unsafe {
        asm!("xsetbv", in("ecx") 0, in("eax") value as u32, in("edx") (value >> 32) as u32,
            options(nomem, nostack));
    }
}

/// Reads XCR0; 1 where the CPU has no XSAVE.
pub fn xgetbv() -> u64 {
    if supported_xcr0() == 0 {
        return 1;
    }
    let (low, high): (u32, u32);
    // SAFETY: CR4.OSXSAVE is set by `prepare_fpu`; reads a register.
    unsafe {
        asm!("xgetbv", in("ecx") 0, out("eax") low, out("edx") high, options(nomem, nostack))
    };
    u64::from(low) | (u64::from(high) << 32)
}

/// Lets guests use x87, SSE and XSAVE on this core: their state lives in the
/// registers for as long as the guest does, because host code uses none of it.
/// Machine checks in our own code are reported instead of resetting the board.
pub fn prepare_fpu() {
    use x86_64::registers::control::{Cr4, Cr4Flags};
    let mut flags = Cr4::read() | Cr4Flags::OSFXSR | Cr4Flags::OSXMMEXCPT_ENABLE;
    if cpuid(1, 0).edx & (1 << 7) != 0 {
        flags |= Cr4Flags::MACHINE_CHECK_EXCEPTION;
    }
    if supported_xcr0() != 0 {
        flags |= Cr4Flags::OSXSAVE;
    }
    // SAFETY: the bits enable instructions the CPU reports; paging bits are kept.
    unsafe { Cr4::write(flags) };
}

/// Makes LFENCE serialise on this core, as the guests' `DE_CFG` says it does:
/// their kernels build branch barriers on it. The MSR exists from family 10h on,
/// family 11h apart; newer parts need nothing (CPUID 8000_0021 EAX bit 2).
pub fn serialise_lfence() {
    let always =
        cpuid(0x8000_0000, 0).eax >= 0x8000_0021 && cpuid(0x8000_0021, 0).eax & (1 << 2) != 0;
    let signature = cpuid(1, 0).eax;
    let family = ((signature >> 8) & 0xf) + ((signature >> 20) & 0xff);
    if always || family < 0x10 || family == 0x11 {
        return;
    }
    let value = rdmsr(svm::msr::DE_CFG) | svm::msr::DE_CFG_LFENCE_SERIALISES;
    // SAFETY: the bit only makes LFENCE wait; the MSR exists in these families.
    unsafe { wrmsr(svm::msr::DE_CFG, value) };
}

/// Memory image of a reset FPU: XSAVE area with an empty header.
#[repr(C, align(64))]
struct ResetFpu([u8; 1088]);

static RESET_FPU: ResetFpu = {
    let mut bytes = [0; 1088];
    bytes[0] = 0x7f; // FCW 037Fh
    bytes[1] = 0x03;
    bytes[24] = 0x80; // MXCSR 1F80h
    bytes[25] = 0x1f;
    ResetFpu(bytes)
};

/// Puts x87, SSE, AVX, XCR0, `TSC_AUX` and DR0 to DR3 into their reset state, so that a
/// guest finds nothing of the one before it. `keep_xcr0` for the experiment that
/// shows why XCR0 is among them even if no XSETBV was seen.
pub fn reset_guest_registers(keep_xcr0: bool) {
    let found = xgetbv();
    let supported = supported_xcr0();
    if supported == 0 {
        // SAFETY: 512 readable, 16-byte aligned bytes; loads only FPU state.
        unsafe { asm!("fxrstor [{0}]", in(reg) &raw const RESET_FPU, options(nostack, readonly)) };
    } else {
        xsetbv(supported);
        // SAFETY: the header names no component, so every one goes to its initial state.
        unsafe {
            asm!("xrstor [{0}]", in(reg) &raw const RESET_FPU,
                in("eax") u32::MAX, in("edx") u32::MAX, options(nostack, readonly));
        }
        xsetbv(if keep_xcr0 { found } else { 1 });
    }
    if cpuid(0x8000_0001, 0).edx & (1 << 27) != 0 || cpuid(7, 0).ecx & (1 << 22) != 0 {
        // SAFETY: TSC_AUX exists with RDTSCP or RDPID; the host reads neither.
        unsafe { wrmsr(svm::msr::TSC_AUX, 0) };
    }
    // SAFETY: DR7 of the host is 0, so breakpoint addresses have no effect here.
    unsafe {
        asm!("mov dr0, {0}", "mov dr1, {0}", "mov dr2, {0}", "mov dr3, {0}",
            in(reg) 0u64, options(nomem, nostack));
    }
}

/// Resets the machine by port CF9h, and by a triple fault should that fail.
pub fn reset_machine() -> ! {
    outb(0xcf9, 0x02);
    outb(0xcf9, 0x06);
    let null = x86_64::structures::DescriptorTablePointer {
        limit: 0,
        base: x86_64::VirtAddr::zero(),
    };
    // SAFETY: an empty IDT makes the next exception a shutdown: that is the purpose.
    unsafe { x86_64::instructions::tables::lidt(&null) };
    // SAFETY: as above; never returns.
    unsafe { asm!("int3", options(noreturn)) }
}
