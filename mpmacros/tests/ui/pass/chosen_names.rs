//! Chosen names, in a module of the user that has items with the default names.

pub struct AppControl;
pub struct AppSignals;
pub struct AppBlocking;

#[derive(Clone, Debug)]
pub struct AppContext {
    pub window: u8,
}

#[mpcore::process(
    control = "AppHandle",
    signals = "AppEvents",
    blocking = "AppWaiting",
    context = "AppChildContext"
)]
pub trait App {
    #[signal]
    fn open(&mut self) -> u8;
    #[property(write)]
    fn title(&self) -> String;
    #[event]
    fn closed(&self);
}

#[derive(mpcore::Child)]
#[child(App)]
struct Window {
    cx: AppChildContext,
}

impl App for Window {
    fn open(&mut self) -> u8 {
        self.cx.closed.emit();
        1
    }
}

macro_rules! names {
    ({} trait $name:ident control $control:ident signals $signals:ident $($rest:tt)*) => {
        const HANDED: [&str; 3] = [stringify!($name), stringify!($control), stringify!($signals)];
    };
}

AppHandle! { [names] }

fn controller(app: &AppHandle) {
    let _: &AppEvents = app.signals();
    let waiting: AppWaiting<'_> = app.blocking();
    let _ = waiting.open();
    let _: mpcore::WeakControl<AppHandle> = app.downgrade();
}

fn main() {
    assert_eq!(HANDED, ["App", "AppHandle", "AppEvents"]);
    let _ = (controller, AppHandle::new::<Window>);
    let _ = (AppControl, AppSignals, AppBlocking, AppContext { window: 1 });
}
