//! Tables, JSON and epitaphs, compared with what a person should read.

use abi::epitaph::{Epitaph, PastExit, Reason};
use hvcore::handoff::memory_map::Span;
use hvcore::housekeeping::epitaph_text;
use hvcore::housekeeping::exit_name::ExitName;
use hvcore::housekeeping::life::{Life, Rest};
use hvcore::housekeeping::quantity::{Bytes, Millis};
use hvcore::housekeeping::report::{
    CounterRow, CpuRow, FeatureRow, InterruptPath, MemoryRow, PartitionRow, VcpuActivity, VcpuRow,
};
use hvcore::housekeeping::table::{Row, json, table};
use hvcore::ids::{ApicId, CpuId, VcpuId};
use proptest::prelude::*;
use zerocopy::{FromBytes, IntoBytes};

fn shown<R: Row>(rows: &[R]) -> String {
    let mut out = String::new();
    table(rows, &mut out).unwrap();
    out.replace("\r\n", "\n")
}

fn lines<R: Row>(rows: &[R]) -> String {
    let mut out = String::new();
    json(rows, &mut out).unwrap();
    out.replace("\r\n", "\n")
}

fn partitions() -> [PartitionRow<'static>; 2] {
    let linux = PartitionRow {
        name: "linux",
        life: Life::Running,
        cores: &[1, 2, 3, 5],
        memory: 512 << 20,
        restarts: 0,
        uptime: Some(Millis(61_500)),
    };
    let rt = PartitionRow {
        name: "rt",
        life: Life::Dead(Reason::TRIPLE_FAULT),
        cores: &[4],
        memory: 16 << 20,
        restarts: 12,
        uptime: None,
    };
    [linux, rt]
}

#[test]
fn partitions_are_listed_in_words() {
    assert_eq!(
        shown(&partitions()),
        "\
PARTITION  STATE    CORES   MEMORY    UPTIME  RESTARTS  WHY
linux      running  1-3,5  512 MiB  00:01:01         0
rt         dead     4       16 MiB                  12  the guest's CPU shut down after a triple fault
"
    );
}

