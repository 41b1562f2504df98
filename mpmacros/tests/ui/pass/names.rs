//! Names that devices have, and every way to choose one.

#[mpcore::process(postfix = "_done")]
pub trait Motor {
    #[signal]
    fn start(&mut self) -> u8;
    #[signal]
    fn stop(&mut self);
    fn state(&self) -> u8;
    fn name(&self) -> String;
    fn reset(&mut self);
    fn kill(&mut self);
    fn init(&mut self);
    fn drop(&mut self);
    fn fmt(&mut self);
    fn core(&mut self);
    fn config(&mut self);
    fn call(&mut self);
    #[command]
    fn run(&mut self);
    /// `spawn` is the control's own, so it has another name there; the child keeps it.
    #[command(rename = "emit_particles")]
    #[signal]
    fn spawn(&mut self) -> u8;
    /// The trait's own `cleanup` stays free, and the controller's method is called `cleanup`.
    #[command(rename = "cleanup")]
    #[signal(name = "cleaned")]
    fn clean_mirrors(&mut self);
    #[signal(postfix = "Finished")]
    fn home(&mut self);
    /// The postfix applies to commands.
    #[property]
    fn angle(&self) -> f64;
    /// A signal may have the name of a property of another namespace.
    #[property(notify = "speed")]
    fn speed(&self) -> f64;
    #[property]
    fn signal(&self) -> f64;
    #[event]
    fn property(&self);
    #[event]
    fn progress(&self);
}

#[derive(mpcore::Child)]
#[child(Motor)]
struct Simulation {
    cx: MotorContext,
}

impl Motor for Simulation {
    fn start(&mut self) -> u8 {
        self.cx.start_done.emit(1);
        self.cx.emit_particles_done.emit(2);
        self.cx.progress.emit();
        self.cx.progress(0.5);
        1
    }
    fn stop(&mut self) {}
    fn state(&self) -> u8 {
        1
    }
    fn name(&self) -> String {
        String::new()
    }
    fn reset(&mut self) {}
    fn kill(&mut self) {}
    fn init(&mut self) {}
    fn drop(&mut self) {}
    fn fmt(&mut self) {}
    fn core(&mut self) {}
    fn config(&mut self) {}
    fn call(&mut self) {}
    fn run(&mut self) {}
    fn spawn(&mut self) -> u8 {
        1
    }
    fn clean_mirrors(&mut self) {}
    fn home(&mut self) {}
}

/// Named as type parameters usually are.
#[derive(serde::Serialize, serde::Deserialize)]
pub struct P;

#[mpcore::process(config = Option<P>)]
pub trait P2 {
    fn fire(&mut self) -> P;
}

fn controller(motor: &MotorControl) {
    let signals = motor.signals();
    signals.start_done.connect(|_| ());
    signals.stop_done.connect(|| ());
    signals.emit_particles_done.connect(|_| ());
    signals.cleaned.connect(|| ());
    signals.homeFinished.connect(|| ());
    signals.angle_changed.connect(|_| ());
    signals.speed.connect(|_| ());
    motor.emit_particles();
    motor.cleanup();
    let _ = motor.blocking().cleanup();
}

fn main() {
    let _ = controller;
}
