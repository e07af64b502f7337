//! Register page: the guest-visible state of one local APIC, atomically.
//!
//! Owns the 4 KiB that AVIC hardware, the owning vCPU and every sender share.
//! Writers: the owner writes any register; other cores (and, with AVIC, hardware)
//! write IRR and TMR only, by atomic OR. Nobody ever writes back a copy. Two words
//! between registers, which no guest access reaches in software mode, keep what
//! the architecture hides: errors not yet latched, and the last known enable bit.
//! Manual: 24593 section 16.3.2 (layout), 15.29.3 (backing page).
//! Also called: vAPIC page, APIC backing page.

use svm::apic::{Lvt, Register, Spurious};

use crate::ids::Vector;
use crate::mutant::{Mutant, planted};
use crate::sync::{AtomicU32, Ordering, const_constructor, zeroed_atomics};

/// 32-bit words of the page. A model keeps two per register, because every
/// modelled atomic costs time in each explored interleaving.
const WORDS: usize = if cfg!(any(loom, shuttle)) { 128 } else { 1024 };

/// Version 0x14 (8-bit ids) with LVT entries 0 to 5, no extended registers.
pub const VERSION: u32 = 0x0005_0014;

/// Slots of 16 bytes that hold registers: offsets 0 to 0x3F0.
const SLOTS: u16 = 64;

/// Errors since the last latch; see `error`.
pub(super) const PENDING_ERRORS: Register = Register(Register::ESR.0 + 4);
/// SVR as software last handled it, which differs from the SVR word while a
/// write that AVIC performed waits for its trap.
pub(super) const HANDLED_SVR: Register = Register(Register::SVR.0 + 4);

/// One vCPU's APIC registers.
#[cfg_attr(not(any(loom, shuttle)), repr(C, align(4096)))]
pub struct RegisterPage {
    words: [AtomicU32; WORDS],
}

#[cfg(not(any(loom, shuttle)))]
const _: () = assert!(size_of::<RegisterPage>() == 4096);

impl RegisterPage {
    const_constructor! {
        /// A page of zeros; call [`Self::reset`] before use.
        #[must_use]
        pub fn new() -> Self {
            Self { words: zeroed_atomics!(AtomicU32) }
        }
    }

    /// The word at a byte offset; offsets wrap at 4 KiB, low two bits are ignored.
    fn word(&self, at: Register) -> &AtomicU32 {
        let at = usize::from(at.0);
        let index = if cfg!(any(loom, shuttle)) {
            ((at >> 4) << 1) | ((at >> 2) & 1)
        } else {
            at >> 2
        };
        &self.words[index % WORDS]
    }

    /// Content of one word, without side effect.
    pub fn load(&self, at: Register) -> u32 {
        // P2: who needs the order fences between mode and page; registers have one writer.
        self.word(at).load(Ordering::Relaxed)
    }

    /// Replaces one word. Owner only; never for IRR.
    pub fn store(&self, at: Register, value: u32) {
        // no pair: other cores read these registers as they are at some moment.
        self.word(at).store(value, Ordering::Relaxed);
    }

    /// Sets bits, returns the word as it was.
    pub(super) fn set_bits(&self, at: Register, bits: u32) -> u32 {
        // no pair: within one word; the owner reads it in program order.
        self.word(at).fetch_or(bits, Ordering::Relaxed)
    }

    /// Takes a word, leaving 0.
    pub(super) fn take(&self, at: Register) -> u32 {
        // no pair: each error is taken once, whoever logged it.
        self.word(at).swap(0, Ordering::Relaxed)
    }

    /// Power-up values (24593 section 16.3.3). No word passes through a third
    /// value: senders read ID, LDR and DFR meanwhile.
    pub fn reset(&self, apic_id: u8) {
        for slot in 0..SLOTS {
            let at = Register(slot << 4);
            self.store(at, power_up(at, apic_id));
        }
        self.store(PENDING_ERRORS, 0);
        self.store(HANDLED_SVR, power_up(Register::SVR, apic_id));
    }

    /// INIT: as power-up, but the APIC id stays.
    pub fn init(&self) {
        self.reset(self.apic_id());
    }

    /// The id this APIC answers to in physical destination mode.
    pub fn apic_id(&self) -> u8 {
        (self.load(Register::ID) >> 24) as u8
    }

    /// SVR bit 8: fixed interrupts are accepted.
    pub fn software_enabled(&self) -> bool {
        self.load(Register::SVR) & Spurious::ENABLE.bits() != 0
    }

