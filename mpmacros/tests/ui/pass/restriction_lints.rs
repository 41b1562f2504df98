//! Generated code causes no warnings under those of clippy's restrictions that a crate is likely to
//! enable.

#![deny(
    clippy::allow_attributes_without_reason,
    clippy::exhaustive_structs,
    clippy::missing_inline_in_public_items,
    clippy::partial_pub_fields,
    clippy::pedantic,
    clippy::nursery
)]

/// The public interface of a crate.
pub mod public {
    /// A laser.
    #[mpcore::process]
    pub trait Laser {
        /// Fires.
        #[signal]
        fn fire(&mut self, watts: f64) -> u8;
        /// Aims.
        ///
        /// # Errors
        /// If it cannot move.
        #[signal]
        fn aim(&mut self) -> mpcore::Result<(u8, u8)>;
        /// Whether it is on.
        #[property(write)]
        fn is_on(&self) -> bool;
        /// A conversion by its name only.
        #[property]
        fn into_power(&self) -> f64;
        /// Told.
        #[event]
        fn voltage(&self, volts: f64, amperes: f64);
    }

    /// The child.
    #[derive(Debug, mpcore::Child)]
    #[child(Laser)]
    #[non_exhaustive]
    pub struct LaserProcess {
        cx: LaserContext,
    }

    impl Laser for LaserProcess {
        #[inline]
        fn fire(&mut self, watts: f64) -> u8 {
            self.cx.voltage.emit(watts, 1.0);
            1
        }
        #[inline]
        fn aim(&mut self) -> mpcore::Result<(u8, u8)> {
            Ok((1, 2))
        }
    }
}

fn main() {
    println!("quiet");
    let _ = public::LaserControl::new::<public::LaserProcess>;
}
