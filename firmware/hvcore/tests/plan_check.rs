//! The compiled plan: what the file check, the partition check and the
//! admission to a machine refuse, and with which words.

use abi::plan::{
    self, ATTACH_NONE, Field, Header, MAGIC, Partition, PartitionProblem, Plan, PlanFault, VERSION,
    check, kind,
};
use hvcore::handoff::memory::UsableRam;
use hvcore::handoff::memory_map::{MemoryKind, MemoryMap};
use hvcore::handoff::plan::{Machine, Reason, admit};
use proptest::prelude::*;
use zerocopy::{FromZeros, IntoBytes};

const MIB: u64 = 1 << 20;

fn put(field: &mut [u8], text: &str) {
    field.fill(0);
    field[..text.len()].copy_from_slice(text.as_bytes());
}

fn partition(name: &str, cores: &[u8]) -> Partition {
    let mut partition = Partition::new_zeroed();
    put(&mut partition.name, name);
    partition.kind = kind::LINUX;
    partition.vcpus = cores.len() as u32;
    partition.cores[..cores.len()].copy_from_slice(cores);
    partition.memory = 64 * MIB;
    put(&mut partition.image, "vmlinuz");
    put(&mut partition.initrd, "initrd");
    put(&mut partition.cmdline, "console=ttyS0");
    partition
}

fn file(partitions: &[Partition]) -> Vec<u8> {
    let records: Vec<u8> = partitions
        .iter()
        .flat_map(|p| p.as_bytes().to_vec())
        .collect();
    let mut header = Header::new_zeroed();
    header.magic = MAGIC;
    header.version = VERSION;
    header.length = (64 + records.len()) as u32;
    header.crc = plan::checksum(&records);
    header.partitions = partitions.len() as u32;
    header.attach = ATTACH_NONE;
    put(&mut header.board, "qemu-q35");
    [header.as_bytes().to_vec(), records].concat()
}

fn problem(change: impl FnOnce(&mut Partition)) -> Option<PartitionProblem> {
    let mut changed = partition("linux", &[1, 2]);
    change(&mut changed);
    match check(&file(&[changed])).err()? {
        PlanFault::Partition(fault) => Some(fault.problem),
        _ => None,
    }
}

#[test]
fn a_sound_plan_is_read_back_unchanged() {
    let bytes = file(&[partition("linux", &[1, 2]), partition("rt", &[3])]);
    let plan = check(&bytes).ok().unwrap();
    assert_eq!(
        (plan.len(), plan.board(), plan.attached()),
        (2, "qemu-q35", None)
    );
    assert_eq!(
        plan.partition(1).unwrap().as_bytes(),
        partition("rt", &[3]).as_bytes()
    );
    // Flash gives no alignment: one byte off must read the same.
    let shifted = [vec![0], bytes].concat();
    assert_eq!(check(&shifted[1..]).ok().unwrap().len(), 2);
    assert!(check(&file(&[])).is_ok());
}

#[test]
fn each_fault_of_the_file_has_its_own_answer() {
    let sound = file(&[partition("linux", &[1])]);
    let with = |at: usize, value: u8| {
        let mut bytes = sound.clone();
        bytes[at] = value;
        check(&bytes).err()
    };
    assert_eq!(check(&sound[..63]).err(), Some(PlanFault::Short));
    assert_eq!(with(0, b'X'), Some(PlanFault::Magic));
    assert_eq!(with(8, 9), Some(PlanFault::Version(9)));
    assert_eq!(with(12, 1), Some(PlanFault::Length));
    assert_eq!(
        check(&sound[..sound.len() - 1]).err(),
        Some(PlanFault::Length)
    );
    assert_eq!(with(20, 200), Some(PlanFault::PartitionCount(200)));
    assert_eq!(with(100, 0x55), Some(PlanFault::Checksum));
    assert_eq!(with(32, 0xff), Some(PlanFault::Board));
    let mut attached = sound.clone();
    attached[24..28].copy_from_slice(&1u32.to_le_bytes());
    assert_eq!(check(&attached).err(), Some(PlanFault::Attach(1)));
    attached[24..28].copy_from_slice(&0u32.to_le_bytes());
    assert_eq!(check(&attached).ok().unwrap().attached(), Some(0));
}

