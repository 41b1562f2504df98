//! The rules for a QObject, in addition to those for an interface:
//!
//! * a name is used once: methods, signals and properties share a namespace;
//! * a name is not one that every such object has;
//! * a name begins with a small letter or an underscore, otherwise QML treats it as a type;
//! * a name is not a Rust keyword, which Qt would see with its `r#`;
//! * the struct does not have the name of a class of Qt that the generated code uses.
//!
//! All mistakes are reported at the control's path, the user's own token here; the interface may be
//! elsewhere.

use std::collections::HashMap;

use super::declaration::Declaration;
use super::names::{Names, taken};
use crate::errors::Errors;

pub(super) fn check(declaration: &Declaration, names: &Names, errors: &mut Errors) {
    if ["QByteArray", "QObject", "QString", "QVariant"].iter().any(|qt| declaration.name == qt) {
        let message =
            format!("`{}` is a class of Qt's; give the struct another name", declaration.name);
        errors.at(&declaration.name, message);
    }
    let mut seen = HashMap::new();
    for (what, ident) in names.members() {
        let name = ident.to_string();
        let mut tell = |why: &str| {
            let advice = match what {
                "command" => "rename it with `#[command(rename = \"..\")]`",
                "signal" => "give it another name with `name = \"..\"` or `notify = \"..\"`",
                _ => "give it another name",
            };
            let message = format!("{what} `{name}` cannot be in a QObject: {why}; {advice}");
            errors.at(&declaration.control, message);
        };
        if let Some(reason) = taken(&name) {
            tell(&format!("the name is taken: {reason}"));
        } else if name.starts_with("r#") {
            tell("the name is a keyword of Rust, and Qt would see it with its `r#`");
        } else if name.starts_with(char::is_uppercase) {
            tell("a name that begins with a capital letter is a type in QML");
        } else if let Some(other) = seen.insert(name.clone(), what) {
            tell(&format!("there is a {other} of that name, and in QML they share a namespace"));
        }
    }
}
