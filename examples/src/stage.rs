//! The interface that `separate_child` and `separate_child_child` share; they share nothing else.

use serde::{Deserialize, Serialize};

/// The configuration of the child.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StageConfig {
    /// The length of the stage, in millimetres.
    pub length: f64,
}

/// A stage that a motor moves.
#[mpcore::process(config = StageConfig)]
pub trait Stage {
    /// Moves to a position; returns the distance travelled.
    #[signal(postfix = "_finished")]
    fn move_to(&mut self, place: f64) -> Result<f64, StageError>;

    /// The position, in millimetres.
    #[property]
    fn place(&self) -> f64;
}

/// Why the stage does not move. It travels between processes, so it is a serde type; it is shown to
/// people, so it implements `Error`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub enum StageError {
    /// The position is outside of the stage.
    #[error("the stage is {length} mm long")]
    TooFar {
        /// The length of the stage.
        length: f64,
    },
}
