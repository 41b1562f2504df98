//! The order in which a child's items may come. Pure.
//!
//! A run goes `Ready` → outcomes → `Bye`, or `InitFailed` → `Bye`, or, if it is stopped before it
//! has begun, just `Bye`. Properties, events, signals and progress may come at any time before the
//! `Bye`, and so may calls that were cancelled before their turn. A child that sends anything else
//! is broken: otherwise `ready` could be emitted twice, or something after the end.

use crate::wire::packets::kinds::{ItemKind, Lane, Phase};

/// How far the child reports to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Told {
    #[default]
    Nothing,
    Ready,
    InitFailed,
    Bye,
}

impl Told {
    /// Records an item, or returns why no item of this kind may come now.
    pub(crate) fn next(&mut self, kind: ItemKind) -> Result<(), &'static str> {
        if kind.lane() != Lane::Events {
            return Err("an item of another lane");
        }
        *self = match (*self, kind.phase()) {
            (Self::Bye, _) => return Err("an item after the last one"),
            (_, Phase::Handshake) => return Err("a second introduction"),
            (Self::Nothing, Phase::Start) if kind == ItemKind::Ready => Self::Ready,
            (Self::Nothing, Phase::Start) => Self::InitFailed,
            (_, Phase::Start) => return Err("a second report on its start"),
            (Self::Nothing | Self::InitFailed, Phase::Running) => {
                return Err("an outcome of a child that is not ready");
            }
            (before, Phase::Running | Phase::UntilEnd) => before,
            (_, Phase::End) => Self::Bye,
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_child_may_tell_in_which_order() {
        use ItemKind::{
            Bye, Call, Cancelled, Event, InitFailed, Introduction, Progress, Property, Ready,
            Returned, Stopped,
        };
        #[track_caller]
        fn check(items: &[ItemKind], refused_at: Option<usize>) {
            let mut told = Told::default();
            let found = items.iter().position(|kind| told.next(*kind).is_err());
            assert_eq!(found, refused_at, "{items:?}");
        }
        check(
            &[Property, Event, Ready, Property, Returned, Progress, Cancelled, Stopped, Bye],
            None,
        );
        check(&[Event, InitFailed, Property, Event, Cancelled, Bye], None);
        check(&[Cancelled, Bye], None);
        check(&[Ready, Ready], Some(1));
        check(&[InitFailed, InitFailed], Some(1));
        check(&[InitFailed, Ready], Some(1));
        check(&[Ready, InitFailed], Some(1));
        check(&[Returned], Some(0));
        check(&[InitFailed, Stopped], Some(1));
        check(&[Bye, Bye], Some(1));
        check(&[Ready, Bye, Event], Some(2));
        check(&[Bye, Ready], Some(1));
        check(&[Introduction], Some(0));
        check(&[Ready, Call], Some(1));
    }
}
