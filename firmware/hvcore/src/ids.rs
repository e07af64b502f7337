//! Names of things: addresses, CPUs, vCPUs, vectors.
//!
//! Each is a newtype, so that a guest address cannot be used where a host
//! address is meant, nor a vCPU number where an APIC id is.

/// Guest-physical address: an allegation of the guest until `port::GuestMemory`
/// has accepted it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct Gpa(pub u64);

/// Guest-virtual (linear) address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct Gva(pub u64);

/// Host-physical address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct Hpa(pub u64);

/// Host core by its place in the MADT, from 0. Core 0 is the boot CPU and does
/// the housekeeping.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct CpuId(pub u8);

/// vCPU of one partition, dense from 0. It is also the guest's APIC id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct VcpuId(pub u8);

/// Physical APIC id of a host core.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct ApicId(pub u32);

/// Interrupt or exception vector, 0 to 255.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct Vector(pub u8);

/// Time-stamp counter value as the guest sees it (host value plus offset).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct Tsc(pub u64);
