//! Children that were built from something near [`system_tests::gauge::Gauge`]: the first argument
//! says which.

macro_rules! near_copy {
    ($module:ident,
     error { $($field:ident : $type:ty),* }, unit $unit:ty,
     read($($arg:ident : $arg_type:ty),*), extra { $($extra:tt)* } done { $($done:tt)* }) => {
        mod $module {
            use serde::{Deserialize, Serialize};

            #[derive(Debug, Clone, Default, Serialize, Deserialize)]
            pub(crate) struct GaugeConfig {
                pub(crate) port: String,
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
                fn read(&mut self, $($arg: $arg_type),*) -> Result<f64, GaugeError>;
                $($extra)*
                #[property]
                fn unit(&self) -> $unit;
                #[event]
                fn alarm(&self, pressure: f64);
            }

            #[derive(mpcore::Child)]
            #[child(Gauge)]
            pub(crate) struct Copied {}

            impl Gauge for Copied {
                fn read(&mut self, $(_: $arg_type),*) -> Result<f64, GaugeError> {
                    Ok(1.5)
                }
                $($done)*
            }
        }
    };
}

near_copy!(same, error { code: u32 }, unit String,
    read(channel: u16), extra {} done {});
near_copy!(error_field, error { code: u32, detail: String }, unit String,
    read(channel: u16), extra {} done {});
near_copy!(argument, error { code: u32 }, unit String,
    read(channel: u32), extra {} done {});
near_copy!(property, error { code: u32 }, unit Vec<String>,
    read(channel: u16), extra {} done {});
near_copy!(command, error { code: u32 }, unit String,
    read(channel: u16), extra { fn zero(&mut self); } done { fn zero(&mut self) {} });
/// Not near at all.
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
    match std::env::args().nth(2).unwrap_or_default().as_str() {
        "same" => mpcore::child_main::<same::Copied>(),
        "error_field" => mpcore::child_main::<error_field::Copied>(),
        "argument" => mpcore::child_main::<argument::Copied>(),
        "property" => mpcore::child_main::<property::Copied>(),
        "command" => mpcore::child_main::<command::Copied>(),
        "interface" => mpcore::child_main::<interface::Copied>(),
        other => panic!("no look-alike `{other}`"),
    }
}
