//! The names in a QObject, where methods, signals and properties share one namespace: their
//! spelling in QML, and the names that are taken.

use proc_macro2::Ident;
use syn::ext::IdentExt;

use super::declaration::{Case, Declaration};
use crate::model::Interface;

/// All members of the interface with their names in QML, in the order of the model.
pub(super) struct Names {
    pub(super) commands: Vec<Command>,
    pub(super) properties: Vec<Property>,
    pub(super) events: Vec<Ident>,
    pub(super) own: Own,
}

pub(super) struct Command {
    pub(super) method: Ident,
    pub(super) args: Vec<Ident>,
    pub(super) signal: Option<Ident>,
}

pub(super) struct Property {
    pub(super) name: Ident,
    pub(super) notify: Ident,
    /// The method that writes it, if it can be written.
    pub(super) setter: Option<Ident>,
}

/// The members that every such object has, for any interface.
pub(super) struct Own {
    pub(super) config_changed: Ident,
    pub(super) exception_raised: Ident,
    pub(super) call_finished: Ident,
    pub(super) call_failed: Ident,
}

/// Names of `QObject`, of JavaScript objects, of the derived code, and our own, with the reason
/// that completes "is taken: ". Our own are in Rust's spelling; see [`taken`].
const TAKEN: &[(&str, &str)] = &[
    ("objectName", "every QObject has it"),
    ("objectNameChanged", "every QObject has it"),
    ("destroyed", "every QObject has it"),
    ("deleteLater", "every QObject has it"),
    ("parent", "every QObject has it"),
    ("id", "it names the object in a QML document"),
    ("destroy", "every object in QML has it"),
    ("toString", "every object in QML has it"),
    ("config", "it is the argument of the child's constructor"),
    ("config_changed", "it reports a change of `config`"),
    ("process", "it gives the child's life cycle"),
    ("exception_raised", "it is the signal of failed commands and of crashes"),
    ("call_finished", "it reports that a call has succeeded"),
    ("call_failed", "it reports that a call has failed"),
    ("attach", "it shows a control that exists"),
    ("control", "it gives the control"),
    ("meta_object", "`derive(QObject)` calls it"),
    ("static_meta_object", "`derive(QObject)` calls it"),
    ("get_cpp_object", "`derive(QObject)` calls it"),
    ("cpp_construct", "`derive(QObject)` calls it"),
    ("qml_construct", "`derive(QObject)` calls it"),
    ("cpp_size", "`derive(QObject)` calls it"),
    ("get_from_cpp", "`derive(QObject)` calls it"),
    ("get_object_description", "`derive(QObject)` calls it"),
    ("default", "`derive(Default)` makes it"),
];

/// Returns the reason why a name cannot be used, if there is one.
pub(super) fn taken(name: &str) -> Option<&'static str> {
    let is = |taken: &str| name == taken || name == camel(taken);
    TAKEN.iter().find(|(taken, _)| is(taken)).map(|(_, reason)| *reason)
}

impl Names {
    pub(super) fn of(declaration: &Declaration, interface: &Interface) -> Names {
        let name = |ident: &Ident| cased(ident, declaration.case);
        let own = |text: &str| cased(&Ident::new(text, declaration.name.span()), declaration.case);
        let commands = interface.commands.iter().map(|command| Command {
            method: name(&command.control),
            args: command.args.iter().map(|arg| name(&arg.ident)).collect(),
            signal: command.signal.as_ref().map(name),
        });
        let properties = interface.properties.iter().map(|property| {
            let setter = crate::naming::setter(&property.ident);
            let is_written = interface.commands.iter().any(|command| command.control == setter);
            let notify = property.notify.clone();
            let notify = notify.unwrap_or_else(|| crate::naming::notify(&property.ident));
            Property {
                name: name(&property.ident),
                notify: name(&notify),
                setter: is_written.then(|| name(&setter)),
            }
        });
        Names {
            commands: commands.collect(),
            properties: properties.collect(),
            events: interface.events.iter().map(|event| name(&event.ident)).collect(),
            own: Own {
                config_changed: own("config_changed"),
                exception_raised: own("exception_raised"),
                call_finished: own("call_finished"),
                call_failed: own("call_failed"),
            },
        }
    }

    /// Returns every name of the interface, with the word for the kind of its item.
    pub(super) fn members(&self) -> impl Iterator<Item = (&'static str, &Ident)> {
        let methods = self.commands.iter().map(|command| ("command", &command.method));
        let results = self.commands.iter().filter_map(|it| Some(("signal", it.signal.as_ref()?)));
        let properties = self.properties.iter().map(|property| ("property", &property.name));
        let notifies = self.properties.iter().map(|property| ("signal", &property.notify));
        let events = self.events.iter().map(|event| ("event", event));
        methods.chain(results).chain(properties).chain(notifies).chain(events)
    }
}

/// Returns a name as QML has it.
fn cased(ident: &Ident, case: Case) -> Ident {
    match case {
        Case::Snake => ident.clone(),
        Case::Camel => {
            let name = camel(&ident.unraw().to_string());
            // A keyword keeps its `r#`, by which `check` recognises it, except for those that have
            // no raw form: `self_` becomes `self`.
            let has_raw_form = !matches!(name.as_str(), "self" | "Self" | "super" | "crate");
            match syn::parse_str::<Ident>(&name) {
                Err(_) if has_raw_form => Ident::new_raw(&name, ident.span()),
                _ => Ident::new(&name, ident.span()),
            }
        }
    }
}

/// Converts `add_two_finished` to `addTwoFinished`. Leading underscores are kept.
fn camel(name: &str) -> String {
    let leading = name.len() - name.trim_start_matches('_').len();
    let mut camel = name[..leading].to_owned();
    let mut upper = false;
    for char in name[leading..].chars() {
        match char {
            '_' => upper = true,
            char if upper => {
                camel.extend(char.to_uppercase());
                upper = false;
            }
            char => camel.push(char),
        }
    }
    camel
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn camel_case() {
        for (name, expected) in [
            ("add_two_finished", "addTwoFinished"),
            ("power", "power"),
            ("set_power_2", "setPower2"),
            ("_private_one", "_privateOne"),
            ("alreadyCamel", "alreadyCamel"),
            ("ends_", "ends"),
        ] {
            assert_eq!(camel(name), expected);
        }
    }

    #[test]
    fn own_names_are_taken_in_both_spellings() {
        for name in ["call_failed", "callFailed", "destroyed", "process", "objectName"] {
            assert!(taken(name).is_some(), "{name}");
        }
        assert_eq!(taken("add_two"), None);
    }
}
