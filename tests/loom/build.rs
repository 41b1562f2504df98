//! Has the sources of mpcore compiled with loom's locks and atomics, in this package alone.

fn main() {
    // Not `loom`: other crates of a user may be compiled with that.
    println!("cargo::rustc-cfg=mpcore_loom");
    let features = r#""chaos", "fuzzing", "log-to-stderr", "sandbox""#;
    println!("cargo::rustc-check-cfg=cfg(feature, values({features}))");
    println!("cargo::rerun-if-changed=build.rs");
}
