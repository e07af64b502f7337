//! What decisions ask of the machine, as short traits; `metal` implements them.
//!
//! Guest memory is reached by copy only and every access may fail: a guest
//! address proves nothing.

use crate::ids::Gpa;

/// The address range is not wholly guest RAM.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotRam;

/// Bounded, copying access to one partition's RAM.
///
/// No implementation panics or loops on any address. A range that leaves RAM or
/// wraps gives `NotRam` and changes nothing.
pub trait GuestMemory {
    /// Copies `into.len()` bytes out of guest RAM.
    fn read(&self, at: Gpa, into: &mut [u8]) -> Result<(), NotRam>;

    /// Copies `from` into guest RAM.
    fn write(&self, at: Gpa, from: &[u8]) -> Result<(), NotRam>;

    /// Fills a range with one byte value.
    fn fill(&self, at: Gpa, len: u64, value: u8) -> Result<(), NotRam>;

    /// One single-copy load of an aligned 64-bit word (a page-table entry).
    /// An unaligned address gives `NotRam`.
    fn load_u64(&self, at: Gpa) -> Result<u64, NotRam>;

    /// Replaces an aligned 64-bit word if it still holds `old`; true when it did.
    fn exchange_u64(&self, at: Gpa, old: u64, new: u64) -> Result<bool, NotRam>;

    /// One single-copy load of an aligned 32-bit word.
    fn load_u32(&self, at: Gpa) -> Result<u32, NotRam>;

    /// One single-copy store of an aligned 32-bit word.
    fn store_u32(&self, at: Gpa, value: u32) -> Result<(), NotRam>;
}

/// One vCPU's VMCB, as exit handling sees it. Setters keep the clean bits.
pub trait GuestCpu {
    /// The control area as the last exit left it.
    fn control(&self) -> &svm::vmcb::ControlArea;
    /// The guest's state as the last exit left it.
    fn save(&self) -> &svm::vmcb::SaveArea;
    /// Moves RIP.
    fn set_rip(&mut self, rip: u64);
    /// Replaces RFLAGS.
    fn set_rflags(&mut self, rflags: u64);
    /// Sets or clears the interrupt shadow.
    fn set_shadow(&mut self, on: bool);
    /// Replaces the virtual-interrupt word.
    fn set_virtual_interrupt(&mut self, word: svm::vmcb::vintr::VirtualInterrupt);
    /// Has the next entry deliver this event.
    fn inject(&mut self, event: svm::vmcb::event::Event);
    /// Replaces CR2.
    fn set_cr2(&mut self, address: u64);
    /// Replaces EFER; SVME is added, because VMRUN demands it.
    fn set_efer(&mut self, efer: u64);
    /// Replaces the guest's PAT.
    fn set_pat(&mut self, pat: u64);
    /// Replaces DR6.
    fn set_dr6(&mut self, dr6: u64);
    /// Replaces DR7.
    fn set_dr7(&mut self, dr7: u64);
    /// Replaces the exception intercepts.
    fn set_exception_intercepts(&mut self, set: u32);
    /// Turns the IRET intercept on or off.
    fn set_intercept_iret(&mut self, on: bool);
    /// XCR0 of this core, which is its guest's.
    fn xcr0(&self) -> u64;
    /// Replaces XCR0; the value was checked against what the CPU supports.
    fn set_xcr0(&mut self, value: u64);
    /// Brings FS, GS, TR, LDTR and the system-call MSRs into the save area: they
    /// stay in the core between exits.
    fn fetch_hidden_state(&mut self);
    /// Replaces the whole save area (start, INIT, SIPI).
    fn replace_save(&mut self, save: &svm::vmcb::SaveArea);
}
