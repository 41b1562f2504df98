//! A small interface, of which `bin/look_alike.rs` contains several near copies.

use serde::{Deserialize, Serialize};

/// The configuration of the child.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct GaugeConfig {
    /// The port.
    pub port: String,
    /// How it is reached.
    pub link: Link,
}

/// How a gauge is reached.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub enum Link {
    /// By its port.
    #[default]
    Serial,
    /// Through a network.
    Net {
        /// The address.
        address: [u8; 4],
        /// The port.
        port: u16,
    },
}

/// Why a reading failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GaugeError {
    /// The instrument's error code.
    pub code: u32,
}

impl std::fmt::Display for GaugeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "error {}", self.code)
    }
}

/// A pressure gauge.
#[mpcore::process(config = GaugeConfig)]
pub trait Gauge {
    /// Reads the pressure of a channel.
    fn read(&mut self, channel: u16) -> Result<f64, GaugeError>;

    /// The unit.
    #[property]
    fn unit(&self) -> String;

    /// The pressure has passed the limit.
    #[event]
    fn alarm(&self, pressure: f64);
}
