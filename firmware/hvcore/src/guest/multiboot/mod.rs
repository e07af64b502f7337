//! Multiboot (version 1) images: small kernels, test programs, other systems.
//!
//! [`header`] finds the twelve bytes that say how an image wants to be loaded,
//! [`elf32`] reads its program headers if the image is an ELF file without
//! addresses of its own, [`image`] gives both one shape (pieces to copy and an
//! entry), [`layout`] decides where modules go, and [`mod@load`] writes everything
//! with the information structure.
//!
//! ```text
//!  0x9000 information, map, module list, strings      0xE0000 ACPI
//!  segments where the image says         modules, page-aligned, behind the last one
//! ```
//!
//! Reference: the Multiboot Specification 0.6.96.
//! Also called: GRUB legacy protocol, mbi, kvm-unit-tests.

pub mod elf32;
pub mod header;
pub mod image;
pub mod layout;
pub mod load;

pub use image::{Image, ImageFault};
pub use layout::{Layout, LayoutFault, Module, plan};
pub use load::{LoadFault, load};
