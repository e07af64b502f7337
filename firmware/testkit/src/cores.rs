//! Host cores that only write down who was interrupted.
//!
//! Also called: fake IPI, kick recorder.

use std::sync::Mutex;

use hvcore::ids::CpuId;
use hvcore::vcpu::post::Cores;

/// Records every interrupt sent to a core.
#[derive(Default)]
pub struct KickLog {
    kicked: Mutex<Vec<CpuId>>,
    attention: Mutex<u32>,
}

impl KickLog {
    /// Nobody was kicked yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Cores interrupted since this was last asked, in order.
    pub fn take(&self) -> Vec<CpuId> {
        std::mem::take(&mut self.kicked.lock().unwrap())
    }

    /// How often the housekeeping core was asked to look.
    pub fn attention_count(&self) -> u32 {
        *self.attention.lock().unwrap()
    }
}

impl Cores for KickLog {
    fn interrupt(&self, core: CpuId) {
        self.kicked.lock().unwrap().push(core);
    }

    fn attention(&self) {
        *self.attention.lock().unwrap() += 1;
    }
}
