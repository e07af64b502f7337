//! The Debian mirror is found in whatever way a system names it.
//!
//! Owns: the folders under `apt/`, each laid out like `/etc/apt`.

use bulkhead::setup::sources::{Mirror, mirror};
use std::path::Path;

fn found(case: &str) -> Option<Mirror> {
    mirror(
        &Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/apt")
            .join(case),
    )
}

#[test]
fn the_main_archive_is_preferred_to_security_and_strangers() {
    let mirror = found("deb822").expect("a mirror");
    assert_eq!(mirror.uri, "http://mirror.example/debian");
    assert_eq!(
        mirror.signed_by.as_deref(),
        Some("/usr/share/keyrings/debian-archive-keyring.gpg")
    );
    assert_eq!(
        mirror.stanza("bookworm-backports"),
        "Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm-backports\nComponents: main\n\
         Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"
    );
}

#[test]
fn one_line_options_and_comments_are_understood() {
    let mirror = found("one_line").expect("a mirror");
    assert_eq!(mirror.uri, "http://mirror.example/debian/");
    assert_eq!(
        (mirror.signed_by.as_deref(), mirror.trusted),
        (Some("/etc/keys/local.gpg"), true)
    );
    assert!(mirror.stanza("bookworm").ends_with("Trusted: yes\n"));
}

#[test]
fn disabled_sources_are_passed_over_and_inline_keys_kept() {
    let mirror = found("odd").expect("a mirror");
    assert_eq!(mirror.uri, "mirror+file:/etc/apt/mirrors/debian");
    let stanza = mirror.stanza("bookworm");
    assert!(stanza.contains("Signed-By: \n -----BEGIN PGP"), "{stanza}");
    assert!(stanza.contains("\n .\n abcd\n"), "{stanza}");
}

#[test]
fn a_system_without_debian_has_no_mirror() {
    assert_eq!(found("nowhere"), None);
}
