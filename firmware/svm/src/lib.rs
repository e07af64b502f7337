//! WORDS AMD DEFINES: structures and numbers of SVM, as data.
//!
//! Kind of crate: words. Uses nothing of ours. "24593" is AMD's Architecture
//! Programmer's Manual, volume 2 (System Programming), revision 3.42; layouts
//! are from its appendix B, exit codes from appendix C.
#![no_std]
#![forbid(unsafe_code)]

pub mod apic;
pub mod cpuid;
pub mod exit_code;
pub mod exit_info;
pub mod msr;
pub mod npt;
pub mod vmcb;
