//! A small interface, of which `bin/look_alike.rs` has several near copies.

use serde::{Deserialize, Serialize};

/// What the child is told.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct GaugeConfig {
    /// Which port.
    pub port: String,
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
