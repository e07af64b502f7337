//! Errors say whose fault it is: the guest's (inject it), a dead guest's (stop
//! it), or ours (stop the board).
//!
//! Leaf enums stay in their modules; these three are what they become at the
//! edge of exit handling.

/// An exception to hand to the guest that caused it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GuestFault {
    /// #UD, vector 6.
    InvalidOpcode,
    /// #GP, vector 13, with its error code.
    GeneralProtection(u32),
    /// #PF, vector 14: linear address (goes to CR2) and error code.
    PageFault {
        /// Linear address that faulted.
        address: u64,
        /// Error code as the manual lays it out (24593 section 8.4.2).
        code: u32,
    },
}
