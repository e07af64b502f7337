//! Whether one partition makes sense, beside those already admitted.
//!
//! Only what the plan itself can tell: whether the machine has the cores and
//! the flash has the files is asked by the payload and the host tool.

use super::{
    Field, MAX_CORES, MAX_PARTITIONS, MAX_VCPUS, Name, Partition, PartitionProblem, flags, kind,
    policy, text,
};

const LARGE_PAGE: u64 = 2 * 1024 * 1024;

/// Names and cores that admitted partitions hold.
#[derive(Clone, Copy)]
pub struct Claims {
    names: [Option<Name>; MAX_PARTITIONS],
    cores: [Option<Name>; MAX_CORES],
}

impl Claims {
    /// Nobody holds anything.
    pub const fn none() -> Self {
        Self {
            names: [None; MAX_PARTITIONS],
            cores: [None; MAX_CORES],
        }
    }

    /// Records what a partition holds from now on.
    pub fn admit(&mut self, partition: &Partition) {
        let name = Name(partition.name);
        if let Some(slot) = self.names.iter_mut().find(|slot| slot.is_none()) {
            *slot = Some(name);
        }
        for core in partition.used_cores() {
            if let Some(slot) = self.cores.get_mut(usize::from(*core)) {
                *slot = Some(name);
            }
        }
    }

    /// Checks every field of a partition; the first problem is given.
    pub fn check(&self, partition: &Partition) -> Result<(), PartitionProblem> {
        self.check_name(partition)?;
        check_kind(partition)?;
        self.check_cores(partition)?;
        check_memory(partition)?;
        check_texts(partition)
    }

    fn check_name(&self, partition: &Partition) -> Result<(), PartitionProblem> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        match padded(&partition.name) {
            Some("") => Err(PartitionProblem::NameEmpty),
            Some(name) if name.bytes().all(allowed) => {
                let taken = self.names.contains(&Some(Name(partition.name)));
                if taken {
                    Err(PartitionProblem::NameTaken)
                } else {
                    Ok(())
                }
            }
            _ => Err(PartitionProblem::NameCharacters),
        }
    }

    fn check_cores(&self, partition: &Partition) -> Result<(), PartitionProblem> {
        if partition.vcpus == 0 || partition.vcpus > MAX_VCPUS as u32 {
            return Err(PartitionProblem::VcpuCount(partition.vcpus));
        }
        let mut seen = [false; MAX_CORES];
        for core in partition.used_cores().iter().copied() {
            let place = usize::from(core);
            let (Some(seen), Some(holder)) = (seen.get_mut(place), self.cores.get(place)) else {
                return Err(PartitionProblem::CoreBeyondPlan(core));
            };
            match (core, *holder) {
                (0, _) => return Err(PartitionProblem::CoreZero),
                (_, Some(holder)) => return Err(PartitionProblem::CoreTaken(core, holder)),
                (_, None) if *seen => return Err(PartitionProblem::CoreTwice(core)),
                (_, None) => *seen = true,
            }
        }
        Ok(())
    }
}

impl Partition {
    /// Host cores of the vCPUs; empty when the vCPU count is out of range.
    pub fn used_cores(&self) -> &[u8] {
        self.cores.get(..self.vcpus as usize).unwrap_or(&[])
    }

    /// Every file the partition names, with the field that names it.
    pub fn files(&self) -> impl Iterator<Item = (Field, &str)> {
        let modules = self
            .modules
            .iter()
            .map(|module| (Field::Modules, &module.file));
        let single = [(Field::Image, &self.image), (Field::Initrd, &self.initrd)];
        let named = single.into_iter().chain(modules);
        named
            .filter_map(|(field, file)| Some((field, text(file)?)))
            .filter(|(_, file)| !file.is_empty())
    }
}

fn check_kind(partition: &Partition) -> Result<(), PartitionProblem> {
    if !matches!(partition.kind, kind::LINUX | kind::MULTIBOOT | kind::FLAT) {
        return Err(PartitionProblem::Kind(partition.kind));
    }
    let policies = [
        (Field::OnCrash, partition.on_crash),
        (Field::OnReboot, partition.on_reboot),
        (Field::OnPoweroff, partition.on_poweroff),
    ];
    for (field, value) in policies {
        if !matches!(value, policy::STOP | policy::RESTART) {
            return Err(PartitionProblem::Policy(field, value));
        }
    }
    if partition.flags & !flags::MANUAL_START != 0 {
        return Err(PartitionProblem::Flags(partition.flags));
    }
    Ok(())
}

fn check_memory(partition: &Partition) -> Result<(), PartitionProblem> {
    let memory = partition.memory;
    if memory == 0 || !memory.is_multiple_of(LARGE_PAGE) {
        return Err(PartitionProblem::MemorySize(memory));
    }
    if partition.kind != kind::FLAT {
        return Ok(());
    }
    let (load, entry) = (partition.load_address, partition.entry_address);
    if load >= memory {
        return Err(PartitionProblem::LoadOutside(load));
    }
    if !(load..memory).contains(&entry) {
        return Err(PartitionProblem::EntryOutside(entry));
    }
    Ok(())
}

fn check_texts(partition: &Partition) -> Result<(), PartitionProblem> {
    let words = |field, bytes| padded(bytes).ok_or(PartitionProblem::NotText(field));
    if words(Field::Image, &partition.image)?.is_empty() {
        return Err(PartitionProblem::ImageMissing);
    }
    let initrd = words(Field::Initrd, &partition.initrd)?;
    if !initrd.is_empty() && partition.kind != kind::LINUX {
        return Err(PartitionProblem::NotForKind(Field::Initrd));
    }
    let mut ended = false;
    for module in &partition.modules {
        let file = words(Field::Modules, &module.file)?;
        words(Field::Modules, &module.cmdline)?;
        if !file.is_empty() && partition.kind != kind::MULTIBOOT {
            return Err(PartitionProblem::NotForKind(Field::Modules));
        }
        if !file.is_empty() && ended {
            return Err(PartitionProblem::ModuleGap);
        }
        ended |= file.is_empty();
    }
    words(Field::Cmdline, &partition.cmdline).map(|_| ())
}

/// The text of a field that has nothing but zero bytes behind its end.
fn padded(field: &[u8]) -> Option<&str> {
    let found = text(field)?;
    let padding = field.get(found.len()..)?;
    padding.iter().all(|b| *b == 0).then_some(found)
}
