//! Generated code neither captures the user's names nor is captured by them.

#![allow(non_upper_case_globals, non_camel_case_types, dead_code)]
#![deny(unused_variables)]

/// Children made by a macro, of an interface that is an argument of it.
macro_rules! child {
    ($name:ident, $interface:ident) => {
        #[derive(mpcore::Child)]
        #[child($interface)]
        struct $name {}
    };
    ($name:ident, at $interface:path, $new:path) => {
        #[derive(mpcore::Child)]
        #[child($interface, new = $new)]
        struct $name {}
    };
    ($name:ident, of $interface:path) => {
        #[derive(mpcore::Child)]
        #[child($interface)]
        struct $name {
            #[child(config)]
            number: u8,
            #[child(default = 3)]
            other: u8,
        }

        impl $interface for $name {
            fn go(&mut self) -> u8 {
                self.number + self.other
            }
        }
    };
}

#[mpcore::process(config = u8)]
pub trait Device {
    fn go(&mut self) -> u8;
}

child!(ByName, Device);
child!(ByPath, at crate::Device, made);
child!(Whole, of self::Device);

fn made(_: DeviceContext, _: u8) -> mpcore::Result<ByPath> {
    Ok(ByPath {})
}

impl Device for ByName {
    fn go(&mut self) -> u8 {
        1
    }
}

impl Device for ByPath {
    fn go(&mut self) -> u8 {
        2
    }
}

/// Interface and child in one macro.
macro_rules! both {
    ($interface:ident, $context:ident, $child:ident) => {
        #[mpcore::process]
        pub trait $interface {
            fn go(&mut self) -> u8;
        }

        #[derive(mpcore::Child)]
        #[child($interface)]
        struct $child {
            cx: $context,
        }

        impl $interface for $child {
            fn go(&mut self) -> u8 {
                let _ = &self.cx;
                1
            }
        }
    };
}

both!(First, FirstContext, FirstChild);
both!(Second, SecondContext, SecondChild);

/// Values with names that generated code might use: a pattern with such a name would not be a
/// variable.
mod constants {
    pub const config: u8 = 1;
    const context: u8 = 2;
    const core: u8 = 3;
    const signals: u8 = 4;
    const argument_0: u8 = 5;
    const child: u8 = 6;
    const cx: u8 = 7;
    static value: u8 = 8;
    static wiring: u8 = 9;
    struct request;
    struct formatter;
    struct description;
    struct guard;

    #[mpcore::process(config = u8)]
    pub trait Device {
        #[signal]
        fn go(&mut self, a: u8) -> u8;
        #[signal]
        fn both(&mut self) -> (u8, u8);
        #[signal]
        fn alias(&mut self) -> mpcore::Result;
        #[property(write)]
        fn level(&self) -> u8;
        #[event]
        fn told(&self, b: u8);
    }

    #[derive(mpcore::Child)]
    #[child(Device, new = Simulation::new)]
    pub struct Simulation {}

    impl Simulation {
        fn new(_: DeviceContext, _: u8) -> mpcore::Result<Self> {
            Ok(Self {})
        }
    }

    impl Device for Simulation {
        fn go(&mut self, a: u8) -> u8 {
            a + config
        }
        fn both(&mut self) -> (u8, u8) {
            (1, 2)
        }
        fn alias(&mut self) -> mpcore::Result {
            Ok(())
        }
    }
}

#[mpcore::main]
fn main() {
    let _ = DeviceControl::new::<ByName>;
    let _ = DeviceControl::new::<ByPath>;
    let _ = DeviceControl::new::<Whole>;
    let _ = constants::DeviceControl::new::<constants::Simulation>;
}
