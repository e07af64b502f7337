//! KVM's paravirtual interface, as far as Bulkhead speaks it.
//!
//! Owns the numbers and layouts that an unmodified Linux guest expects behind
//! the `KVMKVMKVM` signature: CPUID leaves, MSR numbers, clock pages and
//! hypercall answers. They are Linux's user ABI (`asm/kvm_para.h` and
//! `asm/pvclock-abi.h`) and never change, which is why a hypervisor that is not
//! KVM can offer them. Which of them a guest is really given is decided in
//! `hvcore::policy`.
//! Also called: paravirtualisation, pvclock, kvm_para.

pub mod clock;
pub mod cpuid;
pub mod hypercall;
pub mod msr;
