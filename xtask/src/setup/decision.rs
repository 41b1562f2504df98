//! Decides what to do about missing parts: nothing, an installation with the rights that there are,
//! or a message that says why not.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::apt::{Apt, Rights};
use super::parts::{Found, Qt};
use super::system::System;

/// Forbids installing anything, unless it is empty or `0`.
const NO_INSTALL: &str = "MPQT_NO_INSTALL";

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Plan {
    Nothing,
    Install(Apt),
    Tell(WhyNot),
}

/// Why a missing part is not installed from here.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum WhyNot {
    Forbidden,
    /// The user's `QMAKE` is not a qmake of Qt 6.
    NotThisQt(OsString),
    /// The parts are missing in a Qt that system packages cannot extend.
    OtherQt(PathBuf),
    /// Neither Debian nor Ubuntu.
    NoApt,
    NotRoot,
    /// The installation was tried and did not help.
    StillMissing,
}

pub(super) fn decide(system: &impl System, found: &Found) -> Plan {
    if found.missing.is_empty() {
        return Plan::Nothing;
    }
    match &found.qt {
        Qt::NotThisOne(qmake) => return Plan::Tell(WhyNot::NotThisQt(qmake.clone())),
        Qt::Found { prefix, .. }
            if prefix != Path::new("/usr")
                && found.missing.iter().any(|part| part.what.is_of_qt()) =>
        {
            return Plan::Tell(WhyNot::OtherQt(prefix.clone()));
        }
        _ => {}
    }
    if !is_debian(system) {
        return Plan::Tell(WhyNot::NoApt);
    }
    if system.variable(NO_INSTALL).is_some_and(|value| value != "0") {
        return Plan::Tell(WhyNot::Forbidden);
    }
    match rights(system) {
        Some(rights) => Plan::Install(Apt::new(packages(found), rights)),
        None => Plan::Tell(WhyNot::NotRoot),
    }
}

/// The packages that contain the missing parts, without duplicates.
pub(super) fn packages(found: &Found) -> Vec<&'static str> {
    let mut packages = Vec::new();
    for part in &found.missing {
        if !packages.contains(&part.debian) {
            packages.push(part.debian);
        }
    }
    packages
}

/// Or a derivative: the packages have the same names in Ubuntu and Mint.
fn is_debian(system: &impl System) -> bool {
    system.has_file(Path::new("/etc/debian_version"))
        && system.answer(OsStr::new("apt-get"), &["--version"]).is_some()
}

/// Only rights that need no password.
fn rights(system: &impl System) -> Option<Rights> {
    let user = system.answer(OsStr::new("id"), &["-u"]);
    if user.is_some_and(|user| user.trim() == "0") {
        return Some(Rights::Root);
    }
    system.answer(OsStr::new("sudo"), &["-n", "true"]).map(|_| Rights::Sudo)
}

#[cfg(test)]
mod tests {
    use super::super::parts::tests::{DEBIAN_QMAKE, complete};
    use super::super::system::Os;
    use super::super::system::fake::Fake;
    use super::*;

    fn debian(system: Fake) -> Fake {
        system.files(["/etc/debian_version"]).answer("apt-get --version", "apt 2.6.1")
    }

    fn root(system: Fake) -> Fake {
        system.answer("id -u", "0\n")
    }

    fn user(system: Fake) -> Fake {
        system.answer("id -u", "1000\n")
    }

    fn without(mut system: Fake, file: &str) -> Fake {
        assert!(system.files.remove(file), "{file}");
        system
    }

    const LAYOUTS: &str = "/usr/lib/x/qt6/qml/QtQuick/Layouts/qmldir";
    const FONT: &str = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf";

    #[track_caller]
    fn check(system: &Fake, expected: &Plan) {
        assert_eq!(decide(system, &Found::look(system)), *expected, "{system:?}");
    }

    #[test]
    fn a_complete_machine_needs_no_action() {
        for system in [complete(), root(debian(complete())), user(debian(complete()))] {
            check(&system, &Plan::Nothing);
            check(&system.variable(NO_INSTALL, "1"), &Plan::Nothing);
        }
    }

    #[test]
    fn exactly_the_missing_parts_are_installed() {
        let install =
            |packages: &[&'static str], rights| Plan::Install(Apt::new(packages.to_vec(), rights));
        let system = debian(without(complete(), LAYOUTS));
        let layouts = ["qml6-module-qtquick-layouts"];
        check(&root(system.clone()), &install(&layouts, Rights::Root));
        let sudoer = user(system.clone()).answer("sudo -n true", "");
        check(&sudoer, &install(&layouts, Rights::Sudo));
        check(&sudoer.variable(NO_INSTALL, "0"), &install(&layouts, Rights::Sudo));
        check(
            &root(without(system, FONT)),
            &install(&["qml6-module-qtquick-layouts", "fonts-dejavu-core"], Rights::Root),
        );
        // Packages that contain several parts are listed once.
        let all = [
            "g++",
            "qt6-base-dev",
            "qt6-declarative-dev",
            "qml6-module-qtquick",
            "qml6-module-qtquick-window",
            "qml6-module-qtquick-controls",
            "qml6-module-qtquick-layouts",
            "qml6-module-qtquick-templates",
            "qml6-module-qtquick-shapes",
            "qml6-module-qtquick-dialogs",
            "qml6-module-qt-labs-folderlistmodel",
            "qml6-module-qtqml-models",
            "qml6-module-qtqml-workerscript",
            "qml6-module-qttest",
            "fonts-dejavu-core",
        ];
        check(&root(debian(Fake::new(Os::Unix))), &install(&all, Rights::Root));
    }

    #[test]
    fn missing_parts_are_reported_if_they_cannot_be_installed() {
        let bare = without(complete(), LAYOUTS);
        for (system, why) in [
            (root(debian(bare.clone())).variable(NO_INSTALL, "1"), WhyNot::Forbidden),
            (user(debian(bare.clone())), WhyNot::NotRoot),
            // Without `id`, no installation is attempted.
            (debian(bare.clone()), WhyNot::NotRoot),
            (root(bare.clone()), WhyNot::NoApt),
            (root(Fake::new(Os::Mac)), WhyNot::NoApt),
            (Fake::new(Os::Windows), WhyNot::NoApt),
            // Another program that is called apt-get.
            (root(bare.clone()).answer("apt-get --version", "apt"), WhyNot::NoApt),
            (
                root(debian(complete())).variable("QMAKE", "/no/qmake"),
                WhyNot::NotThisQt("/no/qmake".into()),
            ),
        ] {
            check(&system, &Plan::Tell(why));
        }
    }

    #[test]
    fn packages_add_nothing_to_a_qt_from_elsewhere() {
        let elsewhere: &'static str = DEBIAN_QMAKE.replace("PREFIX:/usr", "PREFIX:/opt/qt").leak();
        let system = |file| {
            let system = root(debian(without(complete(), file)));
            system.answer("qmake6 -query", elsewhere)
        };
        check(&system(LAYOUTS), &Plan::Tell(WhyNot::OtherQt("/opt/qt".into())));
        // But fonts can be installed for any Qt.
        check(&system(FONT), &Plan::Install(Apt::new(vec!["fonts-dejavu-core"], Rights::Root)));
    }
}
