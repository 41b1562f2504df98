//! Types of private modules, and interfaces that are no more visible than their types.

mod inner {
    use serde::{Deserialize, Serialize};

    #[derive(Default, Serialize, Deserialize)]
    pub(super) struct Hidden(u8);

    #[mpcore::process(config = Hidden)]
    pub(super) trait Inner {
        #[signal]
        fn command(&mut self, hidden: Hidden) -> Result<Hidden, String>;
        #[property(write)]
        fn property(&self) -> Hidden;
        #[event]
        fn event(&self, hidden: Hidden);
    }

    mod deeper {
        #[mpcore::process]
        pub(in super::super) trait Deeper {
            fn command(&mut self, hidden: super::Hidden);
        }
    }
    pub(super) use deeper::DeeperControl;
}

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Local;

#[mpcore::process]
trait Private {
    #[signal]
    fn command(&mut self, local: Local, inner: inner::Hidden) -> Local;
}

fn controller(inner: &inner::InnerControl, private: &PrivateControl, deeper: &inner::DeeperControl) {
    inner.command(inner.property());
    inner.signals().event.connect(|_| ());
    private.command(Local, inner.property());
    deeper.command(inner.property());
}

fn main() {
    let _ = controller;
}
