//! Every static of the image, in one place.

use crate::capacity::PARTITIONS;
use crate::machine::{Machine, Partition};
use crate::terminal::Terminal;
use hvcore::vcpu::shared::PartitionShared;
use metal::lock::{BootOnce, DeviceLock};

/// What boot found and made; read-only from then on.
pub static MACHINE: BootOnce<Machine> = BootOnce::new();

/// Fixed part of each admitted partition, by plan order.
pub static PARTITION: [BootOnce<Partition>; PARTITIONS] = [const { BootOnce::new() }; PARTITIONS];

/// Shared parts of all partitions, by plan order.
pub static SHARED: [PartitionShared; PARTITIONS] = [const { PartitionShared::new() }; PARTITIONS];

/// The console line; core 0 holds it for ever.
pub static TERMINAL: DeviceLock<Terminal> = DeviceLock::new(Terminal::new());

/// Life of each partition, the words its cores and core 0 exchange.
pub static LIVES: [crate::machine::Life; PARTITIONS] =
    [const { crate::machine::Life::new() }; PARTITIONS];
