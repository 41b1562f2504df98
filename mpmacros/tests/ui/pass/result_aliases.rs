//! A type whose last path segment is `Result` is taken apart, whoever's alias it is.

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
    }

    pub fn calls(control: &ImportedControl) {
        let _: mpcore::Call<(), mpcore::Error> = control.nothing();
        let _: mpcore::Call<u8, mpcore::Error> = control.value();
        let _: mpcore::Call<u8, String> = control.own();
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
    /// Not a `Result`, and no alias of one.
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
    let _ = imported::calls;
}
