//! The log that `MPCORE_LOG` switches on: lines on stderr, filtered by target and level.

use std::sync::Once;
use std::{env, io};

use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};

/// The variable's name.
const VARIABLE: &str = "MPCORE_LOG";

/// See [`install`](super::install).
#[allow(clippy::print_stderr)]
pub(super) fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let Some(text) = env::var_os(VARIABLE).filter(|text| !text.is_empty()) else { return };
        match filter(&text.to_string_lossy()) {
            Ok(filter) => {
                let layer = tracing_subscriber::fmt::layer().with_writer(io::stderr);
                let log = layer.with_ansi(false).with_filter(filter);
                // Fails if the application has set a subscriber: that one counts.
                let _ = tracing::subscriber::set_global_default(
                    tracing_subscriber::registry().with(log),
                );
            }
            Err(why) => eprintln!("mpcore: {why}"),
        }
    });
}

/// Reads a list such as `mpcore=info,mpcore::call=trace`.
fn filter(text: &str) -> Result<Targets, String> {
    let wrong = || {
        format!(
            "{VARIABLE} is {text:?}, which is no list of `target=level` such as \
             `mpcore=info,mpcore::call=debug` (levels: error, warn, info, debug, trace, off); nothing \
             is logged"
        )
    };
    let is_target = |target: &str| {
        target.split("::").all(|part| {
            !part.is_empty() && part.chars().all(|it| it.is_alphanumeric() || it == '_')
        })
    };
    for directive in text.split(',') {
        let (target, level) = match directive.split_once('=') {
            Some((target, level)) => (target, level),
            // A level for everything.
            None => ("mpcore", directive),
        };
        // Without a name the parser of `tracing` takes `error`.
        let is_level =
            !level.is_empty() && level.parse::<tracing::level_filters::LevelFilter>().is_ok();
        if !is_target(target) || !is_level {
            return Err(wrong());
        }
    }
    text.parse().map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn a_filter_is_a_list_of_targets_and_levels() {
        let mixed = filter("mpcore=info,mpcore::call=trace").unwrap();
        assert!(mixed.would_enable("mpcore::run", &Level::INFO));
        assert!(!mixed.would_enable("mpcore::run", &Level::DEBUG));
        assert!(mixed.would_enable("mpcore::call", &Level::TRACE));
        assert!(filter("debug").unwrap().would_enable("mpcore::stop", &Level::DEBUG));
        for wrong in ["yes please", "mpcore", "mpcore=loud", "=info", "mpcore=info,", "a b=info"] {
            let why = filter(wrong).unwrap_err();
            assert!(why.contains("mpcore=info") && !why.contains('\n'), "{why}");
        }
    }
}
