//! What a board would refuse in a payload, found before it is flashed.
//!
//! Theory of operation: cbfstool takes any ELF and coreboot has no second payload,
//! so a wrong link address is a dead board. [`elf_rules`] holds the ELF against what
//! coreboot really does with it, [`vector_use`] looks for instructions that would
//! destroy a guest's registers, [`sizes`] says what fills the image.

pub mod elf_rules;
pub mod sizes;
pub mod vector_use;