#[test]
fn a_plan_for_an_experiment_says_which_work_arounds_to_leave_out() {
    let mut bytes = file(&[partition("linux", &[1])]);
    assert_eq!(check(&bytes).ok().unwrap().errata_off(), 0);
    bytes[28..32].copy_from_slice(&0x22u32.to_le_bytes());
    assert_eq!(check(&bytes).ok().unwrap().errata_off(), 0x22);
}

#[test]
fn each_field_of_a_partition_is_checked() {
    use PartitionProblem as P;
    assert_eq!(problem(|_| ()), None);
    assert_eq!(problem(|p| put(&mut p.name, "")), Some(P::NameEmpty));
    assert_eq!(
        problem(|p| put(&mut p.name, "a b")),
        Some(P::NameCharacters)
    );
    assert_eq!(problem(|p| p.name[15] = b'x'), Some(P::NameCharacters));
    assert_eq!(problem(|p| p.name[0] = 0xff), Some(P::NameCharacters));
    assert_eq!(problem(|p| p.kind = 4), Some(P::Kind(4)));
    assert_eq!(
        problem(|p| p.on_reboot = 2),
        Some(P::Policy(Field::OnReboot, 2))
    );
    assert_eq!(problem(|p| p.flags = 3), Some(P::Flags(3)));
    assert_eq!(problem(|p| p.vcpus = 0), Some(P::VcpuCount(0)));
    assert_eq!(problem(|p| p.vcpus = 9), Some(P::VcpuCount(9)));
    assert_eq!(problem(|p| p.cores[1] = 0), Some(P::CoreZero));
    assert_eq!(problem(|p| p.cores[1] = 16), Some(P::CoreBeyondPlan(16)));
    assert_eq!(problem(|p| p.cores[1] = 1), Some(P::CoreTwice(1)));
    assert_eq!(problem(|p| p.memory = 0), Some(P::MemorySize(0)));
    assert_eq!(
        problem(|p| p.memory = 3 * MIB),
        Some(P::MemorySize(3 * MIB))
    );
    assert_eq!(problem(|p| put(&mut p.image, "")), Some(P::ImageMissing));
    assert_eq!(
        problem(|p| p.cmdline[0] = 0xfe),
        Some(P::NotText(Field::Cmdline))
    );
    assert_eq!(
        problem(|p| p.cmdline[1000] = b'x'),
        Some(P::NotText(Field::Cmdline))
    );
    assert_eq!(
        problem(|p| put(&mut p.modules[0].file, "m")),
        Some(P::NotForKind(Field::Modules))
    );
    let multiboot = |p: &mut Partition| (p.kind, p.initrd) = (kind::MULTIBOOT, [0; 64]);
    assert_eq!(
        problem(|p| p.kind = kind::MULTIBOOT),
        Some(P::NotForKind(Field::Initrd))
    );
    let gap = |p: &mut Partition| {
        multiboot(p);
        put(&mut p.modules[1].file, "m");
    };
    assert_eq!(problem(gap), Some(P::ModuleGap));
}

#[test]
fn a_flat_image_must_lie_and_start_inside_its_memory() {
    let flat = |load: u64, entry: u64| {
        problem(|p| {
            (p.kind, p.initrd) = (kind::FLAT, [0; 64]);
            (p.load_address, p.entry_address) = (load, entry);
        })
    };
    assert_eq!(flat(MIB, MIB), None);
    assert_eq!(
        flat(64 * MIB, 64 * MIB),
        Some(PartitionProblem::LoadOutside(64 * MIB))
    );
    assert_eq!(
        flat(MIB, MIB - 1),
        Some(PartitionProblem::EntryOutside(MIB - 1))
    );
    assert_eq!(
        flat(MIB, u64::MAX),
        Some(PartitionProblem::EntryOutside(u64::MAX))
    );
}

#[test]
fn two_partitions_may_share_neither_name_nor_core() {
    let text = |second| {
        check(&file(&[partition("linux", &[1, 2]), second]))
            .err()
            .unwrap()
            .to_string()
    };
    assert_eq!(
        text(partition("linux", &[3])),
        "partition linux: name: another partition has the same name"
    );
    assert_eq!(
        text(partition("rt", &[2])),
        "partition rt: cores: core 2 already belongs to partition linux"
    );
}

