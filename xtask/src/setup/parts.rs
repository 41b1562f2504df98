//! Lists what building and running with Qt needs, part by part, and detects missing parts.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

use super::system::{Os, System};

/// A required part.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(super) what: What,
    /// The package of Debian and Ubuntu that contains it.
    pub(super) debian: &'static str,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum What {
    Compiler,
    Qmake,
    /// A Qt library for development: its name and one of its headers.
    Library(&'static str, &'static str),
    /// The name used in an `import`.
    QmlModule(&'static str),
    Font,
}

/// Debian splits the QML modules into packages, and up to Debian 12 and Ubuntu 24.04 none of these
/// depends on another one: a missing one leaves an empty window.
const PARTS: &[Part] = &[
    part(What::Compiler, "g++"),
    part(What::Qmake, "qt6-base-dev"),
    part(What::Library("QtCore", "qobject.h"), "qt6-base-dev"),
    part(What::Library("QtGui", "qguiapplication.h"), "qt6-base-dev"),
    // Not used by us, but qmetaobject links it.
    part(What::Library("QtWidgets", "qapplication.h"), "qt6-base-dev"),
    part(What::Library("QtTest", "qtest.h"), "qt6-base-dev"),
    part(What::Library("QtQml", "qqmlengine.h"), "qt6-declarative-dev"),
    part(What::Library("QtQuick", "qquickitem.h"), "qt6-declarative-dev"),
    part(What::Library("QtQuickTest", "quicktest.h"), "qt6-declarative-dev"),
    part(What::QmlModule("QtQuick"), "qml6-module-qtquick"),
    part(What::QmlModule("QtQuick.Window"), "qml6-module-qtquick-window"),
    part(What::QmlModule("QtQuick.Controls"), "qml6-module-qtquick-controls"),
    part(What::QmlModule("QtQuick.Controls.Basic"), "qml6-module-qtquick-controls"),
    part(What::QmlModule("QtQuick.Layouts"), "qml6-module-qtquick-layouts"),
    part(What::QmlModule("QtQuick.Templates"), "qml6-module-qtquick-templates"),
    part(What::QmlModule("QtQuick.Shapes"), "qml6-module-qtquick-shapes"),
    part(What::QmlModule("QtQuick.Dialogs"), "qml6-module-qtquick-dialogs"),
    // Imported by the folder dialog.
    part(What::QmlModule("Qt.labs.folderlistmodel"), "qml6-module-qt-labs-folderlistmodel"),
    part(What::QmlModule("QtQml.Models"), "qml6-module-qtqml-models"),
    // Qt Quick links it, and ListModel needs it.
    part(What::QmlModule("QtQml.WorkerScript"), "qml6-module-qtqml-workerscript"),
    part(What::QmlModule("QtTest"), "qml6-module-qttest"),
    part(What::Font, "fonts-dejavu-core"),
];

const fn part(what: What, debian: &'static str) -> Part {
    Part { what, debian }
}

/// The Qt that the build will use, if any.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Qt {
    Missing,
    /// The environment variable `QMAKE` names a program that is not a qmake of Qt 6.
    NotThisOne(OsString),
    Found {
        version: String,
        /// The installation prefix of Qt; `/usr` for the system's own.
        prefix: PathBuf,
        headers: PathBuf,
        libraries: PathBuf,
        qml: PathBuf,
    },
}

/// What the machine has and lacks. Displayed as one line.
#[derive(Debug)]
pub(crate) struct Found {
    pub(super) qt: Qt,
    pub(super) missing: Vec<&'static Part>,
}

impl Found {
    pub(super) fn look(system: &impl System) -> Found {
        let qt = Qt::look(system);
        let missing = PARTS.iter().filter(|part| !part.what.is_there(system, &qt)).collect();
        Found { qt, missing }
    }

    /// If there is no Qt, its parts are unknown, and `Qt` represents all of them.
    pub(super) fn names(&self) -> Vec<String> {
        let known = |part: &&&Part| {
            matches!(self.qt, Qt::Found { .. }) || !part.what.is_of_qt() || part.what == What::Qmake
        };
        self.missing.iter().filter(known).map(ToString::to_string).collect()
    }
}

impl Qt {
    /// Finds the Qt that qttypes' build script uses: `$QMAKE`, else `qmake6`, else `qmake`.
    fn look(system: &impl System) -> Qt {
        if let Some(qmake) = system.variable("QMAKE") {
            return Qt::ask(system, &qmake).unwrap_or(Qt::NotThisOne(qmake));
        }
        let names = ["qmake6", "qmake"];
        names.iter().find_map(|name| Qt::ask(system, OsStr::new(name))).unwrap_or(Qt::Missing)
    }