    /// Requests `vector`; true if it was not requested already, false if this
    /// request merged with an earlier one. Any core may call it.
    ///
    /// TMR is settled before IRR, because whoever sees the request uses TMR at
    /// its end (AVIC-12). The caller then does its half of pair P2.
    pub fn post(&self, vector: Vector, level: bool) -> bool {
        let bit = bit_of(vector);
        if !planted(Mutant::TriggerAfterRequest) {
            self.settle_trigger(vector, level);
        }
        let irr = self.word(Register::IRR.word_of(vector.0));
        // pair: IRR bit, side A. TMR, and what the sender wrote, before the request.
        let new = irr.fetch_or(bit, Ordering::Release) & bit == 0;
        if planted(Mutant::TriggerAfterRequest) {
            self.settle_trigger(vector, level);
        }
        new
    }

    /// Locked operations are dear and the trigger of a vector hardly changes.
    fn settle_trigger(&self, vector: Vector, level: bool) {
        let bit = bit_of(vector);
        let tmr = self.word(Register::TMR.word_of(vector.0));
        // pair: IRR bit, side A: published by the release of the request that follows.
        if (tmr.load(Ordering::Relaxed) & bit != 0) == level {
            return;
        }
        // pair: IRR bit, side A, as above.
        if level {
            tmr.fetch_or(bit, Ordering::Relaxed);
        } else {
            tmr.fetch_and(!bit, Ordering::Relaxed);
        }
    }

    /// The CPU has taken `vector`: moves it from IRR to ISR. False, and nothing
    /// moved, if it was not requested. Owner only.
    pub fn accept(&self, vector: Vector) -> bool {
        let bit = bit_of(vector);
        let irr = self.word(Register::IRR.word_of(vector.0));
        let requested = if planted(Mutant::AcceptCopiesBack) {
            let copy = irr.load(Ordering::Acquire); // pair: IRR bit
            irr.store(copy & !bit, Ordering::Relaxed); // no pair: the defect
            copy
        } else {
            irr.fetch_and(!bit, Ordering::Acquire) // pair: IRR bit, side B
        };
        if requested & bit == 0 {
            return false;
        }
        self.set_bits(Register::ISR.word_of(vector.0), bit);
        true
    }

    /// Takes a request out of IRR: it is on its way into the CPU, and the same
    /// vector posted from now on is another interrupt. Owner only; followed by
    /// [`Self::serve`] or [`Self::request_again`].
    pub fn withdraw(&self, vector: Vector) {
        let irr = self.word(Register::IRR.word_of(vector.0));
        // pair: IRR bit, side B, as in `accept`.
        irr.fetch_and(!bit_of(vector), Ordering::Acquire);
    }

    /// The CPU took what was withdrawn. Owner only.
    pub fn serve(&self, vector: Vector) {
        self.set_bits(Register::ISR.word_of(vector.0), bit_of(vector));
    }

    /// The CPU did not take what was withdrawn: it is requested as before, and one
    /// with what was posted meanwhile. Owner only.
    pub fn request_again(&self, vector: Vector) {
        self.set_bits(Register::IRR.word_of(vector.0), bit_of(vector));
    }

    /// Ends the highest interrupt in service and returns it with its trigger
    /// mode (true: level). `None` if none was in service. Owner only.
    pub fn end(&self) -> Option<(Vector, bool)> {
        let vector = self.highest_isr()?;
        let bit = bit_of(vector);
        let isr = self.word(Register::ISR.word_of(vector.0));
        // no pair: only the owner changes ISR.
        isr.fetch_and(!bit, Ordering::Relaxed);
        let level = self.load(Register::TMR.word_of(vector.0)) & bit != 0;
        Some((vector, level))
    }

    /// Highest vector requested.
    pub fn highest_irr(&self) -> Option<Vector> {
        self.highest(Register::IRR)
    }

    /// Highest vector in service.
    pub fn highest_isr(&self) -> Option<Vector> {
        self.highest(Register::ISR)
    }

    fn highest(&self, bank: Register) -> Option<Vector> {
        for row in (0..8u8).rev() {
            let bits = self.load(bank.word_of(row << 5));
            if bits != 0 {
                return Some(Vector((row << 5) | (31 - bits.leading_zeros() as u8)));
            }
        }
        None
    }
}

impl Default for RegisterPage {
    fn default() -> Self {
        Self::new()
    }
}

const fn bit_of(vector: Vector) -> u32 {
    1 << (vector.0 & 31)
}

const fn power_up(at: Register, apic_id: u8) -> u32 {
    match at {
        Register::ID => (apic_id as u32) << 24,
        Register::VERSION => VERSION,
        Register::DFR => u32::MAX,
        Register::SVR => 0xFF,
        _ if Lvt::writable(at).is_some() => Lvt::MASKED,
        _ => 0,
    }
}
