//! What a right plan becomes, and where its limits are exactly.

use bulkhead::image::source::ImageSource;
use bulkhead::plan::compile::Compiled;
use bulkhead::plan::decode::{BadPlan, decode};
use bulkhead::plan::diagnostic::Code;
use bulkhead::plan::load::{BoardChoice, PlanFile};
use std::path::{Path, PathBuf};

fn file(text: &str) -> PlanFile {
    PlanFile {
        path: PathBuf::from("test.toml"),
        text: text.into(),
    }
}

fn nothing_there(_: &ImageSource) -> Option<PathBuf> {
    None
}

fn compile(text: &str) -> Compiled {
    let file = file(text);
    let checked = file
        .check(&BoardChoice::default(), &nothing_there)
        .expect("a right plan");
    file.compile(&checked).expect("compiles")
}

fn codes(
    text: &str,
    choice: &BoardChoice,
    locate: &dyn Fn(&ImageSource) -> Option<PathBuf>,
) -> Vec<Code> {
    let mistakes = file(text).check(choice, locate).err().unwrap_or_default();
    mistakes.iter().map(|mistake| mistake.code).collect()
}

const TWO: &str = r#"
attach = "b"

[[partition]]
name = "a"
cores = [3, 1]
memory = "64 MiB"
kind = "linux"
image = "debian:6.1-cloud"
initrd = "initramfs:shell"
cmdline = "console=ttyS0"
on-crash = "restart"
restart-limit = 0

[[partition]]
name = "b"
cores = [2]
memory = "2 MiB"
kind = "multiboot"
image = "guest:rtos"
modules = [{ file = "debian:6.1-cloud", cmdline = "again" }]
start = "manual"
on-reboot = "stop"
"#;

#[test]
fn a_compiled_plan_says_what_was_written() {
    let plan = decode(&compile(TWO).bytes).expect("reads back");
    assert_eq!(
        (plan.board.as_str(), plan.attach.as_deref()),
        ("qemu_q35", Some("b"))
    );
    let [a, b] = plan.partitions.as_slice() else {
        panic!("two partitions")
    };
    assert_eq!(a.cores, [3, 1], "the order is that of the vCPUs");
    assert_eq!(
        (a.kind, a.memory, a.cmdline.as_str()),
        ("linux", 64 << 20, "console=ttyS0")
    );
    assert_eq!(
        (a.policies, a.restart_limit, a.manual),
        (["restart", "restart", "stop"], 0, false)
    );
    assert_eq!(
        (b.policies, b.restart_limit, b.manual),
        (["stop", "stop", "stop"], 3, true)
    );
    assert_eq!(
        b.modules,
        [(a.image.clone(), "again".to_string())],
        "one image, stored once"
    );
}

#[test]
fn work_arounds_are_left_out_only_by_name() {
    let off = |line: &str| {
        decode(&compile(&format!("{line}{TWO}")).bytes)
            .expect("reads back")
            .errata_off
    };
    assert!(off("").is_empty());
    assert_eq!(
        off("errata-off = [\"SHADOW_IGNORED\", \"EVENTINJ_TWICE\"]"),
        ["EVENTINJ_TWICE", "SHADOW_IGNORED"]
    );
}

#[test]
fn an_image_that_two_partitions_name_is_placed_once() {
    let names: Vec<_> = compile(TWO)
        .images
        .into_iter()
        .map(|image| image.cbfs_name)
        .collect();
    assert_eq!(
        names,
        [
            "bulkhead/image/debian-6.1-cloud",
            "bulkhead/image/initramfs-shell",
            "bulkhead/image/guest-rtos"
        ]
    );
}

#[test]
fn files_of_one_name_in_two_folders_get_two_places() {
    let folder = tempfile::tempdir().expect("folder");
    for sub in ["x", "y"] {
        std::fs::create_dir(folder.path().join(sub)).expect("sub");
        std::fs::write(folder.path().join(sub).join("app.bin"), b"code").expect("file");
    }
    let part = |name: &str, core: u32, sub: &str| {
        format!(
            "[[partition]]\nname = \"{name}\"\ncores = [{core}]\nmemory = \"2 MiB\"\nkind = \"flat\"\n\
             image = \"{sub}/app.bin\"\nload-address = 0x1000\nentry-address = 0x1003\n"
        )
    };
    let file = PlanFile {
        path: folder.path().join("plan.toml"),
        text: part("a", 1, "x") + &part("b", 2, "y"),
    };
    let locate = |source: &ImageSource| match source {
        ImageSource::File(path) => Some(path.clone()),
        _ => None,
    };
    let checked = file.check(&BoardChoice::default(), &locate).expect("right");
    let names: Vec<_> = file
        .compile(&checked)
        .expect("compiles")
        .images
        .into_iter()
        .map(|i| i.cbfs_name)
        .collect();
    assert_eq!(
        names,
        ["bulkhead/image/app.bin", "bulkhead/image/app.bin-2"]
    );
}

