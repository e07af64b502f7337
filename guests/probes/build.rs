//! Links every probe at the guests' load address, except in host builds.

fn main() {
    println!("cargo:rerun-if-changed=../rt/link.ld");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("none") {
        let here = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
        println!("cargo:rustc-link-arg-bins=-T{here}/../rt/link.ld");
        println!("cargo:rustc-link-arg-bins=--no-pie");
    }
}
