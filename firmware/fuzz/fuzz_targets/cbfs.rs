//! Fuzz target: CBFS walk.
//!
//! Three files are laid out and patched. Claims: every file's data lies in the
//! region where it says, offsets ascend, damage does not hide what a search by
//! name would find, and the walk takes no more steps than there are boundaries.
#![no_main]

use fuzz::input::patch;
use hvcore::handoff::cbfs::{ALIGNMENT, Cbfs};
use libfuzzer_sys::fuzz_target;

fn region() -> Vec<u8> {
    let mut region = vec![0xFF; 1024];
    for (at, name, len) in [
        (0usize, "config", 100u32),
        (192, "kernel", 64),
        (512, "plan", 300),
    ] {
        let data = 48u32;
        region[at..at + 8].copy_from_slice(b"LARCHIVE");
        for (word, value) in [len, 0x50, 0, data].into_iter().enumerate() {
            let at = at + 8 + 4 * word;
            region[at..at + 4].copy_from_slice(&value.to_be_bytes());
        }
        region[at + 24..at + 40].fill(0);
        region[at + 24..at + 24 + name.len()].copy_from_slice(name.as_bytes());
    }
    region
}

fuzz_target!(|input: &[u8]| {
    let mut region = region();
    patch(&mut region, input);
    let files = Cbfs::new(&region);
    let mut last = 0;
    let mut steps = 0;
    for entry in files.entries() {
        steps += 1;
        let at = match entry {
            Ok(file) => {
                let end = file.data_offset + file.data.len();
                assert_eq!(region.get(file.data_offset..end), Some(file.data));
                assert!(!file.kind.is_space());
                let found = files.find(file.name).expect("a file that was listed");
                assert!(found.data_offset <= file.data_offset);
                file.data_offset
            }
            Err(fault) => {
                assert!(fault.offset() < region.len() && fault.offset() % ALIGNMENT == 0);
                fault.offset()
            }
        };
        assert!(at >= last);
        last = at;
    }
    assert!(steps <= region.len() / ALIGNMENT);
    assert_eq!(files.first_fault(), files.entries().find_map(Result::err));
});
