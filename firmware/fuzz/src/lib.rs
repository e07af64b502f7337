//! DEV ONLY: what several fuzz targets share.

pub mod input;
pub mod memory_map;
