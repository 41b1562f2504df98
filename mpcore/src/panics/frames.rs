//! The part of a backtrace that is the user's: between the code that panics and the runtime that
//! has called the user's code.
//!
//! Std cuts only the backtraces that it prints itself. Without symbols nothing can be told apart,
//! and the text stays as it is.

/// Calls the user's code: its frame in a backtrace is where the user's frames end.
#[inline(never)]
pub(crate) fn begin_user_code<R>(code: impl FnOnce() -> R) -> R {
    let result = code();
    // Otherwise the call above is the last thing that this function does, and has no frame.
    std::hint::black_box(());
    result
}

/// In the frame of [`begin_user_code`].
const BEGIN: &str = "mpcore::panics::frames::begin_user_code";

/// In the last frame of the panic hook, as std marks it.
const END_OF_HOOK: &str = "__rust_end_short_backtrace";

/// Between the hook and the code that panics.
const MACHINERY: [&str; 8] = [
    "rust_begin_unwind",
    "__rustc::rust_begin_unwind",
    "core::panicking::",
    "std::panicking::",
    "core::option::unwrap_failed",
    "core::option::expect_failed",
    "core::result::unwrap_failed",
    "core::slice::index::",
];

/// Returns the user's frames of a backtrace, numbered from 0.
pub(crate) fn of_user(backtrace: &str) -> String {
    let mut frames = frames(backtrace);
    let hook = frames.iter().position(|frame| frame.symbol.contains(END_OF_HOOK));
    let begin = frames.iter().position(|frame| frame.symbol.contains(BEGIN));
    let (Some(hook), Some(begin)) = (hook, begin) else { return backtrace.to_owned() };
    frames.truncate(begin);
    frames.drain(..=hook.min(begin.saturating_sub(1)));
    let is_user =
        |frame: &Frame<'_>| !MACHINERY.iter().any(|start| frame.symbol.starts_with(start));
    let first = frames.iter().position(is_user).unwrap_or(frames.len());
    frames.drain(..first);
    // The code that the macro generates implements a trait of mpcore.
    while frames.last().is_some_and(Frame::is_of_runtime) {
        frames.pop();
    }
    let mut text = String::new();
    for (number, Frame { symbol, place }) in frames.iter().enumerate() {
        text.push_str(&format!("{number:>4}: {symbol}\n{place}"));
    }
    text
}

/// A frame, and the lines that say where it is.
struct Frame<'a> {
    symbol: &'a str,
    place: String,
}

impl Frame<'_> {
    fn is_of_runtime(&self) -> bool {
        let paths = self.symbol.match_indices("mpcore::");
        let is_crate =
            |before: Option<char>| before.is_none_or(|it| !it.is_alphanumeric() && it != '_');
        paths.into_iter().any(|(at, _)| is_crate(self.symbol[..at].chars().next_back()))
            || self.symbol.starts_with("core::ops::function::")
    }
}

/// Splits a backtrace into its frames.
fn frames(backtrace: &str) -> Vec<Frame<'_>> {
    let mut frames: Vec<Frame<'_>> = Vec::new();
    for line in backtrace.lines() {
        let numbered = line.trim_start().split_once(": ");
        let numbered = numbered.filter(|(number, _)| number.parse::<u32>().is_ok());
        match (numbered, frames.last_mut()) {
            (Some((_, symbol)), _) => frames.push(Frame { symbol, place: String::new() }),
            (None, Some(frame)) => frame.place.push_str(&format!("{line}\n")),
            (None, None) => {}
        }
    }
    frames
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As std prints it, without the paths of the standard library.
    const WHOLE: &str = "   0: mpcore::child::panic::report
             at ./mpcore/src/child/panic.rs:37:21
   1: std::panicking::panic_with_hook
   2: std::sys::backtrace::__rust_end_short_backtrace
   3: __rustc::rust_begin_unwind
   4: core::panicking::panic_fmt
   5: app::check::{{closure}}
             at ./app/src/main.rs:12:9
   6: mpcore::child::context::property::Property<T>::modify
             at ./mpcore/src/child/context/property.rs:80:9
   7: <app::Lab as app::Laser>::fire
             at ./app/src/main.rs:10:5
   8: app::_::<impl mpcore::child::interface::Interface for dyn app::Laser>::__dispatch
             at ./app/src/main.rs:3:1
   9: mpcore::child::serve::run_command::{{closure}}
             at ./mpcore/src/child/serve.rs:279:9
  10: mpcore::panics::frames::begin_user_code
             at ./mpcore/src/panics/frames.rs:10:18
  11: mpcore::child::panic::guard
  12: main
";

    #[test]
    fn a_backtrace_begins_and_ends_with_the_users_frames() {
        let user = "   0: app::check::{{closure}}
             at ./app/src/main.rs:12:9
   1: mpcore::child::context::property::Property<T>::modify
             at ./mpcore/src/child/context/property.rs:80:9
   2: <app::Lab as app::Laser>::fire
             at ./app/src/main.rs:10:5
";
        assert_eq!(of_user(WHOLE), user);
    }

    #[test]
    fn a_backtrace_without_symbols_stays_as_it_is() {
        for text in ["", "   0: <unknown>\n   1: <unknown>\n", &WHOLE.replace(BEGIN, "<unknown>")] {
            assert_eq!(of_user(text), text);
        }
    }

    #[test]
    fn a_crate_with_a_similar_name_is_the_users() {
        let of = |symbol| Frame { symbol, place: String::new() }.is_of_runtime();
        assert!(of("mpcore::child::request::decode") && of("<T as mpcore::Wire>::x"));
        assert!(!of("lamp_mpcore::work") && !of("app::mpcored::work"));
    }
}
