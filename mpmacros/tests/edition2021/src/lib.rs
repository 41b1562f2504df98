//! Interfaces in a crate of edition 2021, under lints that look at everything. Other crates
//! use them: see `tests/callback.rs`.

#![forbid(unsafe_code)]
#![deny(
    missing_docs,
    warnings,
    clippy::all,
    clippy::pedantic,
    unreachable_pub,
    missing_debug_implementations,
    unused_qualifications,
    unused_results,
    single_use_lifetimes,
    trivial_casts,
    unnameable_types
)]

/// Two interfaces of one name need two hidden macros.
pub mod instruments {
    use serde::{Deserialize, Serialize};

    /// How to reach the laser.
    #[derive(Debug, Serialize, Deserialize)]
    pub struct LaserConfig {
        /// The serial port.
        pub port: String,
    }

    /// A laser.
    #[mpcore::process(config = LaserConfig, postfix = "_finished")]
    pub trait Laser {
        /// Adds two numbers.
        #[signal]
        fn add_two(&mut self, num1: i32, num2: i32) -> i32;
        /// Has a keyword of edition 2024 for a name.
        #[signal(name = "gen")]
        ///
        /// # Errors
        ///
        /// Always.
        fn r#gen(&mut self) -> Result<(u8, u8), String>;
        /// Has a keyword for a name.
        #[command(rename = "try")]
        #[idempotent]
        #[timeout = "2.5s"]
        #[no_cancel]
        fn attempt(&mut self, r#async: Option<Vec<u8>>) {
            drop(r#async);
        }
        /// Whether it is on.
        #[timeout = "1m30s"]
        #[property(write, notify = "power_set", default = 1.0)]
        fn power(&self) -> f64;
        /// A reading.
        #[event(latest)]
        fn voltage(&self, volts: f64);
    }
}

/// Another laser.
pub mod others {
    /// Has the name of another interface.
    #[mpcore::process]
    pub trait Laser {
        /// Fires.
        fn fire(&mut self);
    }
}

/// A child.
#[derive(Debug, mpcore::Child)]
#[child(instruments::Laser)]
pub struct Simulation {
    cx: instruments::LaserContext,
    config: instruments::LaserConfig,
    #[child(default)]
    sum: i32,
}

impl instruments::Laser for Simulation {
    fn add_two(&mut self, num1: i32, num2: i32) -> i32 {
        self.sum = num1 + num2;
        self.cx.voltage.emit(f64::from(self.sum));
        self.sum
    }

    fn r#gen(&mut self) -> Result<(u8, u8), String> {
        Err(self.config.port.clone())
    }
}
