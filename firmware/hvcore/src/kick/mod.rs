//! Kicks: how one core makes another core's vCPU take notice.
//!
//! Theory of operation. A vCPU never leaves its core, so there is no core to
//! look up and none to be wrong about. What remains is this: a core changes
//! something that a vCPU must honour, and the vCPU may be about to enter the
//! guest, in the guest, or asleep. Three words of the vCPU settle it:
//!
//! ```text
//!   requests   what is wanted        everybody sets, the owner clears
//!   mode       where the vCPU is     the owner moves it; others only
//!              (with the epoch)      IN_GUEST -> EXITING
//!   blocked    may it be asleep?     the owner sets; owner or waker clears
//!
//!             enter (checked)           kick wins           leave
//!   OUTSIDE ------------------> IN_GUEST ------> EXITING ---------> OUTSIDE
//!      ^                            |   epoch + 1                  epoch + 1
//!      +----------------------------+
//! ```
//!
//! Both sides write their own word, fence, and read the other's word. So at
//! least one of them sees the other: the owner turns back before entry, or the
//! kicker sees IN_GUEST and interrupts. Losing a *kick* is therefore harmless
//! when its request is seen anyway; losing a *request* never is. A kick carries
//! no meaning of its own, and a spurious one changes nothing.
//!
//! OUTSIDE is the only mode that promises something: the vCPU runs our code and
//! will look at its requests before it enters. IN_GUEST means "somewhere in the
//! inner loop", not "executing guest code".
//!
//! A plain kick promises a future exit. Whoever needs the exit to *have
//! happened* uses [`wait`], and only that yields a [`Quiesced`].
//!
//! What the touch crate owes (KICK-01): interrupts are held (GIF clear) from
//! before [`Owner::enter`] until VMRUN, and VMRUN opens them for the guest, so a
//! kick IPI that was sent because IN_GUEST was seen is still pending at VMRUN
//! and ends it at once. GIF is set only after [`InGuest::leave`]. To sleep,
//! interrupts are off from before [`Owner::begin_block`] to `sti; hlt`, so a
//! wake IPI sent after the last check is pending when the core halts.
//!
//! Not in this release: a fourth mode for lock-free walkers of nested page
//! tables. Table pages are never freed while their VM runs, so nobody has to
//! wait for a reader (design record 0011).
//!
//! The fence pairs and their models are listed in this crate's README.
//! Also called: vCPU requests, `kvm_vcpu_kick`, exit IPI, doorbell.

pub mod mode;
pub mod request;
pub mod wait;
pub mod wake;
pub mod words;

pub use mode::{InGuest, Mode, Owner, Pending};
pub use request::Requests;
pub use wait::{Initiator, Quiesce, Quiesced};
pub use wake::{Blocking, Kick};
pub use words::VcpuWords;
