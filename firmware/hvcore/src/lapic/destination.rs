//! Destinations: which vCPUs an interrupt message names.
//!
//! Owns the matching of physical ids and logical masks against the ID, LDR and
//! DFR that each vCPU has in its page at this moment. A vCPU that does not exist
//! or does not match hides none of the others (H-39).
//! Manual: 24593 section 16.6.1.
//! Also called: flat model, cluster model, broadcast.

use svm::apic::Register;

use super::page::RegisterPage;
use crate::ids::VcpuId;

/// vCPUs that a set can hold: one bit of a word each.
pub const MAX_TARGETS: u8 = 32;

/// A set of vCPUs of one partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Targets(pub u32);

impl Targets {
    /// Nobody.
    pub const NONE: Self = Self(0);

    /// One vCPU; nobody if its number is out of range.
    #[must_use]
    pub const fn one(vcpu: VcpuId) -> Self {
        if vcpu.0 < MAX_TARGETS {
            Self(1 << vcpu.0)
        } else {
            Self::NONE
        }
    }

    /// The first `count` vCPUs.
    #[must_use]
    pub const fn first(count: u8) -> Self {
        if count >= MAX_TARGETS {
            Self(u32::MAX)
        } else {
            Self((1 << count) - 1)
        }
    }

    /// True when the vCPU is in the set.
    #[must_use]
    pub const fn contains(self, vcpu: VcpuId) -> bool {
        self.0 & Self::one(vcpu).0 != 0
    }

    /// This set without the members of another.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// True when nobody is in the set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl IntoIterator for Targets {
    type Item = VcpuId;
    type IntoIter = Members;

    fn into_iter(self) -> Members {
        Members(self.0)
    }
}

/// Members of a set, lowest number first.
#[derive(Clone, Debug)]
pub struct Members(u32);

impl Iterator for Members {
    type Item = VcpuId;

    fn next(&mut self) -> Option<VcpuId> {
        if self.0 == 0 {
            return None;
        }
        let lowest = self.0.trailing_zeros() as u8;
        self.0 &= self.0 - 1;
        Some(VcpuId(lowest))
    }
}

/// Destination field of a message. 0xFF is everyone in both modes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Destination {
    /// An APIC id.
    Physical(u8),
    /// A mask to hold against LDR, in the model that DFR chooses.
    Logical(u8),
}

impl Destination {
    /// The same id in both modes: broadcast.
    const EVERYONE: u8 = 0xFF;

    /// From a destination field and its mode bit.
    #[must_use]
    pub const fn new(field: u8, logical: bool) -> Self {
        if logical {
            Self::Logical(field)
        } else {
            Self::Physical(field)
        }
    }

    /// The vCPUs among the first `count` that answer. `page_of` gives the page
    /// of an existing vCPU, `None` for a hole.
    pub fn find<'p>(
        self,
        page_of: impl Fn(VcpuId) -> Option<&'p RegisterPage>,
        count: u8,
    ) -> Targets {
        match self {
            Self::Physical(Self::EVERYONE) | Self::Logical(Self::EVERYONE) => {
                select(page_of, count, |_| true)
            }
            Self::Physical(id) => select(page_of, count, |page| page.apic_id() == id),
            Self::Logical(mask) => select(page_of, count, |page| logical_match(page, mask)),
        }
    }
}

/// All vCPUs with a page that satisfies `wanted`.
pub(super) fn select<'p>(
    page_of: impl Fn(VcpuId) -> Option<&'p RegisterPage>,
    count: u8,
    wanted: impl Fn(&RegisterPage) -> bool,
) -> Targets {
    let mut found = 0;
    for number in 0..count.min(MAX_TARGETS) {
        if page_of(VcpuId(number)).is_some_and(&wanted) {
            found |= 1 << number;
        }
    }
    Targets(found)
}

fn logical_match(page: &RegisterPage, mask: u8) -> bool {
    let own = (page.load(Register::LDR) >> 24) as u8;
    match page.load(Register::DFR) >> 28 {
        0xF => own & mask != 0,
        // Cluster number in the high half, one bit per member in the low one.
        0x0 => own >> 4 == mask >> 4 && own & mask & 0x0F != 0,
        _ => false,
    }
}
