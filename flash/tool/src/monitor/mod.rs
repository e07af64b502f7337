//! Watching a machine: its serial bytes as lines of text and decoded log frames.
//!
//! Theory of operation: [`source`] yields raw bytes of a port, socket or file; [`stream`]
//! takes them apart into text lines per partition, defmt frames and control frames;
//! [`image`] turns a frame into words with the ELF it was built from, and refuses to when
//! the build ids differ; [`report`] prints it all, for people or as JSON.
//! Also called: log viewer, console decoder, demultiplexer.

pub mod image;
pub mod report;
pub mod source;
pub mod stream;
