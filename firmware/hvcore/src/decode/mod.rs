//! Guest code as data: fetch it, decode it, act for it.
//!
//! A processor without NRIP save does not say how long the intercepted
//! instruction was, and one without decode assists does not hand over its
//! bytes; even with them the byte buffer may be empty (erratum 1096). So every
//! exit that skips an instruction, and every device access that ends as a
//! nested page fault, starts here:
//!
//! ```text
//! CS:RIP --mode--> code size
//!        --walk--> guest-physical address     (guest's own page tables)
//!        --fetch-> up to 15 bytes             (second page only if needed)
//!        --instruction-> length and kind
//!        --emulate-----> bus access wanted, then new registers and flags
//! ```
//!
//! Nothing here touches a device or injects an exception: a walk that fails
//! says which #PF the guest would have seen, a decode that fails says why, and
//! emulation says which access it wants and is then told what was read.
//!
//! Only the forms that guests use on device pages, and the instructions that
//! SVM can intercept, are decoded. Existing decoders were tried and left out:
//! `iced-x86` needs a heap, `yaxpeax-x86` costs 150 KiB of flash. Both serve as
//! oracles in `tests/decode_oracle.rs`.
//!
//! Manual: 24593 chapters 5 (page translation), 15.7 to 15.9 (intercepts);
//! 24594 chapter 1 (instruction encoding).

pub mod mode;
pub mod regs;

pub mod paging;
pub mod walk;
mod walk_legacy;

pub mod bytes;
pub mod modrm;
mod opcode_map;
pub mod operand;
mod prefix;

pub mod intercepted;
pub mod memory_form;
mod memory_opcodes;

pub mod instruction;
mod plain;

pub mod fetch;

mod arithmetic;
pub mod emulate;
