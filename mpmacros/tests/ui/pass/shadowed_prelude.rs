//! A module in which the usual names mean something else.

#![allow(dead_code, unused_imports, unused_macros, non_camel_case_types)]

mod vocabulary {
    pub struct Vec;
    pub struct Option;
    pub struct Some;
    pub struct Ok;
    pub struct Err;
    pub struct String;
    pub struct Box;
    pub struct Result;
    pub trait Clone {}
    pub trait Copy {}
    pub trait Debug {}
    pub trait Default {}
    pub trait Deref {}
    pub trait From {}
    pub trait Into {}
    pub trait Send {}
    pub trait Sized {}
    pub struct str;
    pub struct u16;
    pub mod core {}
    pub mod std {}
    pub mod mpcore {}
    pub mod serde {}
}

mod shadowing {
    use super::vocabulary::*;

    macro_rules! concat { () => {} }
    macro_rules! module_path { () => {} }
    macro_rules! env { () => {} }
    macro_rules! assert { () => {} }
    macro_rules! unreachable { () => {} }

    type Number = ::core::primitive::u32;

    #[::mpcore::process]
    pub trait Device {
        #[signal]
        fn add(&mut self, a: Number, b: ::std::vec::Vec<Number>) -> Number;
        #[signal]
        fn fail(&mut self) -> ::core::result::Result<Number, ::std::string::String>;
        #[signal]
        fn pair(&mut self) -> (Number, Number);
        #[property(write)]
        fn value(&self) -> Number;
        #[property(default = 3)]
        fn other(&self) -> Number;
        #[event]
        fn happened(&self, number: Number);
    }

    #[derive(::mpcore::Child)]
    #[child(Device)]
    pub struct Simulation {
        cx: DeviceContext,
        #[child(default)]
        count: Number,
    }

    impl Device for Simulation {
        fn add(&mut self, a: Number, b: ::std::vec::Vec<Number>) -> Number {
            self.cx.happened.emit(a);
            self.count + b.len() as Number
        }
        fn fail(&mut self) -> ::core::result::Result<Number, ::std::string::String> {
            ::core::result::Result::Ok(1)
        }
        fn pair(&mut self) -> (Number, Number) {
            (1, 2)
        }
    }
}

mod without_a_prelude {
    #![no_implicit_prelude]

    #[::mpcore::process(config = ::std::string::String)]
    pub trait Device {
        #[signal]
        fn größe(&mut self, länge: f64) -> f64;
        #[property(write)]
        fn value(&self) -> u32;
        #[event]
        fn happened(&self, number: u32);
    }

    #[derive(::mpcore::Child)]
    #[child(Device)]
    pub struct Simulation {
        cx: DeviceContext,
        #[child(default)]
        count: u32,
    }

    impl Device for Simulation {
        fn größe(&mut self, länge: f64) -> f64 {
            self.cx.happened.emit(self.count);
            länge
        }
    }
}

fn main() {}
