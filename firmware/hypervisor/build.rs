//! Link arguments of the image: fixed address, own script, build id.
//!
//! Only for the bare target, so that host builds of the workspace still work.

fn main() {
    println!("cargo::rerun-if-changed=link.ld");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("none") {
        return;
    }
    let dir = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    for argument in [
        format!("-T{dir}/link.ld"),
        "-Tdefmt.x".into(),
        "--no-pie".into(),
        "--build-id=sha1".into(),
        "-z".into(),
        "max-page-size=4096".into(),
    ] {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
}
