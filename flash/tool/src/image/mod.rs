//! Guest images: what a plan may name, where they come from, what they are.
//!
//! Theory of operation: a plan names an image by [`source`]; [`store`] finds or
//! makes the file; [`bzimage`] and [`multiboot`] read just enough of its header to
//! refuse the wrong kind before it reaches a board.

pub mod bzimage;
pub mod multiboot;
pub mod source;
pub mod store;
