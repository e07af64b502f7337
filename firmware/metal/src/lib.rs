//! TOUCH: privileged instructions, device memory and every other unsafe act.
//!
//! Kind of crate: touch. It holds no policy: what to do is decided in `hvcore`.
//! SAFETY comments refer to these assumptions by number:
//!
//! 1. The image runs in ring 0, long mode, alone on the machine.
//! 2. Host-physical memory below [`phys::mapped_limit`] is mapped one to one.
//! 3. A frame handed out by the boot carve has one owner until the machine resets.
//! 4. A core runs one vCPU for life, so FS, GS, TR, LDTR and the system-call MSRs
//!    belong to the guest there; host code on such a core uses none of them.
//! 5. Interrupt handlers on a vCPU's core touch only the local APIC.
//! 6. Guest RAM is never the image's own memory, so a copy cannot alias our data.
#![no_std]

pub mod clock;
pub mod cpu;
pub mod crash;
pub mod descriptor;
pub mod guest_memory;
pub mod host_apic;
pub mod idt;
pub mod ioapic;
pub mod lock;
pub mod logger;
pub mod nested_tables;
pub mod percpu;
pub mod permission_maps;
pub mod phys;
pub mod rtc;
pub mod serial;
pub mod smp;
pub mod svm_enable;
pub mod vmcb_page;
pub mod vmrun;
