//! All code that reads untrusted bytes, as plain functions of bytes, for fuzzers.
//!
//! For any bytes, a function returns quickly, without a panic and without much memory. Nothing else
//! is required of it, except its own assertions. The tests below feed each function with mutated
//! valid inputs ([`mutation`]) and with noise. The `fuzz` program of the whole-system tests does
//! the same for any length of time, and the crate in `fuzz/` does it with libFuzzer.
//!
//! | on | module |
//! |---|---|
//! | values of users' types | [`values`] |
//! | messages: the handshake, control, reports | [`handshake`] |
//! | packets, on either side | [`lanes`] |

mod handshake;
mod lanes;
pub(crate) mod mutation;
mod values;

use crate::fixtures::messages;

/// A decoder, and its seeds.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, which is that of its program in `fuzz/targets`, too.
    pub name: &'static str,
    /// Decodes the bytes.
    pub run: fn(&[u8]),
    seeds: fn() -> Vec<Vec<u8>>,
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target { name: "tree", run: values::tree, seeds: values::trees },
    Target { name: "zoo", run: values::zoo, seeds: values::zoos },
    Target { name: "rows", run: values::rows, seeds: values::all_rows },
    Target { name: "wide", run: values::wide, seeds: values::wides },
    Target { name: "onion", run: values::onion, seeds: values::onions },
    Target { name: "described", run: values::described, seeds: values::all_described },
    Target { name: "borrowed", run: values::borrowed, seeds: values::all_borrowed },
    Target { name: "arguments", run: values::arguments, seeds: values::all_arguments },
    Target { name: "record", run: handshake::record, seeds: messages::records },
    Target { name: "introduction", run: handshake::introduction, seeds: messages::introductions },
    Target { name: "welcome", run: handshake::welcome, seeds: messages::welcomes },
    Target {
        name: "control_state",
        run: handshake::control_state,
        seeds: messages::control_states,
    },
    Target { name: "pong", run: handshake::pong, seeds: messages::pongs },
    Target { name: "bye", run: handshake::bye, seeds: messages::byes },
    Target { name: "panic_report", run: handshake::panic_report, seeds: messages::panic_reports },
    Target { name: "init_failure", run: handshake::init_failure, seeds: messages::init_failures },
    Target { name: "packets", run: lanes::packets, seeds: lanes::events_seeds },
    Target { name: "events", run: lanes::events, seeds: lanes::events_seeds },
    Target { name: "requests", run: lanes::requests, seeds: lanes::requests_seeds },
    Target { name: "control", run: lanes::control, seeds: lanes::control_seeds },
    #[cfg(target_os = "linux")]
    Target { name: "sockets", run: lanes::sockets, seeds: lanes::sockets_seeds },
];

/// Returns valid inputs of a target, for mutation; none for an unknown name.
#[must_use]
pub fn seeds(name: &str) -> Vec<Vec<u8>> {
    let target = TARGETS.iter().find(|target| target.name == name);
    target.map(|target| (target.seeds)()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::TestRunner;

    use super::mutation::{Mutation, mutate};
    use super::*;

    fn mutation() -> impl Strategy<Value = Mutation> {
        let place = any::<u32>();
        prop_oneof![
            (place, 0..8u8).prop_map(|(at, bit)| Mutation::Flip { at, bit }),
            (place, any::<u8>()).prop_map(|(at, byte)| Mutation::Set { at, byte }),
            (place, any::<u16>()).prop_map(|(at, length)| Mutation::Cut { at, length }),
            (place, any::<u16>(), 1..60u8).prop_map(|(at, length, times)| Mutation::Repeat {
                at,
                length,
                times
            }),
            (place, any::<u32>(), place).prop_map(|(at, other, from)| Mutation::Splice {
                at,
                other,
                from
            }),
            (place, any::<u8>()).prop_map(|(at, which)| Mutation::Huge { at, which }),
            (place, prop::collection::vec(any::<u8>(), 1..9))
                .prop_map(|(at, bytes)| Mutation::Insert { at, bytes }),
            place.prop_map(|at| Mutation::End { at }),
        ]
    }

    /// A mutated valid input, or noise.
    fn input(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
        let spoiled = (any::<prop::sample::Index>(), prop::collection::vec(mutation(), 1..6));
        let spoiled = spoiled.prop_map(move |(seed, mutations)| {
            let mut input = seed.get(&seeds).clone();
            for mutation in &mutations {
                mutate(&mut input, mutation, &seeds);
            }
            input
        });
        prop_oneof![9 => spoiled, 1 => prop::collection::vec(any::<u8>(), 0..300)]
    }

    #[test]
    fn whatever_bytes_arrive_each_decoder_comes_to_an_end() {
        for target in TARGETS {
            let mut runner = TestRunner::new(ProptestConfig::with_cases(60));
            let result = runner.run(&input(seeds(target.name)), |input| {
                (target.run)(&input);
                Ok(())
            });
            if let Err(error) = result {
                panic!("{}: {error}", target.name);
            }
        }
    }

    #[test]
    fn valid_inputs_are_read_to_the_end() {
        for target in TARGETS {
            let seeds = seeds(target.name);
            assert!(!seeds.is_empty(), "{}", target.name);
            seeds.iter().for_each(|seed| (target.run)(seed));
        }
        assert!(seeds("no such target").is_empty());
        // Beyond an end mark the functions cannot report their result, so a few are checked here.
        lanes::check_seeds();
    }
}
