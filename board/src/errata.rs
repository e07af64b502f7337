//! Errata switches: faults of a CPU or emulator, each worked around in one place.
//!
//! All off on silicon unless a revision guide says otherwise. The experiment that
//! shows each one stands in `guests/README.md`. Also called: quirks.

bitflags::bitflags! {
    /// A set bit turns the work-around on.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Errata: u32 {
        /// TCG: an external interrupt given through EVENTINJ can be delivered
        /// twice. All boards inject external interrupts through V_IRQ; with this
        /// bit clear nothing changes, and the debug plan flag may use EVENTINJ.
        const EVENTINJ_TWICE = 1 << 0;
        /// TCG: VMRUN with V_IRQ set, and every exit, change the flags of pending
        /// interrupts without the lock, and can lose a physical interrupt that
        /// arrives in the same moment. Cure: write the task priority after STGI,
        /// which makes the emulated APIC look again.
        const VIRQ_LOSES_INTR = 1 << 1;
        /// TCG 7.2: the interrupt shadow in the VMCB is ignored at VMRUN. Cure:
        /// while an exit leaves the shadow set, or RIP has not moved since one did,
        /// enter without V_IRQ.
        const SHADOW_IGNORED = 1 << 2;
        /// TCG: a virtual interrupt whose delivery met a nested page fault is
        /// reported as an exception with that vector, and V_IRQ stays set. Cure:
        /// an "exception" of vector 32 or more is a virtual interrupt.
        const VIRQ_REPORTED_AS_EXCEPTION = 1 << 3;
        /// TCG 7.2: XSETBV is never intercepted. Cure: XCR0 belongs to the core's
        /// one guest and is reset at every start.
        const XSETBV_NO_EXIT = 1 << 4;
        /// TCG: a virtual interrupt of the class equal to V_TPR is delivered.
        /// Cure: hand over a priority one lower.
        const TPR_EQUAL_DELIVERED = 1 << 5;
        /// TCG 7.2: a guest's MOV to CR8 that lets a pending virtual interrupt
        /// through asserts a lock that is not held, and the emulator aborts. Cure:
        /// intercept writes of CR8 while V_IRQ is set.
        const CR8_WRITE_ABORTS = 1 << 6;
        /// TCG 7.2: CMPXCHG16B takes the flags of before from a stale place and
        /// can leave an operand in RFLAGS, VM and reserved bits included. Cure: the
        /// instruction is not offered (CPUID 1 ECX bit 13); kernels then do without.
        const CMPXCHG16B_FLAGS = 1 << 7;
    }
}
