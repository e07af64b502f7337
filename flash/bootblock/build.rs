//! Link arguments, for the bare target only: on the host this crate is a library
//! with tests and a binary that says where it belongs.

fn main() {
    println!("cargo::rerun-if-changed=bootblock.ld");
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("none") {
        return;
    }
    let folder = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    // RUSTFLAGS in the environment replaces the repository's, so --no-pie is
    // passed here too. --nmagic: no page alignment inside 64 KiB of ROM.
    for argument in [
        &format!("-T{folder}/bootblock.ld"),
        "--no-pie",
        "--nmagic",
        "--build-id=none",
    ] {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
}
