//! Virtual interrupt control word of the VMCB (offset 060h).
//!
//! 24593 section 15.21 and table B-1.
//! Also called: V_IRQ, V_TPR, int_ctl.

/// V_TPR 7:0, V_IRQ 8, V_GIF 9, V_INTR_PRIO 19:16, V_IGN_TPR 20,
/// V_INTR_MASKING 24, V_GIF enable 25, AVIC enable 31, V_INTR_VECTOR 39:32.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct VirtualInterrupt(pub u64);

impl VirtualInterrupt {
    const V_IRQ: u64 = 1 << 8;
    const PRIORITY: u64 = 0xf << 16;
    const VECTOR: u64 = 0xff << 32;

    /// Nothing pending; guest IF and TPR do not hold physical interrupts.
    pub const MASKING: Self = Self(1 << 24);

    /// Same word, with the task priority class (CR8 as the guest sees it).
    #[must_use]
    pub const fn with_tpr(self, class: u8) -> Self {
        Self((self.0 & !0xff) | (class & 0xf) as u64)
    }

    /// Task priority class as the guest left it.
    pub const fn tpr(self) -> u8 {
        self.0 as u8 & 0xf
    }

    /// Same word, with a virtual interrupt pending.
    #[must_use]
    pub const fn with_irq(self, vector: u8, priority: u8) -> Self {
        let cleared = self.0 & !(Self::PRIORITY | Self::VECTOR);
        Self(cleared | Self::V_IRQ | ((priority as u64 & 0xf) << 16) | ((vector as u64) << 32))
    }

    /// Same word, with nothing pending.
    #[must_use]
    pub const fn without_irq(self) -> Self {
        Self(self.0 & !(Self::V_IRQ | Self::PRIORITY | Self::VECTOR))
    }

    /// A virtual interrupt is (still) pending.
    pub const fn irq(self) -> bool {
        self.0 & Self::V_IRQ != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pending_interrupt_replaces_the_former_one_and_keeps_the_task_priority() {
        let first = VirtualInterrupt::MASKING.with_tpr(2).with_irq(0x31, 3);
        let second = first.with_irq(0xef, 0xe);
        assert_eq!(
            second.0,
            (1 << 24) | 2 | (1 << 8) | (0xe << 16) | (0xef << 32)
        );
        assert_eq!(second.without_irq(), VirtualInterrupt::MASKING.with_tpr(2));
    }
}
