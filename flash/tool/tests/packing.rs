//! What goes into a ROM comes out again; a second packing replaces the first.
//!
//! Owns: a small ROM and a payload of a few bytes, both made here. They need coreboot's
//! tools, hence the suite runs them, not plain `cargo test`.

use bulkhead::image::source::ImageSource;
use bulkhead::plan::load::{BoardChoice, PlanFile};
use bulkhead::rom::cbfstool::{self, Cbfstool, Compression};
use bulkhead::rom::inspect;
use bulkhead::rom::pack::{Contents, PAYLOAD, pack};
use std::path::{Path, PathBuf};

/// An ELF64 with one executable segment at `address`.
fn elf(address: u64) -> Vec<u8> {
    let code = [0x90u8; 100];
    let mut out = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    for half in [2u16, 62] {
        out.extend(half.to_le_bytes());
    }
    out.extend(1u32.to_le_bytes());
    for word in [address, 64, 0] {
        out.extend(word.to_le_bytes());
    }
    out.extend(0u32.to_le_bytes());
    for half in [64u16, 56, 1, 64, 0, 0] {
        out.extend(half.to_le_bytes());
    }
    out.extend(1u32.to_le_bytes());
    out.extend(5u32.to_le_bytes());
    for word in [
        120,
        address,
        address,
        code.len() as u64,
        code.len() as u64,
        16,
    ] {
        out.extend(word.to_le_bytes());
    }
    out.extend(code);
    out
}

struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let bench = Self {
            folder: tempfile::tempdir().expect("folder"),
        };
        let layout = "FLASH 1M {\n FMAP 4K\n COREBOOT(CBFS)\n}\n";
        std::fs::write(bench.path("layout.fmd"), layout).expect("layout");
        cbfstool::fmap(&bench.path("layout.fmd"), &bench.path("layout.fmap")).expect("flash map");
        let tool = Cbfstool::on(&bench.path("base.rom")).expect("cbfstool");
        tool.create(&bench.path("layout.fmap")).expect("ROM");
        std::fs::write(bench.path("payload.elf"), elf(16 << 20)).expect("payload");
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Packs a plan with one flat image of `bytes` into `base`.
    fn pack(
        &self,
        base: &str,
        image: &str,
        bytes: &[u8],
        out: &str,
    ) -> Result<(), bulkhead::failure::Failure> {
        std::fs::write(self.path(image), bytes).expect("image");
        let text = format!(
            "[[partition]]\nname = \"a\"\ncores = [1]\nmemory = \"64 MiB\"\nkind = \"flat\"\nimage = \"{image}\"\n\
             load-address = 0x1000\nentry-address = 0x1000\n"
        );
        let file = PlanFile {
            path: self.path("plan.toml"),
            text,
        };
        let locate = |source: &ImageSource| match source {
            ImageSource::File(path) => Some(path.clone()),
            _ => None,
        };
        let checked = file.check(&BoardChoice::default(), &locate).expect("right");
        let plan = file.compile(&checked).expect("compiles");
        let images = [self.path(image)];
        let payload = self.path("payload.elf");
        let contents = Contents {
            payload: &payload,
            compression: Compression::Lzma,
            plan: &plan,
            images: &images,
        };
        pack(&self.path(base), &contents, &self.path(out))
    }
}

fn names(rom: &Path) -> Vec<String> {
    let report = inspect::report(&std::fs::read(rom).expect("ROM"));
    report.files.into_iter().map(|file| file.name).collect()
}

#[test]
#[ignore = "needs coreboot-utils: run by the suite"]
fn what_was_packed_is_found_again_on_page_boundaries() {
    let bench = Bench::new();
    let image: Vec<u8> = (0..10_000u32).map(|i| (i % 251) as u8).collect();
    bench
        .pack("base.rom", "app.bin", &image, "out.rom")
        .expect("packs");
    let rom = std::fs::read(bench.path("out.rom")).expect("ROM");
    let report = inspect::report(&rom);
    let payload = report.payload.expect("a payload");
    assert_eq!(
        (payload.entry, payload.segments[0].address),
        (16 << 20, 16 << 20)
    );
    let plan = report.plan.expect("a plan").expect("readable");
    assert_eq!(plan.partitions[0].image, "bulkhead/image/app.bin");
    let file = report
        .files
        .iter()
        .find(|file| file.name == "bulkhead/image/app.bin")
        .expect("the image");
    assert_eq!(file.offset % 4096, 0);
    assert_eq!(&rom[file.offset..file.offset + file.stored], image);
}

#[test]
#[ignore = "needs coreboot-utils: run by the suite"]
fn packing_again_replaces_payload_plan_and_images() {
    let bench = Bench::new();
    bench
        .pack("base.rom", "first.bin", &[1; 5000], "one.rom")
        .expect("packs");
    let before = std::fs::read(bench.path("one.rom")).expect("ROM");
    bench
        .pack("one.rom", "second.bin", &[2; 6000], "two.rom")
        .expect("packs again");
    let files = names(&bench.path("two.rom"));
    assert_eq!(files.iter().filter(|name| *name == PAYLOAD).count(), 1);
    assert!(
        files.contains(&"bulkhead/image/second.bin".to_string()),
        "{files:?}"
    );
    assert!(
        !files.contains(&"bulkhead/image/first.bin".to_string()),
        "{files:?}"
    );
    assert_eq!(
        std::fs::read(bench.path("one.rom")).expect("ROM"),
        before,
        "the given ROM stays as it is"
    );
}

#[test]
#[ignore = "needs coreboot-utils: run by the suite"]
fn an_image_too_big_for_the_flash_leaves_no_output() {
    let bench = Bench::new();
    let error = bench
        .pack("base.rom", "big.bin", &vec![7; 2 << 20], "out.rom")
        .expect_err("1 MiB of flash");
    assert_eq!(error.code(), 2);
    assert!(error.to_string().contains("does not fit"), "{error}");
    assert!(!bench.path("out.rom").exists());
}

#[test]
#[ignore = "needs coreboot-utils: run by the suite"]
fn a_payload_outside_its_window_is_not_packed() {
    let bench = Bench::new();
    std::fs::write(bench.path("payload.elf"), elf(1 << 20)).expect("payload");
    let error = bench
        .pack("base.rom", "app.bin", &[0x90; 64], "out.rom")
        .expect_err("1 MiB is not ours");
    assert_eq!(error.code(), 2);
    assert!(!bench.path("out.rom").exists());
}
