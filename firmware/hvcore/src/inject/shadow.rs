//! An interrupt shadow that VMRUN forgot (erratum `SHADOW_IGNORED`).
//!
//! An entry with the shadow set delivers nothing; but when it ends before the first
//! instruction, for a physical interrupt that was pending, the exit shows no shadow
//! although the instruction behind STI has not run. RIP tells: where it has not
//! moved the shadow holds on. Not for ever, because an instruction may jump to
//! itself.
//! 24593 section 15.21.5.

/// Entries at one place before the instruction is taken to be a loop. On a busy
/// host the recheck timer can beat the guest to its first instruction many times;
/// 64 of its periods are 3 ms.
const MOST: u8 = 64;

/// What the owner remembers of the last entry in a shadow.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Shadow {
    /// RIP of that entry.
    at: u64,
    /// Entries there, in a row; 0 when the last entry was not in a shadow.
    entries: u8,
}

impl Shadow {
    /// An entry is about to happen at `rip`.
    #[inline]
    pub fn entering(&mut self, shadow: bool, rip: u64) {
        if shadow {
            self.entries = if self.at == rip {
                self.entries.saturating_add(1)
            } else {
                1
            };
            self.at = rip;
        } else {
            self.entries = 0;
        }
    }

    /// After an exit at `rip`: the shadow of the entry still holds.
    #[inline]
    pub fn holds(&self, rip: u64) -> bool {
        self.entries != 0 && self.entries < MOST && self.at == rip
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R004-06.
    #[test]
    fn the_shadow_holds_until_rip_has_moved() {
        let mut shadow = Shadow::default();
        assert!(!shadow.holds(0));
        shadow.entering(true, 0x1000);
        assert!(shadow.holds(0x1000) && !shadow.holds(0x1001));
        shadow.entering(false, 0x1000);
        assert!(!shadow.holds(0x1000));
    }

    #[test]
    fn an_instruction_that_jumps_to_itself_leaves_the_shadow() {
        let mut shadow = Shadow::default();
        let entries = (0..100).take_while(|_| {
            shadow.entering(true, 0x1000);
            shadow.holds(0x1000)
        });
        assert_eq!(entries.count(), usize::from(MOST) - 1);
        shadow.entering(true, 0x2000);
        assert!(shadow.holds(0x2000), "another place begins anew");
    }
}
