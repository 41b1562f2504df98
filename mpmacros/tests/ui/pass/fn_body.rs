//! Interfaces inside a function, of every visibility.

#![deny(warnings)]

use serde::{Deserialize, Serialize};

fn private() -> Result<(), mpcore::StartError> {
    #[derive(Serialize, Deserialize)]
    struct Local;

    #[mpcore::process(config = Local)]
    trait Device {
        #[signal]
        fn command(&mut self, local: Local) -> Local;
    }

    #[derive(mpcore::Child)]
    #[child(Device)]
    struct Simulation;

    impl Device for Simulation {
        fn command(&mut self, local: Local) -> Local {
            local
        }
    }

    DeviceControl::new::<Simulation>(Local)?.command(Local);
    Ok(())
}

fn public() -> Result<(), mpcore::StartError> {
    #[mpcore::process]
    pub trait Device {
        fn command(&mut self);
    }

    #[derive(mpcore::Child)]
    #[child(Device)]
    struct Simulation;

    impl Device for Simulation {
        fn command(&mut self) {}
    }

    DeviceControl::new::<Simulation>(())?.command();
    Ok(())
}

fn restricted() {
    #[mpcore::process]
    pub(crate) trait Device {
        fn command(&mut self);
    }
}

fn main() {
    let _ = (private, public, restricted);
}
