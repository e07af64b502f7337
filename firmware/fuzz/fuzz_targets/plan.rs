//! Fuzz target: compiled partition plan.
//!
//! A valid plan of two partitions is patched, then its checksum made to fit
//! unless the first byte says not to. Claims: an accepted plan has its checksum,
//! partitions with names and cores of their own, none on core 0, memory in
//! large pages, and texts that can be read.
#![no_main]

use abi::plan::{
    ATTACH_NONE, Header, MAGIC, Partition, PlanFault, VERSION, check, checksum, kind, text,
};
use fuzz::input::patch;
use libfuzzer_sys::fuzz_target;
use zerocopy::{FromZeros, IntoBytes};

fn partition(name: &[u8], cores: [u8; 2], kind: u8) -> Partition {
    let mut partition = Partition::new_zeroed();
    partition.name[..name.len()].copy_from_slice(name);
    partition.kind = kind;
    partition.vcpus = 2;
    partition.cores[..2].copy_from_slice(&cores);
    partition.memory = 64 << 20;
    partition.image[..6].copy_from_slice(b"kernel");
    partition
}

fn plan(patches: &[u8], mend: bool) -> Vec<u8> {
    let records = [
        partition(b"linux", [1, 2], kind::LINUX),
        partition(b"rt", [3, 4], kind::FLAT),
    ];
    let mut header = Header::new_zeroed();
    header.magic = MAGIC;
    header.version = VERSION;
    header.length = (size_of::<Header>() + size_of_val(&records)) as u32;
    header.partitions = 2;
    header.attach = ATTACH_NONE;
    let mut bytes = [header.as_bytes(), records.as_slice().as_bytes()].concat();
    patch(&mut bytes, patches);
    if mend {
        let sum = checksum(&bytes[size_of::<Header>()..]);
        bytes[16..20].copy_from_slice(&sum.to_le_bytes());
    }
    bytes
}

fuzz_target!(|input: &[u8]| {
    let Some((&control, patches)) = input.split_first() else {
        return;
    };
    let mend = control & 1 == 0;
    let bytes = plan(patches, mend);
    let plan = match check(&bytes) {
        Ok(plan) => plan,
        Err(fault) => {
            assert!(!format!("{fault}").is_empty());
            // The count may have shrunk, and then less is summed.
            let all = bytes[20] == 2;
            assert!(!(mend && all && fault == PlanFault::Checksum));
            return;
        }
    };
    let (mut names, mut cores) = (Vec::new(), Vec::new());
    for (_, partition) in plan.partitions() {
        assert!(partition.memory > 0 && partition.memory % (2 << 20) == 0);
        assert_eq!(partition.used_cores().len(), partition.vcpus as usize);
        let name = text(&partition.name).expect("a name").to_string();
        assert!(!name.is_empty() && text(&partition.cmdline).is_some());
        assert!(partition.files().all(|(_, file)| !file.is_empty()));
        names.push(name);
        cores.extend_from_slice(partition.used_cores());
    }
    assert_eq!(names.len(), plan.len());
    let total = (names.len(), cores.len());
    names.sort_unstable();
    names.dedup();
    cores.sort_unstable();
    cores.dedup();
    assert_eq!((names.len(), cores.len()), total);
    assert!(!cores.contains(&0));
    assert!(
        plan.attached()
            .is_none_or(|index| plan.partition(index.into()).is_some())
    );
});