    fn ask(system: &impl System, qmake: &OsStr) -> Option<Qt> {
        let answer = system.answer(qmake, &["-query"])?;
        let property = |key: &str| {
            answer.lines().find_map(|line| line.strip_prefix(key)?.trim().strip_prefix(':'))
        };
        let version = property("QT_VERSION").filter(|version| is_new_enough(version))?;
        Some(Qt::Found {
            version: version.to_owned(),
            prefix: property("QT_INSTALL_PREFIX")?.into(),
            headers: property("QT_INSTALL_HEADERS")?.into(),
            libraries: property("QT_INSTALL_LIBS")?.into(),
            qml: property("QT_INSTALL_QML")?.into(),
        })
    }
}

/// Qt 6.2 or newer, as mpqt's build script requires.
fn is_new_enough(version: &str) -> bool {
    let mut numbers = version.split('.').map(|number| number.parse().unwrap_or(0_u32));
    matches!((numbers.next(), numbers.next()), (Some(6), Some(2..)))
}

impl What {
    /// Without Qt, none of its parts can be found.
    fn is_there(&self, system: &impl System, qt: &Qt) -> bool {
        match (self, qt) {
            (What::Compiler, _) => has_compiler(system),
            (What::Font, _) => has_font(system),
            (What::Qmake, Qt::Found { .. }) => true,
            (What::Library(library, header), Qt::Found { headers, libraries, .. }) => {
                let framework = libraries.join(format!("{library}.framework")).join("Headers");
                let folders = [headers.join(library), framework];
                folders.iter().any(|folder| system.has_file(&folder.join(header)))
            }
            (What::QmlModule(module), Qt::Found { qml, .. }) => {
                let module = module.replace('.', "/");
                let mut folders = vec![qml.clone()];
                for variable in ["QML_IMPORT_PATH", "QML2_IMPORT_PATH"] {
                    let value = system.variable(variable).unwrap_or_default();
                    folders.extend(env::split_paths(&value));
                }
                folders.iter().any(|folder| system.has_file(&folder.join(&module).join("qmldir")))
            }
            _ => false,
        }
    }

    /// Whether it is a part of Qt, which the system's package manager cannot add to a Qt from
    /// elsewhere.
    pub(super) fn is_of_qt(&self) -> bool {
        !matches!(self, What::Compiler | What::Font)
    }
}

/// Checks for the compiler that the crate `cc` uses. `g++` alone would not do: `cc` starts `c++`.
fn has_compiler(system: &impl System) -> bool {
    if system.os() == Os::Windows {
        // `cc` finds it through the registry, and it comes with the linker, without which Rust does
        // not work.
        return true;
    }
    let compiler = system.variable("CXX").unwrap_or_else(|| "c++".into());
    // It may contain arguments, or start with a wrapper.
    let compiler = compiler.to_string_lossy();
    let mut words = compiler.split_whitespace();
    let Some(program) = words.next() else { return false };
    let args: Vec<_> = words.chain(["--version"]).collect();
    system.answer(OsStr::new(program), &args).is_some()
}

/// Without a font, Qt draws boxes instead of letters, or nothing.
fn has_font(system: &impl System) -> bool {
    if system.os() != Os::Unix {
        return true;
    }
    let listed = system.answer(OsStr::new("fc-list"), &[]);
    if listed.is_some_and(|fonts| !fonts.trim().is_empty()) {
        return true;
    }
    let home = system.variable("HOME").map(PathBuf::from).unwrap_or_default();
    let folders = [
        PathBuf::from("/usr/share/fonts"),
        PathBuf::from("/usr/local/share/fonts"),
        home.join(".local/share/fonts"),
        home.join(".fonts"),
    ];
    folders.iter().any(|folder| has_font_below(system, folder, 6))
}

