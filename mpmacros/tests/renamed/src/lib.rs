//! An interface and a child in a crate that calls mpcore `my-rpc`, without passing that to any
//! macro.

use my_rpc as rpc;

/// Tells things.
#[rpc::process]
pub trait Laser {
    /// Doubles. In documentation too:
    ///
    /// ```
    /// #[my_rpc::process]
    /// trait Camera {
    ///     fn shoot(&mut self);
    /// }
    /// let _ = CameraControl::shoot;
    /// ```
    ///
    /// # Errors
    ///
    /// Never.
    fn double(&mut self, number: u8) -> rpc::Result<u8>;
    /// A property.
    #[property(write)]
    fn power(&self) -> u8;
    /// An event.
    #[event]
    fn voltage(&self, volts: f64);
    /// Only here.
    #[cfg(not(windows))]
    fn conditional(&mut self);
}

/// The child.
#[derive(Debug, rpc::Child)]
#[child(Laser)]
pub struct LaserProcess {
    cx: LaserContext,
}

impl Laser for LaserProcess {
    fn double(&mut self, number: u8) -> rpc::Result<u8> {
        self.cx.voltage.emit(f64::from(number));
        Ok(number * 2)
    }

    #[cfg(not(windows))]
    fn conditional(&mut self) {}
}
