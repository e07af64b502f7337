//! HOUSEKEEPING: the control console and the life of partitions, as decisions.
//!
//! Theory of operation. Core 0 runs no guest. It reads the first UART and asks
//! `console` where each byte goes: to the control shell or to the attached
//! guest. `keys`, `line_editor` and `history` make lines of the shell's bytes,
//! `command` says what a line asks for, `restart` what becomes of a partition
//! then, and `report` and `epitaph_text` write the answer in words.
//!
//! Nothing here touches a device: bytes, times and facts come in, text and
//! actions go out. Text goes to a terminal, so lines end in CR LF.
//! Also called: dom0, service core, control domain, monitor.

pub mod partition_id;
pub mod quantity;

pub mod keys;

pub mod history;
pub mod line_editor;

pub mod spelling;

pub mod command_table;

pub mod command;

pub mod exit_name;

pub mod epitaph_text;

pub mod life;

pub mod restart;

pub mod console;

pub mod table;

pub mod report;
