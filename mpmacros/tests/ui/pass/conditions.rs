//! Conditions on the members of an interface: each is evaluated in the interface's own crate,
//! before anything is generated, and other crates get the remaining members.

#![allow(unexpected_cfgs)]
#![deny(warnings)]
#![allow(non_local_definitions)]

pub mod interface {
    #[mpcore::process]
    pub trait Stage {
        #[cfg(any())]
        fn gone(&mut self, of: NoSuchType) -> u8;
        #[cfg(all())]
        #[signal]
        fn home(&mut self) -> u8;
        /// Documented.
        #[cfg_attr(docsrs, doc(cfg(feature = "axes")))]
        #[cfg_attr(all(), signal(name = "moved"), timeout = "5s")]
        #[cfg_attr(any(), property)]
        fn shift(&mut self, by: f64) -> f64 {
            by * 2.0
        }
        // One of the two.
        #[cfg(any())]
        fn name(&mut self) -> NoSuchType;
        #[cfg(not(any()))]
        fn name(&mut self) -> String;
        #[cfg(any())]
        #[property(write)]
        fn nothing(&self) -> NoSuchType;
        #[cfg_attr(all(), cfg(all()))]
        #[property(write, default = 3)]
        fn axes(&self) -> u8;
        #[cfg(any())]
        #[event]
        fn silent(&self);
        #[cfg(not(any()))]
        #[event(latest)]
        fn position(&self, x: f64);
    }

    #[mpcore::process]
    pub trait Empty {
        #[cfg(any())]
        fn gone(&mut self);
    }

    #[derive(mpcore::Child)]
    #[child(Stage)]
    pub struct Axis {
        pub cx: StageContext,
    }

    impl Stage for Axis {
        fn home(&mut self) -> u8 {
            self.cx.position.emit(1.0);
            self.cx.axes.set(2);
            1
        }
        fn name(&mut self) -> String {
            String::new()
        }
    }
}

fn in_a_function() {
    #[mpcore::process]
    trait Local {
        #[cfg(all())]
        fn fire(&mut self);
    }
    let _ = LocalControl::fire;
}

macro_rules! methods {
    (
        {}
        trait $name:ident
        control $control:ident
        signals $signals:ident
        config { $config:ty }
        postfix { $postfix:literal }
        { $($(#[$($attribute:tt)*])* fn $method:ident ($($argument:tt)*) $(-> $result:ty)?;)* }
    ) => {
        const HANDED: &[&str] = &[$(stringify!($method)),*];
    };
}

use interface::{Axis, EmptyControl, StageControl};

StageControl! { [methods] }

fn controller(stage: &StageControl, _: &EmptyControl) {
    stage.signals().home_changed.connect(|_| ());
    stage.signals().moved.connect(|by| println!("{by}"));
    stage.signals().axes_changed.connect(|_| ());
    stage.signals().position.connect(|_| ());
    let _: mpcore::Call<String> = stage.name();
    stage.set_axes(stage.axes());
}

fn main() {
    assert_eq!(HANDED, ["home", "shift", "name", "axes", "position"]);
    let _ = (controller, in_a_function, StageControl::new::<Axis>);
}
