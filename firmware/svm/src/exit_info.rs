//! EXITINFO words by kind of exit: port I/O and nested page faults.
//!
//! 24593 sections 15.10.2 (IOIO) and 15.25.6 (nested page fault).

/// EXITINFO1 of an IOIO exit. EXITINFO2 holds the next RIP on every CPU.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct IoInfo(pub u64);

impl IoInfo {
    /// Input (1) or output (0).
    pub const fn input(self) -> bool {
        self.0 & 1 != 0
    }
    /// INS or OUTS.
    pub const fn string(self) -> bool {
        self.0 & (1 << 2) != 0
    }
    /// REP prefix.
    pub const fn repeated(self) -> bool {
        self.0 & (1 << 3) != 0
    }
    /// Operand size in bytes: 1, 2 or 4; 0 when the word is malformed.
    pub const fn size(self) -> u8 {
        (self.0 >> 4) as u8 & 7
    }
    /// Port number.
    pub const fn port(self) -> u16 {
        (self.0 >> 16) as u16
    }
}

/// EXITINFO1 of a nested page fault: error code with the walk that faulted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct NestedFault(pub u64);

impl NestedFault {
    /// The nested translation was present.
    pub const fn present(self) -> bool {
        self.0 & 1 != 0
    }
    /// The access was a write.
    pub const fn write(self) -> bool {
        self.0 & (1 << 1) != 0
    }
    /// A reserved bit was set in a nested entry: our own mistake.
    pub const fn reserved(self) -> bool {
        self.0 & (1 << 3) != 0
    }
    /// The access was an instruction fetch.
    pub const fn fetch(self) -> bool {
        self.0 & (1 << 4) != 0
    }
    /// The fault came from the final translation of the guest's access.
    pub const fn final_access(self) -> bool {
        self.0 & (1 << 32) != 0
    }
    /// The fault came while the guest's own page tables were walked.
    pub const fn table_walk(self) -> bool {
        self.0 & (1 << 33) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_of_one_byte_to_port_80_reads_back() {
        let info = IoInfo(0x80_0010);
        assert_eq!((info.port(), info.size(), info.input()), (0x80, 1, false));
    }
}
