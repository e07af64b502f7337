//! TIDY: the house rules that a machine can check, each with what it must catch.
//!
//! Kind of crate: outside; it reads the files of the tree and nothing else.
//! `tests/house_rules.rs` applies every rule to the whole tree. A rule is a pure
//! function from text to findings, so beside each stand samples that violate it:
//! a rule that catches nothing is as useless as no rule.
//! Also called: lint, style check, xtask tidy.
#![forbid(unsafe_code)]

pub mod code;
pub mod tree;

pub mod crate_graph;
pub mod header;
pub mod leftovers;
pub mod links;
pub mod names;
pub mod pair_tags;
pub mod pure_share;
pub mod requirements;
pub mod size;
pub mod unsafe_places;