#[test]
fn partitions_are_listed_for_programs() {
    assert_eq!(
        lines(&partitions()),
        "\
{\"schema\":\"bulkhead/partition/1\",\"partition\":\"linux\",\"state\":\"running\",\"cores\":\"1-3,5\",\
\"memory_bytes\":536870912,\"uptime_ms\":61500,\"restarts\":0,\"why\":\"\"}
{\"schema\":\"bulkhead/partition/1\",\"partition\":\"rt\",\"state\":\"dead\",\"cores\":\"4\",\
\"memory_bytes\":16777216,\"uptime_ms\":null,\"restarts\":12,\"why\":\"the guest's CPU shut down after a triple fault\"}
"
    );
}

#[test]
fn a_vcpu_says_why_it_is_not_accelerated() {
    let row = VcpuRow {
        partition: "linux",
        vcpu: VcpuId(0),
        core: CpuId(1),
        apic: ApicId(2),
        activity: VcpuActivity::Halted,
        path: InterruptPath::SoftwareApic,
        reason: "AVIC absent (CPUID 8000_000A EDX bit 13)",
        exits: 1_234_567,
    };
    assert_eq!(
        shown(&[row]),
        "\
PARTITION  VCPU  CORE  APIC ID  ACTIVITY    EXITS  INTERRUPTS BY  BECAUSE
linux         0     1        2  halted    1234567  software APIC  AVIC absent (CPUID 8000_000A EDX bit 13)
"
    );
}

#[test]
fn memory_cores_counters_and_features_have_tables() {
    let memory = MemoryRow {
        span: Span::between(32 << 20, 96 << 20),
        owner: "linux",
        purpose: "guest RAM",
    };
    assert_eq!(
        shown(&[memory]),
        "\
FROM          TO              SIZE  OWNER  PURPOSE
0x0002000000  0x0005ffffff  64 MiB  linux  guest RAM
"
    );
    assert!(lines(&[memory]).contains("\"bytes\":67108864"));
    let cpu = CpuRow {
        core: CpuId(0),
        apic: ApicId(0),
        role: "housekeeping",
        state: "runs",
    };
    assert_eq!(
        shown(&[cpu]),
        "CORE  APIC ID  FOR           STATE\n   0        0  housekeeping  runs\n"
    );
    let counter = CounterRow {
        partition: "rt",
        vcpu: VcpuId(0),
        name: "HLT",
        count: 7,
    };
    assert_eq!(
        shown(&[counter]),
        "PARTITION  VCPU  COUNT  OF\nrt            0      7  HLT\n"
    );
    let feature = FeatureRow {
        name: "NRIP save",
        place: "CPUID 8000_000A EDX bit 3",
        present: false,
        effect: "decoded",
    };
    assert!(shown(&[feature]).contains("NRIP save  no"));
    assert_eq!(shown::<CpuRow<'_>>(&[]), "(none)\n");
}

#[test]
fn json_escapes_what_a_string_may_not_hold() {
    let row = CpuRow {
        core: CpuId(0),
        apic: ApicId(0),
        role: "a\"b\\c\td",
        state: "",
    };
    assert!(lines(&[row]).contains(r#""role":"a\"b\\c\u0009d""#));
}

#[test]
fn quantities_lose_nothing_a_person_needs() {
    let bytes = [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (1536, "1.5 KiB"),
        (1 << 31, "2 GiB"),
        (u64::MAX, "17179869183.9 GiB"),
    ];
    for (count, text) in bytes {
        assert_eq!(Bytes(count).to_string(), text);
    }
    let times = [
        (0, "0.000 s"),
        (59_999, "59.999 s"),
        (60_000, "00:01:00"),
        (90_061_000, "1d 01:01:01"),
    ];
    for (millis, text) in times {
        assert_eq!(Millis(millis).to_string(), text);
    }
    assert_eq!(
        (Millis::of_ticks(5000, 0), Millis::of_ticks(5000, 1000)),
        (None, Some(Millis(5)))
    );
}

#[test]
fn exits_are_called_by_name() {
    let named = [
        (0x78, "HLT"),
        (0x13, "write to CR3"),
        (0x24, "read of DR4"),
        (0x4e, "exception #PF"),
        (0x400, "nested page fault"),
        (u64::MAX, "guest state refused by VMRUN"),
        (0x999, "exit 0x999, which has no name here"),
    ];
    for (code, name) in named {
        assert_eq!(ExitName(code).to_string(), name);
    }
}

fn epitaph() -> Epitaph {
    let mut record = Epitaph::zeroed();
    record.partition[..2].copy_from_slice(b"rt");
    (record.reason, record.vcpu, record.core, record.restarts) = (Reason::OUTSIDE_MEMORY, 1, 4, 2);
    (record.tsc_khz, record.started, record.died) = (1_000_000, 5, 12_345_000_005);
    (record.exit_code, record.info1, record.info2) = (0x400, 0x1_0000_0006, 0xfed0_0000);
    record.exit_int_info = 0x8000_030e;
    record.rip = 0x10_23f0;
    record.exits[0] = PastExit {
        code: 0x78,
        rip: 0x1000,
        tsc: 1_000_000,
    };
    record.exits[1] = PastExit {
        code: 0x400,
        rip: 0x10_23f0,
        tsc: 3_000_000,
    };
    record.exit_count = 2;
    record.code[..2].copy_from_slice(&[0x0f, 0x0b]);
    record.code_len = 2;
    record
}

#[test]
fn an_epitaph_says_who_died_and_why_before_any_register() {
    let mut out = String::new();
    epitaph_text::write(&epitaph(), &mut out).unwrap();
    let wanted = "\
partition rt died on vCPU 1, core 4, 12.345 s after its start, restarted 2 times before
why       the guest accessed an address where it has neither memory nor a device
last exit nested page fault: write to 0xfed00000 (code 0x400, info 0x100000006 0xfed00000)
          while exception #PF was being delivered
rip  00000000001023f0  ";
    assert!(out.replace("\r\n", "\n").starts_with(wanted), "{out}");
    assert!(out.contains("code at rip 0f 0b\r\n"));
    assert!(out.contains("  rip 0000000000001000                HLT\r\n"));
    assert!(out.contains("  rip 00000000001023f0  +    2000 us  nested page fault\r\n"));
}

#[test]
fn every_state_that_is_not_running_says_why() {
    for rest in [
        Rest::NotStarted,
        Rest::Operator,
        Rest::PowerOff,
        Rest::Reboot,
    ] {
        assert!(!Life::Stopped(rest).why().is_empty());
    }
    assert!(!Life::Dead(Reason(999)).why().is_empty());
}

proptest! {
    #[test]
    fn arbitrary_records_are_written_without_a_panic(bytes in prop::collection::vec(any::<u8>(), size_of::<Epitaph>())) {
        let mut record = Epitaph::read_from_bytes(&bytes).unwrap();
        let mut out = String::new();
        epitaph_text::write(&record, &mut out).unwrap();
        prop_assert_eq!(Epitaph::read(&bytes), None);
        (record.magic, record.version, record.length) = (Epitaph::zeroed().magic, 1, size_of::<Epitaph>() as u32);
        prop_assert!(Epitaph::read(record.as_bytes()).is_some());
    }
}
