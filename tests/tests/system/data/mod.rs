//! What travels between controller and child: values, config, errors, and their bounds.

mod bounds;
mod config;
mod encoder;
mod errors;
mod shapes;
mod values;