/// The depth limit stops a link to a parent folder from being followed forever.
fn has_font_below(system: &impl System, folder: &Path, depth: u32) -> bool {
    system.entries(folder).iter().any(|entry| {
        let extension = entry.extension().map(OsStr::to_ascii_lowercase);
        let extension = extension.as_deref().and_then(OsStr::to_str);
        matches!(extension, Some("ttf" | "otf" | "ttc"))
            || depth > 0 && has_font_below(system, entry, depth - 1)
    })
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.what {
            What::Compiler => f.write_str("a C++ compiler (c++)"),
            What::Qmake => f.write_str("Qt 6 (qmake6), with its headers and QML modules"),
            What::Library(library, header) => {
                write!(f, "{library} for developing ({library}/{header})")
            }
            What::QmlModule(module) => write!(f, "the QML module {module}"),
            What::Font => f.write_str("a font"),
        }
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.qt {
            Qt::Missing => f.write_str("no Qt 6"),
            Qt::NotThisOne(qmake) => write!(f, "no Qt 6 at QMAKE={}", qmake.display()),
            Qt::Found { version, prefix, .. } => {
                write!(f, "Qt {version} in {}", prefix.display())
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::system::fake::Fake;
    use super::*;

    pub(in super::super) const DEBIAN_QMAKE: &str = "QT_SYSROOT:\nQT_INSTALL_PREFIX:/usr\n\
        QT_INSTALL_PREFIX/get:/odd\nQT_INSTALL_HEADERS:/usr/include/x/qt6\nQT_INSTALL_LIBS:/usr/lib/x\n\
        QT_INSTALL_QML:/usr/lib/x/qt6/qml\nQMAKE_VERSION:3.1\nQT_VERSION:6.4.2\n";

    const QML_MODULES: [&str; 12] = [
        "/usr/lib/x/qt6/qml/QtQuick/qmldir",
        "/usr/lib/x/qt6/qml/QtQuick/Window/qmldir",
        "/usr/lib/x/qt6/qml/QtQuick/Controls/qmldir",
        "/usr/lib/x/qt6/qml/QtQuick/Controls/Basic/qmldir",
        "/usr/lib/x/qt6/qml/QtQuick/Layouts/qmldir",
        "/usr/lib/x/qt6/qml/QtQuick/Templates/qmldir",
        "/usr/lib/x/qt6/qml/QtQuick/Shapes/qmldir",
        "/usr/lib/x/qt6/qml/QtQuick/Dialogs/qmldir",
        "/usr/lib/x/qt6/qml/Qt/labs/folderlistmodel/qmldir",
        "/usr/lib/x/qt6/qml/QtQml/Models/qmldir",
        "/usr/lib/x/qt6/qml/QtQml/WorkerScript/qmldir",
        "/usr/lib/x/qt6/qml/QtTest/qmldir",
    ];

    /// A Debian with every part.
    pub(in super::super) fn complete() -> Fake {
        Fake::new(Os::Unix)
            .answer("c++ --version", "c++ (Debian) 12.2.0")
            .answer("qmake6 -query", DEBIAN_QMAKE)
            .files([
                "/usr/include/x/qt6/QtCore/qobject.h",
                "/usr/include/x/qt6/QtGui/qguiapplication.h",
                "/usr/include/x/qt6/QtWidgets/qapplication.h",
                "/usr/include/x/qt6/QtTest/qtest.h",
                "/usr/include/x/qt6/QtQml/qqmlengine.h",
                "/usr/include/x/qt6/QtQuick/qquickitem.h",
                "/usr/include/x/qt6/QtQuickTest/quicktest.h",
                "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
            ])
            .files(QML_MODULES)
    }

    #[track_caller]
    fn check(system: &Fake, missing: &[&str]) {
        let found = Found::look(system);
        assert_eq!(found.names(), missing, "{system:?}");
    }

    #[test]
    fn qt_6_2_is_the_oldest() {
        for (version, expected) in [
            ("6.2.0", true),
            ("6.10.1", true),
            ("7.0.0", false),
            ("6.1.9", false),
            ("5.15.2", false),
        ] {
            assert_eq!(is_new_enough(version), expected, "{version}");
        }
    }

    #[test]
    fn a_complete_machine_lacks_nothing_and_names_its_qt() {
        check(&complete(), &[]);
        assert_eq!(Found::look(&complete()).to_string(), "Qt 6.4.2 in /usr");
    }

    #[test]
    fn a_bare_machine_lacks_every_part() {
        let bare = Found::look(&Fake::new(Os::Unix));
        assert_eq!(bare.qt, Qt::Missing);
        assert_eq!(bare.missing.len(), PARTS.len());
        let names =
            ["a C++ compiler (c++)", "Qt 6 (qmake6), with its headers and QML modules", "a font"];
        assert_eq!(bare.names(), names);
        // With Qt's files but no qmake, the parts are unknown too.
        let mut no_qmake = complete();
        no_qmake.answers.remove("qmake6 -query");
        let found = Found::look(&no_qmake);
        assert_eq!(found.missing.len(), PARTS.iter().filter(|part| part.what.is_of_qt()).count());
    }

    #[test]
    fn a_part_that_is_missing_is_named() {
        for (file, expected) in [
            (
                "/usr/include/x/qt6/QtQuickTest/quicktest.h",
                "QtQuickTest for developing (QtQuickTest/quicktest.h)",
            ),
            ("/usr/lib/x/qt6/qml/QtQuick/Layouts/qmldir", "the QML module QtQuick.Layouts"),
            (
                "/usr/lib/x/qt6/qml/Qt/labs/folderlistmodel/qmldir",
                "the QML module Qt.labs.folderlistmodel",
            ),
            ("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", "a font"),
        ] {
            let mut system = complete();
            assert!(system.files.remove(file), "{file}");
            check(&system, &[expected]);
        }
        let mut system = complete();
        system.answers.remove("c++ --version");
        check(&system, &["a C++ compiler (c++)"]);
        // `cc` would not use it.
        check(&system.answer("g++ --version", "g++"), &["a C++ compiler (c++)"]);
    }

    #[test]
    fn every_file_is_looked_for() {
        for file in complete().files {
            let mut system = complete();
            system.files.remove(file);
            assert_eq!(Found::look(&system).missing.len(), 1, "{file}");
        }
    }

    #[test]
    fn a_compiler_may_be_named() {
        let mut system = complete();
        system.answers.remove("c++ --version");
        let system = system.answer("clang++ --version", "clang 14");
        let system = system.answer("ccache clang++ -m64 --version", "clang 14");
        for (value, missing) in [
            ("clang++", &[][..]),
            ("ccache clang++ -m64", &[]),
            ("none", &["a C++ compiler (c++)"]),
            ("", &["a C++ compiler (c++)"]),
        ] {
            check(&system.clone().variable("CXX", value), missing);
        }
    }

    #[test]
    fn qmake_is_found_as_the_build_finds_it() {
        const QT_5: &str = "QT_INSTALL_PREFIX:/usr\nQT_INSTALL_HEADERS:/h\nQT_INSTALL_LIBS:/l\n\
            QT_INSTALL_QML:/q\nQT_VERSION:5.15.8\n";
        let mut system = complete();
        system.answers.remove("qmake6 -query");
        check(&system.clone().answer("qmake -query", DEBIAN_QMAKE), &[]);
        for (system, expected) in [
            (system.clone().answer("qmake -query", QT_5), Qt::Missing),
            (system.clone().answer("qmake -query", "what?"), Qt::Missing),
            (complete().variable("QMAKE", "/no/qmake"), Qt::NotThisOne("/no/qmake".into())),
            (
                complete().variable("QMAKE", "q5").answer("q5 -query", QT_5),
                Qt::NotThisOne("q5".into()),
            ),
        ] {
            assert_eq!(Found::look(&system).qt, expected);
        }
        let own = system.variable("QMAKE", "/opt/qmake").answer("/opt/qmake -query", DEBIAN_QMAKE);
        check(&own, &[]);
    }

    #[test]
    fn headers_may_be_in_frameworks_and_modules_in_other_folders() {
        let mut mac = complete();
        mac.os = Os::Mac;
        mac.files.remove("/usr/include/x/qt6/QtCore/qobject.h");
        check(&mac.clone().files(["/usr/lib/x/QtCore.framework/Headers/qobject.h"]), &[]);
        mac.files.insert("/usr/include/x/qt6/QtCore/qobject.h");
        // macOS always has fonts.
        mac.files.remove("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf");
        check(&mac, &[]);

        let mut system = complete();
        system.files.remove("/usr/lib/x/qt6/qml/QtTest/qmldir");
        let system = system.files(["/opt/qml/QtTest/qmldir"]);
        check(&system, &["the QML module QtTest"]);
        check(&system.clone().variable("QML_IMPORT_PATH", "/opt/qml"), &[]);
        check(&system.clone().variable("QML2_IMPORT_PATH", "/opt/qml"), &[]);
    }

    #[test]
    fn fonts_are_found_through_fontconfig_or_in_the_usual_folders() {
        let mut none = complete();
        none.files.remove("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf");
        check(&none, &["a font"]);
        check(&none.clone().answer("fc-list", "\n"), &["a font"]);
        check(&none.clone().answer("fc-list", "/a/b.ttf: A:style=Book\n"), &[]);
        check(&none.clone().files(["/usr/share/fonts/README"]), &["a font"]);
        check(&none.clone().files(["/usr/local/share/fonts/x/A.OTF"]), &[]);
        let home = none.variable("HOME", "/home/me");
        check(&home.clone().files(["/home/me/.fonts/A.ttc"]), &[]);
        check(&home.clone().files(["/home/me/.local/share/fonts/A.ttf"]), &[]);
        check(&home.clone().files(["/home/you/.fonts/A.ttc"]), &["a font"]);
    }
}
