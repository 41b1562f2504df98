//! Children built from interfaces similar to [`system_tests::gauge::Gauge`], and from one that is
//! not: the first argument after mark and name selects which.

/// Declares a copy of the interface, with these types in it, and its child.
macro_rules! near_copy {
    ($module:ident, link $link:ty, result $result:ty, event $event:meta,
     error { $($field:ident : $type:ty),* }, unit $unit:ty,
     read($($arg:ident : $arg_type:ty),*), extra { $($extra:tt)* } done { $($done:tt)* }) => {
        mod $module {
            use serde::{Deserialize, Serialize};

            #[allow(unused_imports)]
            use super::{Channel, Port};

            #[derive(Debug, Clone, Default, Serialize, Deserialize)]
            pub(crate) struct GaugeConfig {
                pub(crate) port: String,
                pub(crate) link: Link,
            }

            #[derive(Debug, Clone, Default, Serialize, Deserialize)]
            pub(crate) enum Link {
                #[default]
                Serial,
                Net { address: [u8; 4], port: $link },
            }

            #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
            pub(crate) struct GaugeError {
                $(pub(crate) $field: $type),*
            }

            impl std::fmt::Display for GaugeError {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    write!(f, "{self:?}")
                }
            }

            #[mpcore::process(config = GaugeConfig)]
            pub(crate) trait Gauge {
                fn read(&mut self, $($arg: $arg_type),*) -> $result;
                $($extra)*
                #[property]
                fn unit(&self) -> $unit;
                #[$event]
                fn alarm(&self, pressure: f64);
            }

            #[derive(mpcore::Child)]
            #[child(Gauge)]
            pub(crate) struct Copied {}

            impl Gauge for Copied {
                fn read(&mut self, $(_: $arg_type),*) -> $result {
                    Ok(1.5)
                }
                $($done)*
            }
        }
    };
}

near_copy!(same, link u16, result Result<f64, GaugeError>, event event,
    error { code: u32 }, unit String,
    read(channel: u16), extra {} done {});
near_copy!(error_field, link u16, result Result<f64, GaugeError>, event event,
    error { code: u32, detail: String }, unit String,
    read(channel: u16), extra {} done {});
near_copy!(argument, link u16, result Result<f64, GaugeError>, event event,
    error { code: u32 }, unit String,
    read(channel: u32), extra {} done {});
near_copy!(property, link u16, result Result<f64, GaugeError>, event event,
    error { code: u32 }, unit Vec<String>,
    read(channel: u16), extra {} done {});
near_copy!(command, link u16, result Result<f64, GaugeError>, event event,
    error { code: u32 }, unit String,
    read(channel: u16), extra { fn zero(&mut self); } done { fn zero(&mut self) {} });
near_copy!(inside, link u32, result Result<f64, GaugeError>, event event,
    error { code: u32 }, unit String,
    read(channel: u16), extra {} done {});
near_copy!(latest, link u16, result Result<f64, GaugeError>, event event(latest),
    error { code: u32 }, unit String,
    read(channel: u16), extra {} done {});
near_copy!(spelled, link Port, result std::result::Result<f64, self::GaugeError>, event event,
    error { code: u32 }, unit std::string::String,
    read(channel: Channel), extra { } done { });

/// Other names of the same types.
type Port = u16;
type Channel = u16;

/// Not similar at all.
mod interface {
    #[mpcore::process]
    pub(crate) trait Thermometer {
        fn heat(&mut self, degrees: f64);
    }

    #[derive(mpcore::Child)]
    #[child(Thermometer)]
    pub(crate) struct Copied {}

    impl Thermometer for Copied {
        fn heat(&mut self, _: f64) {}
    }
}

fn main() {
    match std::env::args().nth(3).unwrap_or_default().as_str() {
        "same" => mpcore::child_main::<same::Copied>(),
        "error_field" => mpcore::child_main::<error_field::Copied>(),
        "argument" => mpcore::child_main::<argument::Copied>(),
        "property" => mpcore::child_main::<property::Copied>(),
        "command" => mpcore::child_main::<command::Copied>(),
        "inside" => mpcore::child_main::<inside::Copied>(),
        "latest" => mpcore::child_main::<latest::Copied>(),
        "spelled" => mpcore::child_main::<spelled::Copied>(),
        "interface" => mpcore::child_main::<interface::Copied>(),
        other => panic!("no look-alike `{other}`"),
    }
}
