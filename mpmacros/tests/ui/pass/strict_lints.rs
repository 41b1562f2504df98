//! Generated code causes no warnings under strict lints, even for interfaces that are not used at
//! all, with deprecated methods, unusual names and long signatures.

#![forbid(unsafe_code)]
#![deny(
    missing_docs,
    warnings,
    clippy::all,
    clippy::pedantic,
    unreachable_pub,
    missing_debug_implementations,
    unused_qualifications,
    unused_results,
    single_use_lifetimes,
    trivial_casts,
    unnameable_types
)]

/// Public, documented.
pub mod public {
    /// A device.
    #[mpcore::process(config = String)]
    pub trait Device {
        /// Adds.
        #[signal]
        fn add(&mut self, cx: i32, request: i32) -> i32;
        /// Fails.
        ///
        /// # Errors
        ///
        /// Always.
        #[signal]
        fn fail(&mut self) -> Result<(), String>;
        /// Old.
        #[deprecated = "use `add`"]
        #[signal]
        fn old(&mut self, r#type: i32, _unused: u8) -> i32;
        /// A value.
        #[property(write)]
        fn value(&self) -> f64;
        /// An old value.
        #[deprecated]
        #[property(write)]
        fn old_value(&self) -> f64;
        /// Something happened.
        #[event]
        fn happened(&self, link: u8);
        /// Something old happened.
        #[deprecated]
        #[event(latest)]
        fn old_happened(&self);
    }

    /// A simulation.
    #[derive(Debug, mpcore::Child)]
    #[child(Device)]
    pub struct Simulation {
        cx: DeviceContext,
        config: String,
        #[child(default)]
        count: u64,
        #[child(default = vec![1])]
        list: Vec<u8>,
    }

    impl Device for Simulation {
        fn add(&mut self, cx: i32, request: i32) -> i32 {
            self.count += 1;
            self.list.push(u8::try_from(self.config.len()).unwrap_or(0));
            self.cx.happened.emit(1);
            cx + request
        }
        fn fail(&mut self) -> Result<(), String> {
            Err(String::new())
        }
        fn old(&mut self, r#type: i32, _: u8) -> i32 {
            r#type
        }
    }
}

mod unused {
    #[mpcore::process]
    trait Private {
        #[signal]
        fn add(&mut self, m: i32, v: i32) -> i32;
        #[property(write, default = Vec::new())]
        fn value(&self) -> Vec<u8>;
        #[event]
        fn happened(&self, b: u8);
    }

    #[mpcore::process]
    pub(crate) trait Crate {
        #[signal]
        fn add(&mut self, m: i32, v: i32) -> i32;
        #[property]
        fn value(&self) -> f64;
        #[event]
        fn happened(&self, b: u8);
    }

    #[mpcore::process]
    #[allow(non_snake_case, clippy::too_many_arguments, clippy::type_complexity)]
    trait Odd {
        #[signal(name = "addFinished")]
        fn addTwo(&mut self, a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, firstLast: u8)
            -> i32;
        #[signal]
        fn complex(
            &mut self,
            a: Vec<Vec<Option<(u8, Vec<[(u8, Vec<u8>); 3]>)>>>,
        ) -> Vec<Vec<Option<(u8, Vec<[(u8, Vec<u8>); 3]>)>>>;
        #[property(write)]
        fn theValue(&self) -> f64;
        #[property(write)]
        fn complexValue(&self) -> Vec<Vec<Option<(u8, Vec<[(u8, Vec<u8>); 3]>)>>>;
        #[event]
        fn hasHappened(&self, a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, theByte: u8);
    }

    #[mpcore::process]
    trait Empty {}

    #[deprecated]
    #[mpcore::process]
    trait Old {
        #[signal]
        fn add(&mut self);
    }
}

/// A main function of its own.
#[mpcore::main]
fn main() {
    println!("main");
}
