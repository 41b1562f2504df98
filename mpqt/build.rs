//! Compiles the C++ lines with the Qt that qttypes has found (`qmake6`, or `$QMAKE`).

use std::env;
use std::path::Path;

fn main() {
    println!("cargo:rerun-if-changed=cpp");
    println!("cargo:rerun-if-changed=build.rs");
    let of_qt = |name: &str| env::var(format!("DEP_QT_{name}")).unwrap_or_default();
    let (version, include, libraries) =
        (of_qt("VERSION"), of_qt("INCLUDE_PATH"), of_qt("LIBRARY_PATH"));
    assert!(
        version.starts_with('6'),
        "mpqt needs Qt 6, and qmake speaks of Qt {version:?}: put qmake6 into PATH, or set QMAKE to it"
    );
    let testing = env::var_os("CARGO_FEATURE_TESTING").is_some();
    let frameworks = Path::new(&libraries).join("QtCore.framework").exists();

    let mut build = cc::Build::new();
    build.cpp(true).warnings(false).include(&include);
    for flag in of_qt("COMPILE_FLAGS").split_terminator(';') {
        build.flag(flag);
    }
    for module in ["QtCore", "QtGui", "QtQml", "QtQuick", "QtTest", "QtQuickTest", "QtWidgets"] {
        build.include(Path::new(&include).join(module));
        if frameworks {
            build.include(Path::new(&libraries).join(format!("{module}.framework/Headers")));
        }
    }
    let files = ["application", "javascript", "registration", "timer", "variant", "waker"];
    for file in files.iter().chain(testing.then_some(&"testing")) {
        build.file(format!("cpp/{file}.cpp"));
    }
    build.compile("mpqt");

    if testing {
        for module in ["QuickTest", "Test"] {
            let (kind, major) = if frameworks { ("framework=", "") } else { ("", "6") };
            println!("cargo:rustc-link-lib={kind}Qt{major}{module}");
        }
    }
}
