//! The interface that `separate_child` and `separate_child_child` share. It is all that they share.

use serde::{Deserialize, Serialize};

/// What the child is told at its start.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StageConfig {
    /// How far the stage can go, in millimetres.
    pub length: f64,
}

/// A stage that a motor moves.
#[mpcore::process(config = StageConfig)]
pub trait Stage {
    /// Goes there; returns how far it went.
    #[signal(postfix = "_finished")]
    fn move_to(&mut self, place: f64) -> Result<f64, StageError>;

    /// Where it is, in millimetres.
    #[property]
    fn place(&self) -> f64;
}

/// Why the stage does not move. It travels between the processes, so it is a serde type, and people
/// read it, so it has a text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub enum StageError {
    /// There is no such place.
    #[error("the stage is {length} mm long")]
    TooFar {
        /// How far it can go.
        length: f64,
    },
}
