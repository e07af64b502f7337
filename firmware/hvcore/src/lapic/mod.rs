//! Local APIC of a guest vCPU in software, on a page that AVIC can take over.
//!
//! # Theory of operation
//!
//! All state a guest can read lies in one [`page::RegisterPage`], laid out as
//! AVIC's backing page, so that turning AVIC on or off moves no data. What the
//! page cannot hold (when the timer fires, what is counted) is [`timer::Timer`],
//! which only the owning vCPU touches.
//!
//! An interrupt goes through four hands:
//!
//! 1. A *sender* finds targets: [`icr::resolve`] for an IPI, [`icr::route`] for
//!    a message of the IOAPIC. Both give a bit set of vCPUs and what to do there.
//! 2. For a vector, the sender calls [`arrival::arrive`] on each target's page:
//!    an atomic OR into TMR, then into IRR. Any core may, at any time. The full
//!    fence of pair P2 and the kick come after it and belong to `kick`.
//! 3. The *owner* asks [`priority::deliverable`] before each entry. Nothing is
//!    moved by asking: a vector offered to the CPU stays in IRR.
//! 4. Once the CPU has taken the vector, [`page::RegisterPage::accept`] moves it
//!    from IRR to ISR. The guest's EOI ([`registers::write`]) clears ISR.
//!
//! So there is no un-accept, nothing cached that a remote post could make stale,
//! and no moment at which a vector is in neither bank.
//!
//! Register accesses are two functions, [`registers::read`] and
//! [`registers::write`]; the latter returns what its caller has to do. With AVIC
//! on, a trapped write is handed to the same `write` with the value read back
//! from the page, hence `write` never relies on the old content of the word.
//! [`acceleration`] tells which exits those are.
//!
//! Manual: 24593 chapter 16 (APIC), section 15.29 (AVIC).
//! Also called: vLAPIC, virtual interrupt controller.

pub mod acceleration;
pub mod arrival;
pub mod base;
pub mod bus_clock;
pub mod destination;
pub mod error;
pub mod icr;
pub mod page;
pub mod priority;
pub mod registers;
pub mod timer;
