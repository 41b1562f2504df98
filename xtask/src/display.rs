//! Where windows of tests and benchmarks appear, on a display or offscreen, and what draws them.

use std::path::Path;

use crate::setup::{Os, System};

/// The variables that Qt needs on this machine: none if there is a display or the user has set
/// them.
pub(crate) fn variables(system: &impl System) -> Vec<(&'static str, &'static str)> {
    if system.os() != Os::Unix {
        return Vec::new();
    }
    let mut variables = Vec::new();
    let platform = system.variable("QT_QPA_PLATFORM");
    let display = ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| system.variable(name).is_some());
    let offscreen = match &platform {
        None => !display,
        Some(platform) => platform == "offscreen",
    };
    if offscreen && platform.is_none() {
        variables.push(("QT_QPA_PLATFORM", "offscreen"));
    }
    // Without a graphics card, Qt's own renderer is faster than OpenGL in software, which may also
    // be missing, even if there is a display.
    let card = || !system.entries(Path::new("/dev/dri")).is_empty();
    if system.variable("QT_QUICK_BACKEND").is_none() && (offscreen || !card()) {
        variables.push(("QT_QUICK_BACKEND", "software"));
    }
    variables
}

/// The same as a message for the user; `None` if there is nothing to report.
pub(crate) fn announcement(variables: &[(&str, &str)]) -> Option<String> {
    let why = match variables {
        [] => return None,
        [("QT_QPA_PLATFORM", _), ..] => "there is no display: windows stay offscreen",
        _ => "windows are drawn in software",
    };
    let told = variables.iter().map(|(name, value)| format!("{name}={value}"));
    Some(format!("{why} ({})", told.collect::<Vec<_>>().join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup::Fake;

    #[test]
    fn windows_use_the_available_display() {
        const OFFSCREEN: (&str, &str) = ("QT_QPA_PLATFORM", "offscreen");
        const SOFTWARE: (&str, &str) = ("QT_QUICK_BACKEND", "software");
        let bare = Fake::new(Os::Unix);
        let card = bare.clone().files(["/dev/dri/card0"]);
        for (system, expected) in [
            (bare.clone(), &[OFFSCREEN, SOFTWARE][..]),
            (card.clone(), &[OFFSCREEN, SOFTWARE]),
            (card.clone().variable("DISPLAY", ""), &[OFFSCREEN, SOFTWARE]),
            (card.clone().variable("DISPLAY", ":0"), &[]),
            (card.clone().variable("WAYLAND_DISPLAY", "wayland-0"), &[]),
            (bare.clone().variable("DISPLAY", ":97"), &[SOFTWARE]),
            // The user's setting takes precedence.
            (card.clone().variable("QT_QPA_PLATFORM", "offscreen"), &[SOFTWARE]),
            (card.clone().variable("QT_QPA_PLATFORM", "minimal"), &[]),
            (bare.clone().variable("QT_QUICK_BACKEND", "rhi"), &[OFFSCREEN]),
            (Fake::new(Os::Mac), &[]),
            (Fake::new(Os::Windows), &[]),
        ] {
            assert_eq!(variables(&system), expected, "{system:?}");
        }
    }

    #[test]
    fn offscreen_windows_are_reported() {
        for (system, expected) in [
            (
                Fake::new(Os::Unix),
                Some(
                    "there is no display: windows stay offscreen \
                     (QT_QPA_PLATFORM=offscreen QT_QUICK_BACKEND=software)",
                ),
            ),
            (
                Fake::new(Os::Unix).variable("DISPLAY", ":97"),
                Some("windows are drawn in software (QT_QUICK_BACKEND=software)"),
            ),
            (Fake::new(Os::Mac), None),
        ] {
            assert_eq!(announcement(&variables(&system)).as_deref(), expected);
        }
    }
}
