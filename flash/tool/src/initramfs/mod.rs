//! The initramfs of the demo's and the tests' Linux guests.
//!
//! Theory of operation: [`newc`] writes cpio archives; [`shell`] fills one with
//! busybox-static and the `/init` of `guests/linux`. Made here rather than by Debian's
//! initramfs-tools, because it needs no root, no kernel modules and 20 ms.

pub mod newc;
pub mod shell;
