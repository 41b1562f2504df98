//! Properties: the child owns a value, the controller mirrors it and is notified of every change.
//!
//! Run: `cargo run -p examples --bin properties`

use std::thread;
use std::time::Duration;

/// The interface. A property has a value from the start: its `default`, or that of its type.
#[mpcore::process]
trait Greeter {
    /// Signal `greeting_changed(String)`.
    #[property(default = "Hello World!".to_owned())]
    fn greeting(&self) -> String;

    /// A property that the controller may ask to change: it has a `set_volume`.
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
    /// Runs after the constructor, before the first command.
    fn postrun_init(&mut self) -> mpcore::Result<()> {
        self.cx.greeting.set("Hello World 2!".to_owned());
        // The context may be moved to other threads; this one simulates a device that is not ready
        // immediately.
        let cx = self.cx.clone();
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(100));
            cx.greeting.modify(|greeting| *greeting = greeting.replace('2', "3"));
        });
        Ok(())
    }

    /// Every property with `write` has a default implementation. The returned value is stored and
    /// published.
    fn set_volume(&mut self, volume: u8) -> Result<u8, mpcore::Refused> {
        Ok(volume.min(10))
    }
}

#[mpcore::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let greeter = GreeterControl::new::<GreeterProcess>(())?;
    println!("before the start: {}", greeter.greeting());

    // A handler of a property is called once with the current value, and then with every change.
    greeter.signals().greeting_changed.connect(|greeting| println!("changed: {greeting}"));
    let changes = greeter.signals().greeting_changed.receiver();
    greeter.process().start()?;

    // A change made by a command is in the mirror before the command's outcome is available.
    let volume = greeter.set_volume(11).wait()?;
    println!("asked for 11, got {volume}; the mirror says {}", greeter.volume());

    while let Ok((greeting,)) = changes.recv_timeout(Duration::from_secs(30)) {
        if greeting == "Hello World 3!" {
            println!("mirror: {}", greeter.greeting());
            return Ok(());
        }
    }
    Err("the last change did not come".into())
}
