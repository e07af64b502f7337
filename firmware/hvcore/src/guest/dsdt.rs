//! The DSDT's AML: soft-off and the serial port.
//!
//! The bytes of this source, checked with `iasl` (how: end of this file):
//!
//! ```text
//! Name (_S5, Package () { 5, 0, 0, 0 })
//! Device (\_SB.COM1)
//! {
//!     Name (_HID, EisaId ("PNP0501"))
//!     Name (_UID, 1)
//!     Name (_CRS, ResourceTemplate ()
//!     {
//!         IO (Decode16, 0x3F8, 0x3F8, 1, 8)
//!         IRQ (Edge, ActiveHigh, Exclusive) { 4 }
//!     })
//! }
//! ```
//!
//! Without `_S5` a kernel says that it cannot switch off and halts; without
//! COM1 it has no serial terminal after its early log. Written by hand, because
//! an AML compiler is a tool a firmware build should not need.
//! Also called: ACPI namespace, AML.

use crate::policy::port_io::{SLEEP_TYPE_OFF, UART};

const UART_LOW: u8 = UART.to_le_bytes()[0];
const UART_HIGH: u8 = UART.to_le_bytes()[1];

/// GSI of the serial port; edge, active high.
pub const UART_GSI: u8 = 4;

/// The AML behind the table's header.
#[rustfmt::skip]
pub const AML: [u8; 64] = [
    // Name (_S5_, Package, length 7, 4 elements: 5, 0, 0, 0)
    0x08, b'_', b'S', b'5', b'_', 0x12, 0x07, 0x04, 0x0A, SLEEP_TYPE_OFF, 0x00, 0x00, 0x00,
    // Device, length 49, path of two names: _SB_.COM1
    0x5B, 0x82, 0x31, 0x2E, b'_', b'S', b'B', b'_', b'C', b'O', b'M', b'1',
    // Name (_HID, DWord: PNP0501 as compressed EISA id)
    0x08, b'_', b'H', b'I', b'D', 0x0C, 0x41, 0xD0, 0x05, 0x01,
    // Name (_UID, One)
    0x08, b'_', b'U', b'I', b'D', 0x01,
    // Name (_CRS, Buffer, length 17, of 14 bytes)
    0x08, b'_', b'C', b'R', b'S', 0x11, 0x11, 0x0A, 0x0E,
    // IO, 16-bit decode, minimum, maximum, alignment, length
    0x47, 0x01, UART_LOW, UART_HIGH, UART_LOW, UART_HIGH, 0x01, 0x08,
    // IRQ with flags: mask of lines, edge and active high and exclusive
    0x23, 1 << UART_GSI, 0x00, 0x01,
    // End tag; a checksum of 0 is taken as correct
    0x79, 0x00,
];

// To check: let a test of `acpi_tables` write the DSDT to a file, then
// `iasl -d dsdt.aml` must give the source above without a complaint, and
// `iasl` on that source the same bytes behind the header.
