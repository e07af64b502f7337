//! A partition plan: from TOML with mistakes to the bytes in CBFS and back.
//!
//! Theory of operation: [`reader`] walks the spanned TOML tree into a [`draft`]
//! and collects a [`diagnostic`] for everything it cannot take; [`check`] and
//! [`check_cores`] hold the draft against the board, [`check_images`] against the image files;
//! both go on after a mistake, so one run shows all. [`render`] prints them,
//! [`suggest`] says what to write.
//! Only a draft without diagnostics is handed to [`compile`], which makes the
//! layout of `abi::plan`. [`decode`] reads that layout back for `inspect`.
//! Also called: configuration checker, cell config, partition table.

pub mod check;
pub mod check_cores;
pub mod check_images;
pub mod compile;
pub mod decode;
pub mod diagnostic;
pub mod draft;
pub mod load;
pub mod reader;
pub mod render;
pub mod suggest;
