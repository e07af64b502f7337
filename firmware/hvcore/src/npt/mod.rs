//! Nested page tables: which host frame stands behind a guest-physical address.
//!
//! A partition's RAM is mapped once, when it is created, with the largest pages
//! that alignment allows; table pages are never freed while the partition exists,
//! so no walker can meet a freed table (the invariant of R001-09).

pub mod map;
pub mod table;