#[test]
fn a_damaged_plan_is_not_believed() {
    let good = compile(TWO).bytes;
    for at in (0..good.len()).step_by(97) {
        let mut bad = good.clone();
        bad[at] ^= 0x40;
        let body = at >= 64;
        assert!(decode(&bad).is_err() || !body, "byte {at}");
    }
    assert_eq!(decode(&good[..good.len() - 1]), Err(BadPlan::Short));
    assert_eq!(decode(b"LARCHIVE"), Err(BadPlan::Short));
}

#[test]
fn the_command_line_may_shrink_a_board() {
    let small = |cpus, memory| BoardChoice {
        cpus,
        memory,
        ..BoardChoice::default()
    };
    assert_eq!(codes(TWO, &small(Some(4), None), &nothing_there), []);
    assert_eq!(
        codes(TWO, &small(Some(3), None), &nothing_there),
        [Code::CoreMissing]
    );
    assert_eq!(
        codes(TWO, &small(None, Some(130 << 20)), &nothing_there),
        []
    );
    assert_eq!(
        codes(TWO, &small(None, Some(128 << 20)), &nothing_there),
        [Code::MemoryBoard]
    );
}

#[test]
fn smt_siblings_may_be_split_on_request_only() {
    let split = |allow: &str| {
        format!(
            "{allow}\n[[partition]]\nname = \"a\"\ncores = [2]\nmemory = \"2 MiB\"\nkind = \"multiboot\"\nimage = \"guest:x\"\n\
             [[partition]]\nname = \"b\"\ncores = [3]\nmemory = \"2 MiB\"\nkind = \"multiboot\"\nimage = \"guest:x\"\n"
        )
    };
    let two = BoardChoice {
        threads_per_core: Some(2),
        ..BoardChoice::default()
    };
    assert_eq!(codes(&split(""), &two, &nothing_there), [Code::SmtSplit]);
    assert_eq!(
        codes(&split("allow-smt-sharing = true"), &two, &nothing_there),
        []
    );
    assert_eq!(
        codes(&split(""), &BoardChoice::default(), &nothing_there),
        []
    );
}

#[test]
fn memory_below_what_the_kernel_says_is_refused() {
    let folder = tempfile::tempdir().expect("folder");
    let kernel = folder.path().join("vmlinuz");
    let mut header = vec![0u8; 0x1000];
    header[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]);
    header[0x202..0x206].copy_from_slice(b"HdrS");
    header[0x206..0x208].copy_from_slice(&0x20fu16.to_le_bytes());
    header[0x236] = 1;
    header[0x238..0x23c].copy_from_slice(&2047u32.to_le_bytes());
    header[0x258..0x260].copy_from_slice(&(16u64 << 20).to_le_bytes());
    header[0x260..0x264].copy_from_slice(&(31u32 << 20).to_le_bytes());
    std::fs::write(&kernel, header).expect("kernel");
    let plan = |memory: u32| {
        format!(
            "[[partition]]\nname = \"a\"\ncores = [1]\nmemory = \"{memory} MiB\"\nkind = \"linux\"\nimage = \"{}\"\n",
            kernel.display()
        )
    };
    let there = |source: &ImageSource| match source {
        ImageSource::File(path) => Some(path.clone()),
        _ => None,
    };
    assert_eq!(codes(&plan(48), &BoardChoice::default(), &there), []);
    assert_eq!(
        codes(&plan(46), &BoardChoice::default(), &there),
        [Code::MemoryImages]
    );
}

#[test]
fn the_plans_that_are_shipped_are_right() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("plans");
    let listed = |folder: &Path| std::fs::read_dir(folder).expect("plans");
    let both = listed(&folder).chain(listed(&folder.join("errata")));
    let plans: Vec<_> = both
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .collect();
    assert!(plans.len() > 12);
    for path in plans {
        let file = PlanFile::open(&path).expect("readable");
        let mistakes = file.check(&BoardChoice::default(), &nothing_there).err();
        assert!(mistakes.is_none(), "{}: {mistakes:?}", path.display());
    }
}
