//! `crate = ".."`: mpcore under another name, or re-exported by another crate.

extern crate mpcore as renamed;

mod framework {
    pub mod rpc {
        pub use mpcore::*;
        pub use mpcore::__private;
    }
}

#[renamed::process(crate = "renamed")]
pub trait First {
    #[signal]
    fn command(&mut self) -> renamed::Result<u8>;
    #[property(write)]
    fn property(&self) -> u8;
    #[event]
    fn event(&self, value: u8);
}

#[derive(renamed::Child)]
#[child(First, crate = "renamed")]
struct FirstChild;

impl First for FirstChild {
    fn command(&mut self) -> renamed::Result<u8> {
        Ok(1)
    }
}

#[framework::rpc::process(crate = "crate::framework::rpc")]
pub trait Second {
    #[signal]
    fn command(&mut self) -> framework::rpc::Result<u8>;
}

#[derive(framework::rpc::Child)]
#[child(Second, new = SecondChild::new, crate = "crate::framework::rpc")]
struct SecondChild;

impl SecondChild {
    fn new(_: SecondContext, (): ()) -> mpcore::Result<Self> {
        Ok(SecondChild)
    }
}

impl Second for SecondChild {
    fn command(&mut self) -> mpcore::Result<u8> {
        Ok(1)
    }
}

#[framework::rpc::main(crate = "crate::framework::rpc")]
fn main() {
    fn controller(first: &FirstControl) {
        let _: renamed::Call<u8, renamed::Error> = first.command();
    }
    let _ = controller;
}
