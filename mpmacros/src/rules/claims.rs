//! Which method needs which name in which namespace. One method claims several names: a command its
//! method in the trait, its stub on the control, its signal on both sides. [`contested`] finds the
//! claims that cannot be met; [`crate::rules::check`] reports them, [`crate::fallback`] drops them.
//! A [`Part`] has the words for messages about a claim.

use std::collections::HashMap;

use proc_macro2::Ident;

use crate::model::{Interface, Origin};
use crate::naming::{self, Namespace, Reserved};

/// One name that one method needs in one namespace.
pub(crate) struct Claim<'a> {
    pub(crate) namespace: Namespace,
    pub(crate) ident: &'a Ident,
    pub(crate) part: Part,
    /// The method of the trait it comes from.
    pub(crate) method: usize,
    /// Whether the macro made the name from the method's. Derived claims come after all others, so
    /// that a clash is reported where the user has an attribute to solve it.
    derived: bool,
}

/// The item that the name is for. The number is the index in the interface's list of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// A command's method in the trait.
    Method(usize),
    /// A command's stub on the control.
    Stub(usize),
    /// A command's signal.
    Signal(usize),
    /// A property's getter on the control.
    Getter(usize),
    /// A property's signal.
    Notify(usize),
    /// A property in the context.
    Value(usize),
    /// An event, on both sides.
    Event(usize),
}

/// Why a claim cannot be met.
pub(crate) enum Contest<'c, 'a> {
    /// The name begins with `__`.
    Prefix,
    Reserved(&'static Reserved),
    /// Another claim came first.
    Taken(&'c Claim<'a>),
}

/// Returns every claim of an interface.
pub(crate) fn claims(interface: &Interface) -> Vec<Claim<'_>> {
    let mut claims = Vec::new();
    let mut claim = |namespace, ident, part, method, derived| {
        claims.push(Claim { namespace, ident, part, method, derived });
    };
    for (i, command) in interface.commands.iter().enumerate() {
        let method = interface.method_of(command);
        let setter = matches!(command.origin, Origin::Setter(_));
        claim(Namespace::Trait, &command.ident, Part::Method(i), method, setter);
        claim(Namespace::Control, &command.control, Part::Stub(i), method, setter);
        if let Some(signal) = &command.signal {
            let mark = interface.methods[method].marks.signal.as_ref();
            let derived = mark.is_none_or(|mark| mark.name.is_none());
            claim(Namespace::Signals, signal, Part::Signal(i), method, derived);
            claim(Namespace::Context, signal, Part::Signal(i), method, derived);
        }
    }
    for (i, property) in interface.properties.iter().enumerate() {
        let method = property.method;
        claim(Namespace::Control, &property.ident, Part::Getter(i), method, false);
        claim(Namespace::Context, &property.ident, Part::Value(i), method, false);
        if let Some(notify) = &property.notify {
            let mark = interface.methods[method].marks.property.as_ref();
            let derived = mark.is_none_or(|mark| mark.notify.is_none());
            claim(Namespace::Signals, notify, Part::Notify(i), method, derived);
        }
    }
    for (i, event) in interface.events.iter().enumerate() {
        claim(Namespace::Signals, &event.ident, Part::Event(i), event.method, false);
        claim(Namespace::Context, &event.ident, Part::Event(i), event.method, false);
    }
    claims.sort_by_key(|claim| (claim.derived, claim.method));
    claims
}

/// Returns the claims that cannot be met, each with the reason.
pub(crate) fn contested<'c, 'a>(claims: &'c [Claim<'a>]) -> Vec<(&'c Claim<'a>, Contest<'c, 'a>)> {
    let mut met: HashMap<(Namespace, String), &Claim<'a>> = HashMap::new();
    let mut contested = Vec::new();
    for claim in claims {
        let name = naming::plain(claim.ident);
        if name.starts_with(naming::RESERVED_PREFIX) {
            contested.push((claim, Contest::Prefix));
        } else if let Some(reserved) = naming::taken(claim.namespace, &name) {
            contested.push((claim, Contest::Reserved(reserved)));
        } else if let Some(first) = met.get(&(claim.namespace, name.clone())) {
            contested.push((claim, Contest::Taken(first)));
        } else {
            met.insert((claim.namespace, name), claim);
        }
    }
    contested
}

impl Part {
    /// Returns the item in words: "the signal of the command `sweep`".
    pub(crate) fn describe(self, interface: &Interface) -> String {
        let command = |i: usize| {
            let command = &interface.commands[i];
            match command.origin {
                Origin::Method(_) => format!("the command `{}`", naming::plain(&command.ident)),
                Origin::Setter(p) => format!("the setter of {}", property_of(interface, p)),
            }
        };
        match self {
            Part::Method(i) | Part::Stub(i) => command(i),
            Part::Signal(i) => format!("the signal of {}", command(i)),
            Part::Getter(i) | Part::Value(i) => property_of(interface, i),
            Part::Notify(i) => format!("the signal of {}", property_of(interface, i)),
            Part::Event(i) => {
                format!("the event `{}`", naming::plain(&interface.events[i].ident))
            }
        }
    }

    /// Returns how the user can choose another name.
    pub(crate) fn remedy(self, interface: &Interface) -> &'static str {
        match self {
            Part::Stub(i) if matches!(interface.commands[i].origin, Origin::Method(_)) => {
                "give the command another name there with `#[command(rename = \"..\")]`"
            }
            Part::Signal(_) => "choose another with `#[signal(name = \"..\")]`",
            Part::Notify(_) => "choose another with `#[property(notify = \"..\")]`",
            _ => "choose another name",
        }
    }
}

fn property_of(interface: &Interface, index: usize) -> String {
    format!("the property `{}`", naming::plain(&interface.properties[index].ident))
}
