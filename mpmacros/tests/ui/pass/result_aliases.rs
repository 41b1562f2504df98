//! A type whose last path segment is `Result` is split into value and error, for any alias.

mod local {
    pub type Result<T, E = String> = std::result::Result<T, E>;
}

mod imported {
    use mpcore::Result;

    #[mpcore::process]
    pub trait Imported {
        fn nothing(&mut self) -> Result;
        fn value(&mut self) -> Result<u8>;
        fn own(&mut self) -> Result<u8, String>;
        #[signal]
        fn told(&mut self) -> Result;
    }

    pub fn calls(control: &ImportedControl) {
        let _: mpcore::Call<(), mpcore::Error> = control.nothing();
        let _: mpcore::Call<u8, mpcore::Error> = control.value();
        let _: mpcore::Call<u8, String> = control.own();
        control.signals().told_changed.connect(|| ());
    }

    pub fn child(context: &ImportedContext) {
        context.told_changed.emit();
    }
}

/// Aliases that fix value and error, so that the interface shows neither.
mod complete {
    pub type Result = std::result::Result<u8, String>;

    pub mod pair {
        pub type Result = std::result::Result<(u8, u8), String>;
    }

    pub mod nothing {
        pub type Result<T = (), E = String> = std::result::Result<T, E>;
    }

    #[mpcore::process]
    pub trait Complete {
        #[signal]
        fn value(&mut self) -> Result;
        #[signal]
        fn pair(&mut self) -> pair::Result;
        #[signal]
        fn nothing(&mut self) -> nothing::Result;
        fn silent(&mut self) -> Result;
    }

    #[derive(mpcore::Child)]
    #[child(Complete)]
    pub struct Simulation {
        cx: CompleteContext,
    }

    impl Complete for Simulation {
        fn value(&mut self) -> Result {
            self.cx.value_changed.emit(1);
            self.cx.pair_changed.emit((1, 2));
            self.cx.nothing_changed.emit();
            Ok(1)
        }
        fn pair(&mut self) -> pair::Result {
            Ok((1, 2))
        }
        fn nothing(&mut self) -> nothing::Result {
            Ok(())
        }
        fn silent(&mut self) -> Result {
            Err(String::new())
        }
    }

    pub fn calls(control: &CompleteControl) {
        let _: mpcore::Call<u8, String> = control.value();
        let _: mpcore::Call<(u8, u8), String> = control.pair();
        let _: mpcore::Call<(), String> = control.nothing();
        let _: Result = control.silent().wait().map_err(|error| error.to_string());
        control.signals().value_changed.connect(|value: &u8| println!("{value}"));
        control.signals().pair_changed.connect(|pair: &(u8, u8)| println!("{}", pair.0));
        control.signals().nothing_changed.connect(|| ());
    }
}

#[mpcore::process]
pub trait Device {
    #[signal]
    fn core(&mut self) -> core::result::Result<u8, String>;
    #[signal]
    fn alias(&mut self) -> local::Result<(u8, u16)>;
    #[signal]
    fn runtime(&mut self) -> mpcore::Result<u8>;
    #[signal]
    fn runtime_nothing(&mut self) -> mpcore::Result;
    #[signal]
    fn absolute(&mut self) -> ::mpcore::Result<()>;
    #[signal]
    fn explicit(&mut self) -> mpcore::Result<u8, String>;
    /// Not a `Result`, and not an alias of one.
    #[signal]
    fn value(&mut self) -> Outcome;
    /// A `Result` is a value like any other, except as the result of a command.
    #[property(default = Ok(1))]
    fn last(&self) -> Result<u8, String>;
}

pub type Outcome = Option<u8>;

fn controller(device: &DeviceControl) {
    let _: mpcore::Call<u8, String> = device.core();
    let _: mpcore::Call<(u8, u16), String> = device.alias();
    let _: mpcore::Call<u8, mpcore::Error> = device.runtime();
    let _: mpcore::Call<(), mpcore::Error> = device.runtime_nothing();
    let _: mpcore::Call<(), mpcore::Error> = device.absolute();
    let _: mpcore::Call<u8, String> = device.explicit();
    let _: mpcore::Call<Option<u8>> = device.value();
    device.signals().alias_changed.connect(|a, b| println!("{a} {b}"));
    device.signals().runtime_nothing_changed.connect(|| ());
    device.signals().absolute_changed.connect(|| ());
}

fn main() {
    let _ = controller;
    let _ = (imported::calls, imported::child);
    let _ = complete::calls;
}
