//! EVENTINJ and EXITINTINFO: one layout for an event given and one taken back.
//!
//! 24593 sections 15.20 (injection) and 15.7.2 (EXITINTINFO).

/// Event word: vector 7:0, type 10:8, error-code valid 11, valid 31, code 63:32.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct Event(pub u64);

/// Type field of an [`Event`]. Open: other values are reserved by the manual.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EventType(pub u8);

impl EventType {
    /// External or virtual interrupt.
    pub const INTERRUPT: Self = Self(0);
    /// Non-maskable interrupt.
    pub const NMI: Self = Self(2);
    /// Exception (fault or trap).
    pub const EXCEPTION: Self = Self(3);
    /// Software interrupt (INT n).
    pub const SOFTWARE: Self = Self(4);
}

impl Event {
    /// No event.
    pub const NONE: Self = Self(0);
    const VALID: u64 = 1 << 31;
    const ERROR_VALID: u64 = 1 << 11;

    /// An event without error code.
    pub const fn new(kind: EventType, vector: u8) -> Self {
        Self(Self::VALID | ((kind.0 as u64 & 7) << 8) | vector as u64)
    }

    /// An exception without error code.
    pub const fn exception(vector: u8) -> Self {
        Self::new(EventType::EXCEPTION, vector)
    }

    /// An exception with error code.
    pub const fn exception_with_code(vector: u8, code: u32) -> Self {
        Self(Self::exception(vector).0 | Self::ERROR_VALID | ((code as u64) << 32))
    }

    /// The NMI.
    pub const NMI: Self = Self::new(EventType::NMI, 2);

    /// There is an event.
    pub const fn valid(self) -> bool {
        self.0 & Self::VALID != 0
    }

    /// Its vector.
    pub const fn vector(self) -> u8 {
        self.0 as u8
    }

    /// Its type.
    pub const fn kind(self) -> EventType {
        EventType((self.0 >> 8) as u8 & 7)
    }

    /// Error code, when one is pushed.
    pub const fn error_code(self) -> Option<u32> {
        if self.0 & Self::ERROR_VALID != 0 {
            Some((self.0 >> 32) as u32)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_fault_event_has_the_layout_of_the_manual() {
        let event = Event::exception_with_code(14, 5);
        assert_eq!(event.0, 0x5_8000_0b0e);
        assert_eq!(event.error_code(), Some(5));
        assert!(!Event::NONE.valid());
    }
}
