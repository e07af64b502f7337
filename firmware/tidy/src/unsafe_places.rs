//! Where unsafe code and mutable statics may stand.

use crate::code;
use crate::tree::{Finding, SourceFile};

/// Places that may hold unsafe code, each with its reason.
pub const PLACES: &[(&str, &str)] = &[
    (
        "firmware/metal/",
        "the touch crate: all unsafe of the image",
    ),
    ("firmware/hypervisor/src/main.rs", "the entry symbol"),
    (
        "firmware/hypervisor/src/boot/",
        "the entry before there is Rust",
    ),
    (
        "firmware/hypervisor/src/vcpu_core.rs",
        "vouches for the frames that boot gave its core",
    ),
    (
        "firmware/testkit/src/processor.rs",
        "runs single instructions on the build host",
    ),
    (
        "firmware/hvcore/tests/decode_native.rs",
        "hands that processor its instructions",
    ),
    ("guests/rt/", "the guests' own touch crate"),
    (
        "guests/probes/src/",
        "a probe carries out the very instruction it is about",
    ),
    (
        "guests/rtos/src/executor.rs",
        "polls an embassy executor, which cannot prove it is not nested",
    ),
    (
        "flash/bootblock/",
        "runs from reset, before there is a touch crate",
    ),
];

/// Unsafe code outside the places, and mutable statics anywhere.
pub fn check(file: &SourceFile) -> Vec<Finding> {
    if !file.is_rust() {
        return Vec::new();
    }
    let allowed = PLACES.iter().any(|(place, _)| file.path.starts_with(place));
    let mut found = Vec::new();
    for (at, line) in code::blanked(&file.text).lines().enumerate() {
        if !allowed && code::has_word(line, concat!("un", "safe")) {
            found.push(file.finding(at + 1, "unsafe code outside the touch crates"));
        }
        if defines_mutable_static(line) {
            found.push(file.finding(at + 1, "a mutable static"));
        }
    }
    found
}

/// A definition: it has a value. A linker's symbol has none, and `'static mut`
/// is a lifetime.
fn defines_mutable_static(line: &str) -> bool {
    let definition = line.split_once(concat!("static", " mut "));
    definition.is_some_and(|(before, after)| !before.ends_with('\'') && after.contains('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsafe_code_is_caught_outside_its_places() {
        let text = concat!("fn f() { un", "safe { g() } } // un", "safe");
        let caught = |path| check(&SourceFile::sample(path, text)).len();
        assert_eq!(caught("firmware/hvcore/src/kick/mode.rs"), 1);
        assert_eq!(caught("flash/tool/src/main.rs"), 1);
        assert_eq!(caught("firmware/metal/src/vmrun.rs"), 0);
    }

    #[test]
    fn a_mutable_static_is_caught_everywhere() {
        let text = concat!("static", " mut X: u8 = 0;");
        assert_eq!(
            check(&SourceFile::sample("firmware/metal/src/a.rs", text)).len(),
            1
        );
    }
}
