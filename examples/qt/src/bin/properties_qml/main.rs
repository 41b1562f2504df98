//! Properties in a window: the child owns them, QML binds to them, and a write from QML is a
//! request whose value the child may change.
//!
//! Run: `cargo run -p examples-qt --bin properties_qml`

use std::process::ExitCode;
use std::thread;
use std::time::Duration;

/// The interface.
#[mpcore::process]
trait Greeter {
    /// A property in QML too, with its change signal.
    #[property(default = "Hello World!".to_owned())]
    fn greeting(&self) -> String;

    /// A writable property: `greeter.volume = 7`.
    #[property(write)]
    fn volume(&self) -> u8;
}

/// The child.
#[derive(mpcore::Child)]
#[child(Greeter)]
struct GreeterProcess {
    cx: GreeterContext,
}

impl Greeter for GreeterProcess {
    fn postrun_init(&mut self) -> mpcore::Result<()> {
        self.cx.greeting.set("Hello World 2!".to_owned());
        let cx = self.cx.clone();
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(100));
            cx.greeting.modify(|greeting| *greeting = greeting.replace('2', "3"));
        });
        Ok(())
    }

    /// The returned value is stored and published: never more than 10.
    fn set_volume(&mut self, volume: u8) -> Result<u8, mpcore::Refused> {
        Ok(volume.min(10))
    }
}

mpqt::qobject! { struct GreeterObject: GreeterControl, child = GreeterProcess }

fn main() -> Result<ExitCode, mpqt::RunError> {
    mpqt::init();
    mpqt::register::<GreeterObject>("Example", 1, 0, "Greeter");
    mpqt::run(include_str!("main.qml"))
}
