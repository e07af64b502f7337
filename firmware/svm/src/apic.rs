//! Local APIC words: register offsets, ICR, LVT, ESR, and the base MSR.
//!
//! Owns the layout and nothing of the behaviour (`hvcore::lapic` has that). The
//! page is the same whether a guest reaches it through AVIC or through a fault,
//! so there is one set of offsets. Only xAPIC mode is described.
//! Manual: 24593 sections 16.3 to 16.6 (registers), 15.29 (AVIC).
//! Also called: interrupt command register, local vector table, xAPIC.

use bitflags::bitflags;

/// Byte offset of a register in the 4 KiB APIC page. Open: guests try others.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
#[repr(transparent)]
pub struct Register(pub u16);

impl Register {
    /// APIC id, in bits 31:24.
    pub const ID: Self = Self(0x020);
    /// Version and index of the last LVT entry.
    pub const VERSION: Self = Self(0x030);
    /// Task priority.
    pub const TPR: Self = Self(0x080);
    /// Arbitration priority.
    pub const APR: Self = Self(0x090);
    /// Processor priority.
    pub const PPR: Self = Self(0x0A0);
    /// End of interrupt, write only.
    pub const EOI: Self = Self(0x0B0);
    /// Remote read.
    pub const RRR: Self = Self(0x0C0);
    /// Logical destination, in bits 31:24.
    pub const LDR: Self = Self(0x0D0);
    /// Destination format: flat or cluster, in bits 31:28.
    pub const DFR: Self = Self(0x0E0);
    /// Spurious vector and software enable.
    pub const SVR: Self = Self(0x0F0);
    /// First of eight in-service words, 16 bytes apart.
    pub const ISR: Self = Self(0x100);
    /// First of eight trigger-mode words, 16 bytes apart.
    pub const TMR: Self = Self(0x180);
    /// First of eight request words, 16 bytes apart.
    pub const IRR: Self = Self(0x200);
    /// Last request word: end of the three banks.
    pub const IRR_LAST: Self = Self(0x270);
    /// Error status.
    pub const ESR: Self = Self(0x280);
    /// Interrupt command, low half: the write that sends.
    pub const ICR_LOW: Self = Self(0x300);
    /// Interrupt command, high half: the destination.
    pub const ICR_HIGH: Self = Self(0x310);
    /// LVT entry of the timer.
    pub const LVT_TIMER: Self = Self(0x320);
    /// LVT entry of the thermal sensor.
    pub const LVT_THERMAL: Self = Self(0x330);
    /// LVT entry of the performance counters.
    pub const LVT_PERFORMANCE: Self = Self(0x340);
    /// LVT entry of pin LINT0.
    pub const LVT_LINT0: Self = Self(0x350);
    /// LVT entry of pin LINT1.
    pub const LVT_LINT1: Self = Self(0x360);
    /// LVT entry of the APIC's own errors.
    pub const LVT_ERROR: Self = Self(0x370);
    /// Timer initial count.
    pub const TMICT: Self = Self(0x380);
    /// Timer current count, read only.
    pub const TMCCT: Self = Self(0x390);
    /// Timer divide configuration.
    pub const TDCR: Self = Self(0x3E0);

    /// The word of a bank (`ISR`, `TMR`, `IRR`) that holds bit `vector`.
    #[must_use]
    pub const fn word_of(self, vector: u8) -> Self {
        Self(self.0 + ((vector >> 5) as u16) * 0x10)
    }

    /// True for the 24 words of `ISR`, `TMR` and `IRR`.
    #[must_use]
    pub const fn is_in_bank(self) -> bool {
        self.0 >= Self::ISR.0 && self.0 <= Self::IRR_LAST.0 && self.0 & 0xF == 0
    }
}

/// What an interrupt message asks for: three bits in the ICR, in LVT entries and
/// in IOAPIC entries (24593 section 16.5, message type).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum DeliveryMode {
    /// Vector to every CPU named.
    Fixed = 0,
    /// Vector to one of the CPUs named.
    LowestPriority = 1,
    /// System management interrupt.
    Smi = 2,
    /// Remote read of another APIC's register.
    RemoteRead = 3,
    /// Non-maskable interrupt.
    Nmi = 4,
    /// INIT.
    Init = 5,
    /// Start-up; the vector is a page number.
    StartUp = 6,
    /// Vector from an external interrupt controller.
    ExtInt = 7,
}

impl DeliveryMode {
    /// From the low three bits of `bits`.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        match bits & 7 {
            0 => Self::Fixed,
            1 => Self::LowestPriority,
            2 => Self::Smi,
            3 => Self::RemoteRead,
            4 => Self::Nmi,
            5 => Self::Init,
            6 => Self::StartUp,
            _ => Self::ExtInt,
        }
    }

    /// True for the two modes whose vector is an interrupt vector of the target.
    #[must_use]
    pub const fn carries_vector(self) -> bool {
        matches!(self, Self::Fixed | Self::LowestPriority)
    }
}

/// Destination shorthand of an ICR: bits 19:18.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Shorthand {
    /// None: the destination field counts.
    Destination = 0,
    /// The sender alone.
    Myself = 1,
    /// Everyone.
    All = 2,
    /// Everyone but the sender.
    Others = 3,
}

/// Interrupt command: low register in bits 31:0, high register in bits 63:32.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct Icr(pub u64);

