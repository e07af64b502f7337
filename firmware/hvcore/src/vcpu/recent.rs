//! The last exits of a vCPU, for its epitaph.

/// One exit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RecentExit {
    /// Exit code.
    pub code: u64,
    /// Guest RIP.
    pub rip: u64,
    /// Guest TSC.
    pub tsc: u64,
}

/// How many are kept.
pub const KEPT: usize = abi::epitaph::EXITS;

/// A ring of the last [`KEPT`] exits, owner only.
#[derive(Clone, Debug)]
pub struct Recent {
    ring: [RecentExit; KEPT],
    next: usize,
}

impl Recent {
    /// Nothing yet.
    pub const fn new() -> Self {
        Self {
            ring: [RecentExit {
                code: 0,
                rip: 0,
                tsc: 0,
            }; KEPT],
            next: 0,
        }
    }

    /// Notes an exit.
    #[inline(always)]
    pub fn note(&mut self, exit: RecentExit) {
        if let Some(slot) = self.ring.get_mut(self.next % KEPT) {
            *slot = exit;
        }
        self.next = self.next.wrapping_add(1);
    }

    /// Oldest first.
    pub fn iter(&self) -> impl Iterator<Item = RecentExit> + '_ {
        let count = self.next.min(KEPT);
        (self.next - count..self.next).filter_map(|i| self.ring.get(i % KEPT).copied())
    }
}

impl Default for Recent {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_exits_are_forgotten_first() {
        let mut recent = Recent::new();
        for rip in 0..20 {
            recent.note(RecentExit {
                rip,
                ..RecentExit::default()
            });
        }
        let rips: Vec<u64> = recent.iter().map(|e| e.rip).collect();
        assert_eq!(rips, (4..20).collect::<Vec<_>>());
    }
}
