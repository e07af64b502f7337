//! Which event the guest takes at its next entry, and what came back unfinished.
//!
//! Three sources: an event whose delivery an exit interrupted (`reinject`), an
//! exception that emulation raised (`exception`), and NMI or interrupt when the
//! guest can take them (`nmi`, `interrupt`). Exceptions and NMIs go in through
//! EVENTINJ; external interrupts only ever through V_IRQ, so that the CPU itself
//! waits for IF, the shadow and the task priority. 24593 sections 8.5 (priority),
//! 15.20 (EVENTINJ), 15.21 (V_IRQ).
//! Also called: event injection, interrupt window.

pub mod eventinj_experiment;
pub mod exception;
pub mod interrupt;
pub mod nmi;
pub mod reinject;
pub mod shadow;
