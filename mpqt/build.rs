//! Compiles the C++ lines with the Qt that qttypes has found (`qmake6`, or `$QMAKE`).

use std::env;
use std::path::Path;

const MODULES: &[&str] = &["QtCore", "QtGui", "QtQml", "QtQuick", "QtWidgets"];

/// Modules that feature `testing` needs as well.
const TESTING: &[&str] = &["QtTest", "QtQuickTest"];

/// Exits with instructions, without a backtrace.
fn fail(problem: &str) -> ! {
    eprintln!(
        "\n{problem}\n\
         Debian, Ubuntu: sudo apt-get install qt6-base-dev qt6-declarative-dev\n\
         Fedora: sudo dnf install qt6-qtbase-devel qt6-qtdeclarative-devel\n\
         Arch: sudo pacman -S qt6-base qt6-declarative\n\
         macOS: brew install qt, and QMAKE=$(brew --prefix qt)/bin/qmake\n\
         Windows: Qt's online installer, and QMAKE=C:\\Qt\\6.x\\msvc2022_64\\bin\\qmake.exe\n"
    );
    std::process::exit(1);
}

fn main() {
    println!("cargo:rerun-if-changed=cpp");
    println!("cargo:rerun-if-changed=build.rs");
    // docs.rs has QtQuick of Qt 5 only, see Cargo.toml, and links nothing.
    println!("cargo:rerun-if-env-changed=DOCS_RS");
    if env::var_os("DOCS_RS").is_some() {
        return;
    }
    let of_qt = |name: &str| env::var(format!("DEP_QT_{name}")).unwrap_or_default();
    let (version, include, libraries) =
        (of_qt("VERSION"), of_qt("INCLUDE_PATH"), of_qt("LIBRARY_PATH"));
    let testing = env::var_os("CARGO_FEATURE_TESTING").is_some();
    let frameworks = Path::new(&libraries).join("QtCore.framework").exists();
    let mut numbers = version.split('.').map(|number| number.parse().unwrap_or(0));
    if (numbers.next(), numbers.next()) < (Some(6), Some(2)) {
        fail(&format!(
            "mpqt needs Qt 6.2 or newer, but qmake reports Qt {version}: set QMAKE to qmake6"
        ));
    }
    let modules = MODULES.iter().chain(testing.then_some(TESTING).into_iter().flatten());
    for module in modules.clone() {
        let folder = Path::new(&include).join(module);
        let framework = Path::new(&libraries).join(format!("{module}.framework"));
        if !folder.exists() && !framework.exists() {
            fail(&format!(
                "Qt {version} is installed, but the development files of {module} are missing"
            ));
        }
    }

    let mut build = cc::Build::new();
    build.cpp(true).warnings(false).include(&include);
    for flag in of_qt("COMPILE_FLAGS").split_terminator(';') {
        build.flag(flag);
    }
    for module in modules {
        build.include(Path::new(&include).join(module));
        if frameworks {
            build.include(Path::new(&libraries).join(format!("{module}.framework/Headers")));
        }
    }
    let files =
        ["application", "javascript", "registration", "signals", "timer", "variant", "waker"];
    for file in files.iter().chain(testing.then_some(&"testing")) {
        build.file(format!("cpp/{file}.cpp"));
    }
    build.compile("mpqt");

    if testing {
        for module in ["QuickTest", "Test"] {
            let (kind, major) = if frameworks { ("framework=", "") } else { ("", "6") };
            // As qttypes does for all other modules: one program must not mix two builds of Qt.
            let is = |name: &str, value: &str| env::var(name).is_ok_and(|it| it == value);
            let debug = is("CARGO_CFG_TARGET_ENV", "msvc") && is("DEBUG", "true");
            let suffix = if debug { "d" } else { "" };
            println!("cargo:rustc-link-lib={kind}Qt{major}{module}{suffix}");
        }
    }
}
