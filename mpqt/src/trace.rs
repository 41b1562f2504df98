//! Events for `tracing`, with mpcore's rules for subscribers; `docs/tracing.md` lists them.

/// Emits an event: level, target, the span of the thread, its name, and its fields. They are evaluated
/// only if the level is enabled.
macro_rules! event {
    ($level:ident, $target:literal, in None, $name:literal $(, $field:ident = $value:expr)* $(,)?) => {
        if ::mpcore::__private::is_traced(::tracing::Level::$level) {
            $(#[allow(clippy::redundant_locals)] let $field = $value;)*
            ::mpcore::__private::trace(move || ::tracing::event!(
                name: $name, target: $target, ::tracing::Level::$level, $($field,)* $name
            ));
        }
    };
}

pub(crate) use event;
