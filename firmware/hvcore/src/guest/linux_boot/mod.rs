//! Linux bzImages by the 64-bit boot protocol.
//!
//! Three steps, each a value: [`header::Header::parse`] reads and checks the
//! image, [`layout::plan`] decides where kernel, initrd and tables go, and
//! [`load::load`] writes them and gives the first vCPU's registers. The kernel
//! is decompressed by its own code; we copy the protected-mode part as it is.
//!
//! ```text
//!  0x6000 GDT   0x7000 boot_params   0x9000 page tables   0x20000 command line
//!  0xE0000 ACPI      pref_address.. kernel + init_size         initrd at the top
//! ```
//!
//! Reference: the kernel's documentation, `arch/x86/boot.rst`.
//! Also called: direct kernel boot, zero page, setup header.

pub mod header;
pub mod layout;
pub mod load;

pub use header::{Header, HeaderFault};
pub use layout::{BootFault, Layout, plan};
pub use load::{Files, load};
