//! What probes share: claims, and the verdict line that ends every log.
//!
//! A probe states claims. Each prints one line, `ok` or `FAIL`, and the last line is the verdict, which
//! only a probe without a failed claim may give as `PROBE NAME ok`. The expected log beside a probe
//! (`NAME.out`) lists these lines; its wildcards are defined in `guests/README.md`.
#![no_std]
#![cfg(target_os = "none")]

pub mod claim;
pub mod scratch_code;
pub mod user_mode;
