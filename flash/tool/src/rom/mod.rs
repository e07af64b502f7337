//! Flash images: what is in one, and putting our files into one.
//!
//! Theory of operation: reading is ours ([`fmap`], [`cbfs`], [`selfboot`]), small
//! and without unsafe, so that `inspect` needs no other program; writing goes through
//! [`cbfstool`], because coreboot's own tool knows what coreboot will accept.
//! [`pack`] puts payload, plan and images into a ROM; [`blank`] makes the ROM for
//! QEMU from our boot block; [`inspect`] shows any ROM.

pub mod blank;
pub mod cbfs;
pub mod cbfstool;
pub mod fmap;
pub mod inspect;
pub mod pack;
pub mod selfboot;