fn ram(mib: u64) -> UsableRam {
    let mut map = MemoryMap::empty();
    map.push(0, mib * MIB, MemoryKind::RAM).unwrap();
    UsableRam::carve(&map.resolve(), &[])
}

#[test]
fn a_partition_that_does_not_fit_the_machine_is_refused_by_name_and_others_go_on() {
    let mut lost = partition("lost", &[2]);
    put(&mut lost.initrd, "nowhere.img");
    let mut big = partition("big", &[2]);
    big.memory = 1 << 40;
    let bytes = file(&[
        partition("far", &[7]),
        partition("zero", &[0]),
        lost,
        big,
        partition("good", &[2]),
        partition("late", &[2]),
    ]);
    let plan = Plan::read(&bytes).ok().unwrap();
    let has_file = |name: &str| name != "nowhere.img";
    let machine = Machine {
        cores: 4,
        has_file: &has_file,
    };
    let verdicts = admit(&plan, &machine, &mut ram(256));
    let lines: Vec<_> = verdicts
        .iter()
        .map(|v| v.map_or_else(|r| r.to_string(), |span| span.len.to_string()))
        .collect();
    assert_eq!(
        lines,
        [
            "partition far is refused: cores: core 7 does not exist, this machine has cores 0 to 3",
            "partition zero is refused: cores: core 0 does the housekeeping and runs no guest",
            "partition lost is refused: initrd: the flash has no file nowhere.img, pack it beside bulkhead/plan",
            "partition big is refused: memory: it needs 1073741824 KiB in one piece, \
             the largest free piece has 260096 KiB: 1073481728 KiB are missing",
            "67108864",
            "partition late is refused: cores: core 2 already belongs to partition good",
        ]
    );
}

#[test]
fn on_a_single_core_every_partition_is_refused() {
    let bytes = file(&[partition("linux", &[1])]);
    let plan = Plan::read(&bytes).ok().unwrap();
    let verdicts = admit(
        &plan,
        &Machine {
            cores: 1,
            has_file: &|_| true,
        },
        &mut ram(256),
    );
    assert_eq!(verdicts[0].unwrap_err().reason, Reason::CoreAbsent(1, 1));
}

proptest! {
    #[test]
    fn a_flipped_bit_behind_the_header_is_refused(position in 64usize..64 + 2 * size_of::<Partition>(), bit in 0u8..8) {
        let mut bytes = file(&[partition("linux", &[1, 2]), partition("rt", &[3])]);
        bytes[position] ^= 1 << bit;
        prop_assert_eq!(check(&bytes).err(), Some(PlanFault::Checksum));
    }

    /// Arbitrary records under a true checksum: nothing panics, and whatever is
    /// admitted holds cores of the machine that nobody else holds.
    #[test]
    fn arbitrary_partitions_never_panic_and_never_share_a_core(
        seeds in prop::collection::vec((0usize..200, any::<u8>(), 0u32..10, [0u8..18, 0..18, 0..18, 0..18, 0..18, 0..18, 0..18, 0..18]), 0..8),
    ) {
        let made: Vec<_> = seeds.iter().enumerate().map(|(i, (at, value, vcpus, cores))| {
            let mut p = partition(&format!("p{i}"), &[1]);
            (p.vcpus, p.cores, p.memory) = (*vcpus, *cores, 2 * MIB);
            let mut bytes = p.as_bytes().to_vec();
            if *at >= 64 {
                bytes[*at] = *value;
            }
            zerocopy::FromBytes::read_from_bytes(&bytes).unwrap()
        }).collect();
        let bytes = file(&made);
        let plan = Plan::read(&bytes).ok().unwrap();
        let verdicts = admit(&plan, &Machine { cores: 12, has_file: &|_| true }, &mut ram(64));
        let mut held = [false; 256];
        for (verdict, partition) in verdicts.iter().zip(&made) {
            if let Err(refusal) = verdict {
                prop_assert!(refusal.to_string().contains("refused"));
                continue;
            }
            for core in partition.used_cores() {
                prop_assert!(*core != 0 && *core < 12 && !held[usize::from(*core)]);
                held[usize::from(*core)] = true;
            }
        }
    }

    #[test]
    fn arbitrary_bytes_are_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(check(&bytes).is_err());
    }
}
