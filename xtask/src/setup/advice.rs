//! What the user has to install where this program may not or cannot.

use std::fmt;

use super::decision::{WhyNot, packages};
use super::parts::Found;

/// The commands for systems other than Debian install everything; all of them accept packages that
/// are already installed.
const ELSEWHERE: &[(&str, &str)] = &[
    (
        "Fedora",
        "sudo dnf install gcc-c++ qt6-qtbase-devel qt6-qtdeclarative-devel dejavu-sans-fonts",
    ),
    ("Arch", "sudo pacman -S --needed gcc qt6-base qt6-declarative ttf-dejavu"),
    ("macOS", "brew install qt && export QMAKE=\"$(brew --prefix qt)/bin/qmake\""),
    (
        "Windows",
        "Qt's online installer (qt.io/download), Qt 6 for MSVC; then, for your version of it:\n\
         set QMAKE=C:\\Qt\\6.8.0\\msvc2022_64\\bin\\qmake.exe\n\
         set PATH=C:\\Qt\\6.8.0\\msvc2022_64\\bin;%PATH%",
    ),
];

/// What is missing, why it was not installed, and what to do. Displayed as several lines.
#[derive(Debug)]
pub(crate) struct Advice {
    missing: Vec<String>,
    why: WhyNot,
    /// The packages for Debian and Ubuntu.
    packages: Vec<&'static str>,
}

impl Advice {
    pub(super) fn new(found: &Found, why: WhyNot) -> Advice {
        Advice { missing: found.names(), why, packages: packages(found) }
    }
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cannot build and run the parts that need Qt; missing:\n")?;
        self.missing.iter().try_for_each(|part| writeln!(f, "  - {part}"))?;
        match &self.why {
            WhyNot::Forbidden => f.write_str("MPQT_NO_INSTALL forbids installing it from here.")?,
            WhyNot::NotThisQt(qmake) => write!(
                f,
                "QMAKE names {}, which is not a qmake of Qt 6: correct it, or unset it for the Qt of \
                 the system.",
                qmake.display()
            )?,
            WhyNot::OtherQt(prefix) => write!(
                f,
                "The selected Qt is in {} and has to be completed from its own source; or set \
                 QMAKE to another one.",
                prefix.display()
            )?,
            WhyNot::NoApt => f.write_str("This command installs nothing on this system.")?,
            WhyNot::NotRoot => {
                f.write_str("It needs root, and sudo is missing or asks for a password.")?;
            }
            WhyNot::StillMissing => f.write_str("apt-get could not install it, see above.")?,
        }
        f.write_str("\n\nTo install what is missing:\n")?;
        let debian = format!(
            "sudo apt-get update && sudo apt-get install --no-install-recommends {}",
            self.packages.join(" ")
        );
        entry(f, "Debian, Ubuntu", &debian)?;
        ELSEWHERE.iter().try_for_each(|(system, command)| entry(f, system, command))?;
        f.write_str("\n`cargo xtask demo --console` needs no Qt.")
    }
}

/// The command on lines of its own, so that it can be copied.
fn entry(f: &mut fmt::Formatter<'_>, system: &str, command: &str) -> fmt::Result {
    writeln!(f, "  {system}")?;
    command.lines().try_for_each(|line| writeln!(f, "    {line}"))
}

#[cfg(test)]
mod tests {
    use super::super::parts::tests::complete;
    use super::*;

    fn advice(why: WhyNot) -> String {
        let mut system = complete();
        system.files.remove("/usr/lib/x/qt6/qml/QtQuick/Layouts/qmldir");
        system.answers.remove("c++ --version");
        Advice::new(&Found::look(&system), why).to_string()
    }

    #[test]
    fn missing_parts_are_named_with_the_command_of_every_system() {
        let expected = "\
cannot build and run the parts that need Qt; missing:
  - a C++ compiler (c++)
  - the QML module QtQuick.Layouts
It needs root, and sudo is missing or asks for a password.

To install what is missing:
  Debian, Ubuntu
    sudo apt-get update && sudo apt-get install --no-install-recommends g++ qml6-module-qtquick-layouts
  Fedora
    sudo dnf install gcc-c++ qt6-qtbase-devel qt6-qtdeclarative-devel dejavu-sans-fonts
  Arch
    sudo pacman -S --needed gcc qt6-base qt6-declarative ttf-dejavu
  macOS
    brew install qt && export QMAKE=\"$(brew --prefix qt)/bin/qmake\"
  Windows
    Qt's online installer (qt.io/download), Qt 6 for MSVC; then, for your version of it:
    set QMAKE=C:\\Qt\\6.8.0\\msvc2022_64\\bin\\qmake.exe
    set PATH=C:\\Qt\\6.8.0\\msvc2022_64\\bin;%PATH%

`cargo xtask demo --console` needs no Qt.";
        assert_eq!(advice(WhyNot::NotRoot), expected);
    }

    #[test]
    fn the_reason_for_not_installing_is_reported() {
        for (why, expected) in [
            (WhyNot::Forbidden, "\nMPQT_NO_INSTALL forbids installing it from here.\n"),
            (
                WhyNot::NotThisQt("/no/qmake".into()),
                "\nQMAKE names /no/qmake, which is not a qmake",
            ),
            (WhyNot::OtherQt("/opt/qt".into()), "\nThe selected Qt is in /opt/qt and"),
            (WhyNot::NoApt, "\nThis command installs nothing on this system.\n"),
            (WhyNot::StillMissing, "\napt-get could not install it, see above.\n"),
        ] {
            let text = advice(why);
            assert!(text.contains(expected), "{text}");
        }
    }
}