impl Icr {
    /// Low-half bits that a guest can set. Delivery status (12) reads 0 because
    /// a send is complete when the write is; remote-read status (17:16) too.
    pub const LOW_WRITABLE: u32 = 0x000C_CFFF;
    /// High-half bits that a guest can set.
    pub const HIGH_WRITABLE: u32 = 0xFF00_0000;

    /// From the two register halves.
    #[must_use]
    pub const fn from_halves(high: u32, low: u32) -> Self {
        Self(((high as u64) << 32) | low as u64)
    }

    /// Vector, or the page number of a start-up message.
    #[must_use]
    pub const fn vector(self) -> u8 {
        self.0 as u8
    }

    /// Message type.
    #[must_use]
    pub const fn mode(self) -> DeliveryMode {
        DeliveryMode::from_bits((self.0 >> 8) as u32)
    }

    /// True when the destination is a logical one.
    #[must_use]
    pub const fn logical(self) -> bool {
        self.0 & (1 << 11) != 0
    }

    /// True for a level-triggered message.
    #[must_use]
    pub const fn level_triggered(self) -> bool {
        self.0 & (1 << 15) != 0
    }

    /// True for the de-assertion of a level: only old hardware did something
    /// with it.
    #[must_use]
    pub const fn deasserts(self) -> bool {
        self.level_triggered() && self.0 & (1 << 14) == 0
    }

    /// Who is meant, before the destination field is looked at.
    #[must_use]
    pub const fn shorthand(self) -> Shorthand {
        match (self.0 >> 18) & 3 {
            0 => Shorthand::Destination,
            1 => Shorthand::Myself,
            2 => Shorthand::All,
            _ => Shorthand::Others,
        }
    }

    /// Destination field: a physical id or a logical mask.
    #[must_use]
    pub const fn destination(self) -> u8 {
        (self.0 >> 56) as u8
    }

    /// True when the message would carry one of the vectors 0 to 15, which no
    /// APIC accepts.
    #[must_use]
    pub const fn illegal_vector(self) -> bool {
        self.mode().carries_vector() && self.vector() < FIRST_VECTOR
    }
}

/// Lowest vector that an APIC sends or accepts (24593 section 16.4.6).
pub const FIRST_VECTOR: u8 = 16;

/// Timer mode: bits 18:17 of the timer's LVT entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum TimerMode {
    /// Count down once.
    OneShot = 0,
    /// Count down, reload, go on.
    Periodic = 1,
    /// Fire when the TSC reaches the deadline MSR.
    TscDeadline = 2,
    /// Not defined: nothing ever fires.
    Reserved = 3,
}

/// One entry of the local vector table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct Lvt(pub u32);

impl Lvt {
    /// Entry is masked.
    pub const MASKED: u32 = 1 << 16;

    /// Vector.
    #[must_use]
    pub const fn vector(self) -> u8 {
        self.0 as u8
    }

    /// True when the entry sends nothing.
    #[must_use]
    pub const fn is_masked(self) -> bool {
        self.0 & Self::MASKED != 0
    }

    /// Mode bits, meant for the timer's entry only.
    #[must_use]
    pub const fn timer_mode(self) -> TimerMode {
        match (self.0 >> 17) & 3 {
            0 => TimerMode::OneShot,
            1 => TimerMode::Periodic,
            2 => TimerMode::TscDeadline,
            _ => TimerMode::Reserved,
        }
    }

    /// Bits a guest can set in the entry at `register`; `None` if there is no
    /// entry. Delivery status (12) and remote IRR (14) always read 0: messages
    /// leave at once and the LINT pins are not connected.
    #[must_use]
    pub const fn writable(register: Register) -> Option<u32> {
        match register {
            Register::LVT_TIMER => Some(0x0007_00FF),
            Register::LVT_THERMAL | Register::LVT_PERFORMANCE => Some(0x0001_07FF),
            Register::LVT_LINT0 | Register::LVT_LINT1 => Some(0x0001_A7FF),
            Register::LVT_ERROR => Some(0x0001_00FF),
            _ => None,
        }
    }
}

bitflags! {
    /// Error status register (24593 section 16.4.6).
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct ErrorStatus: u32 {
        /// A message with a vector below 16 was to be sent.
        const SEND_ILLEGAL_VECTOR = 1 << 5;
        /// A message with a vector below 16 arrived.
        const RECEIVE_ILLEGAL_VECTOR = 1 << 6;
        /// An offset without a register was read or written.
        const ILLEGAL_REGISTER = 1 << 7;
    }
}

bitflags! {
    /// Spurious-vector register without its vector (bits 7:0).
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct Spurious: u32 {
        /// APIC software enable.
        const ENABLE = 1 << 8;
        /// Focus processor checking disable: kept, without effect.
        const FOCUS_DISABLE = 1 << 9;
    }
}

bitflags! {
    /// APIC base MSR 0x1B without its address (24593 section 16.3.1).
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct ApicBase: u64 {
        /// This is the boot CPU; read only.
        const BSP = 1 << 8;
        /// x2APIC mode.
        const X2APIC = 1 << 10;
        /// APIC hardware enable.
        const ENABLE = 1 << 11;
    }
}

/// Where the APIC page stands at reset, and for our guests always.
pub const DEFAULT_BASE: u64 = 0xFEE0_0000;

const _: () = assert!(Register::IRR.word_of(255).0 == Register::IRR_LAST.0);
const _: () = assert!(Register::ISR.word_of(255).0 + 0x10 == Register::TMR.0);
const _: () = assert!(Icr::LOW_WRITABLE & (1 << 12) == 0);
