//! A zoo of types: each value arrives as it was sent, or is refused with its type's name.
//!
//! Twelve ways to put a type into another (serde's attributes among them) times twenty types make
//! 240. Their values are sent to a real child as argument and come back as result, event and
//! property. Each must be equal to what was sent; it may only be refused if `serde_json` does not
//! carry it either.

use std::collections::BTreeMap;
use std::fmt::Debug;

use fastrand::Rng;
use mpcore::{CallError, ExceptionKind};
use serde::Serialize;
use serde::de::DeserializeOwned;
use system_tests::{LONG, outcome};

mod payloads;
mod wrappers;

use payloads::Sample;

mpcore::test_support!();

/// Values of each type for each of the three ways: 10,080 in all.
const VALUES: u64 = 14;

/// What happened to one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    Equal,
    Refused,
}

/// How many values had which fate, by type.
type Fates = BTreeMap<(&'static str, Fate), usize>;

fn sample<T: Sample>(seed: u64) -> T {
    T::sample(&mut Rng::with_seed(seed))
}

/// Checks that `got` equals `sent`, or was refused as by `serde_json`.
#[track_caller]
fn judge<T>(name: &'static str, way: &str, sent: &T, got: Result<T, String>) -> Fate
where
    T: Serialize + DeserializeOwned + Debug,
{
    let text = format!("{sent:?}");
    match got {
        Ok(got) => {
            assert_eq!(format!("{got:?}"), text, "{name}, as {way}: another value");
            Fate::Equal
        }
        Err(refusal) => {
            let json =
                serde_json::to_string(sent).and_then(|json| serde_json::from_str::<T>(&json));
            let through_json = json.map(|value| format!("{value:?}"));
            assert_ne!(
                through_json.ok(),
                Some(text),
                "{name}, as {way}: JSON carries it: {refusal}"
            );
            let type_name = std::any::type_name::<T>().rsplit("::").last().unwrap_or_default();
            let type_name = type_name.trim_end_matches('>');
            assert!(
                refusal.contains(type_name),
                "{name}, as {way}: `{refusal}` names no {type_name}"
            );
            Fate::Refused
        }
    }
}

/// Declares a module for each wrapper: three children, and a test for each way to send a value.
macro_rules! zoo {
    ($($wrapper:ident: [$($name:ident: $payload:ty),* $(,)?];)*) => {
        $(
            mod $wrapper {
                use super::payloads::*;
                use super::wrappers::$wrapper as Wrapped;
                use super::*;

                #[allow(non_camel_case_types)]
                #[derive(Clone, Copy)]
                enum Index { $($name),* }

                #[mpcore::process]
                trait Echo {
                    $(fn $name(&mut self, value: Wrapped<$payload>) -> Wrapped<$payload>;)*
                }

                #[derive(mpcore::Child)]
                #[child(Echo)]
                struct EchoProcess {}

                impl Echo for EchoProcess {
                    $(fn $name(&mut self, value: Wrapped<$payload>) -> Wrapped<$payload> { value })*
                }

                #[mpcore::process]
                trait Events {
                    fn emit(&mut self, index: u16, seed: u64);
                    $(#[event] fn $name(&self, value: Wrapped<$payload>);)*
                }

                #[derive(mpcore::Child)]
                #[child(Events)]
                struct EventsProcess { cx: EventsContext }

                impl Events for EventsProcess {
                    fn emit(&mut self, index: u16, seed: u64) {
                        $(if index == Index::$name as u16 { self.cx.$name.emit(sample(seed)); })*
                    }
                }

                #[mpcore::process]
                trait Properties {
                    fn change(&mut self, index: u16, seed: u64) -> Option<String>;
                    $(#[property(default = sample(0))] fn $name(&self) -> Wrapped<$payload>;)*
                }

                #[derive(mpcore::Child)]
                #[child(Properties)]
                struct PropertiesProcess { cx: PropertiesContext }

                impl Properties for PropertiesProcess {
                    fn change(&mut self, index: u16, seed: u64) -> Option<String> {
                        let mut refused = None;
                        $(
                            if index == Index::$name as u16 {
                                let changed = self.cx.$name.try_set(sample(seed));
                                refused = changed.err().map(|error| error.to_string());
                            }
                        )*
                        refused
                    }
                }

                #[test]
                fn arguments_and_results_arrive_as_they_were_sent() {
                    let control = EchoControl::spawn::<EchoProcess>(()).unwrap();
                    let mut fates = Fates::new();
                    $(
                        for seed in 0..VALUES {
                            let sent: Wrapped<$payload> = sample(seed);
                            let got = match outcome(control.$name(sample(seed))) {
                                Ok(value) => Ok(value),
                                Err(CallError::Encode(text) | CallError::Decode(text)) => Err(text),
                                Err(error) => panic!("{}: {error}", stringify!($name)),
                            };
                            let fate = judge(stringify!($name), "argument", &sent, got);
                            *fates.entry((stringify!($name), fate)).or_default() += 1;
                        }
                    )*
                    check_refused(&fates);
                }

                #[test]
                fn events_arrive_as_they_were_sent() {
                    let control = EventsControl::spawn::<EventsProcess>(()).unwrap();
                    let exceptions = control.signals().exception_raised.receiver();
                    let mut fates = Fates::new();
                    $(
                        let events = control.signals().$name.receiver();
                        for seed in 0..VALUES {
                            let sent: Wrapped<$payload> = sample(seed);
                            outcome(control.emit(Index::$name as u16, seed)).unwrap();
                            // One of the two comes.
                            let deadline = std::time::Instant::now() + LONG;
                            let got = loop {
                                assert!(std::time::Instant::now() < deadline, "neither comes");
                                if let Some((value,)) = events.try_recv() {
                                    break Ok(value);
                                }
                                if let Ok((exception,)) = exceptions.recv_timeout(std::time::Duration::from_millis(1)) {
                                    let event = stringify!($name);
                                    assert_eq!(exception.kind, ExceptionKind::UndeliveredEvent { event });
                                    break Err(exception.message);
                                }
                            };
                            let fate = judge(stringify!($name), "event", &sent, got);
                            *fates.entry((stringify!($name), fate)).or_default() += 1;
                        }
                    )*
                    check_refused(&fates);
                }

                #[test]
                fn properties_arrive_as_they_were_set() {
                    let control = PropertiesControl::spawn::<PropertiesProcess>(()).unwrap();
                    control.process().wait_ready(LONG).unwrap();
                    let mut fates = Fates::new();
                    $(
                        let mut kept: Wrapped<$payload> = sample(0);
                        for seed in 1..=VALUES {
                            let sent: Wrapped<$payload> = sample(seed);
                            let refused = outcome(control.change(Index::$name as u16, seed)).unwrap();
                            let held = format!("{:?}", control.$name());
                            let fate = match refused {
                                None => judge(stringify!($name), "property", &sent, Ok(control.$name())),
                                Some(refusal) => {
                                    assert_eq!(held, format!("{kept:?}"), "it keeps its old value");
                                    judge(stringify!($name), "property", &sent, Err(refusal))
                                }
                            };
                            if fate == Fate::Equal {
                                kept = sent;
                            }
                            *fates.entry((stringify!($name), fate)).or_default() += 1;
                        }
                    )*
                    check_refused(&fates);
                }
            }
        )*
    };
}

/// Every value of every other type arrives.
#[track_caller]
fn check_refused(fates: &Fates) {
    let all: usize = fates.values().sum();
    assert_eq!(all as u64, 20 * VALUES);
    for ((name, fate), count) in fates {
        // serde buffers the content of tagged and flattened types in a form without 128-bit
        // integers.
        assert!(*fate == Fate::Equal || *name == "wide", "{count} of {name} were refused");
    }
}

/// The zoo: each of these wrappers with every type.
macro_rules! every_payload {
    ($($wrapper:ident)*) => {
        zoo! {
            $($wrapper: [
                small: u8,
                signed: i64,
                wide: u128,
                real: f64,
                short_real: f32,
                letter: char,
                text: String,
                unit: (),
                maybe: Option<bool>,
                maybe_twice: Option<Option<u8>>,
                maybe_unit: Option<()>,
                row: Vec<(i16, String)>,
                array: [u16; 3],
                by_number: BTreeMap<u32, char>,
                by_pair: BTreeMap<(i8, bool), Option<f64>>,
                block: Block,
                mode: Mode,
                pulse: Pulse,
                time: std::time::Duration,
                either: Result<u8, Text>,
            ];)*
        }
    };
}

every_payload! {
    plain newtype tuple skipped flat tagged adjacent untagged variants rows keyed nested
}
