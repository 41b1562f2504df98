//! A small interface, of which `bin/look_alike.rs` has several near copies.

use serde::{Deserialize, Serialize};

/// What the child is told.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct GaugeConfig {
    /// Which port.
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
        /// Which one.
        address: [u8; 4],
        /// Where.
        port: u16,
    },
}

/// Why nothing could be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GaugeError {
    /// The instrument's own number for it.
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
