//! QML engines beside the application's own, as C++ hosts create them.
#![allow(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::ffi::c_void;
#[cfg(target_os = "linux")]
use std::thread;

use qmetaobject::QString;
use qml_tests::{RigConfig, RigControl, RigProcess, ShownRig};
#[cfg(target_os = "linux")]
use system_tests::{processes, until};

use crate::Outcome;

/// mpqt's own engine, without mpqt's `Application`.
struct Engine(*mut c_void);

impl Engine {
    /// Creates one in this thread and loads a document, which may access an object as `witness`;
    /// returns whether that worked.
    fn load(qml: &str, witness: Option<*mut c_void>) -> (Self, bool) {
        let mut reports = QString::default();
        let (source, url) = (qml.as_ptr().cast(), QString::default());
        // SAFETY: there is an application object, the object outlives the engine, and the other
        // arguments live as long as the calls.
        unsafe {
            let engine = Self(mpqt_engine_new());
            if let Some(witness) = witness {
                mpqt_engine_set_object(engine.0, &QString::from("witness"), witness);
            }
            let loaded = mpqt_engine_load(engine.0, source, qml.len(), &url, &mut reports);
            if !loaded {
                println!("{reports}");
            }
            (engine, loaded)
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // SAFETY: created by `load` in this thread, and this is the only owner.
        unsafe { mpqt_engine_delete(self.0) };
    }
}

unsafe extern "C" {
    fn mpqt_engine_new() -> *mut c_void;
    fn mpqt_engine_delete(engine: *mut c_void);
    fn mpqt_engine_set_object(engine: *mut c_void, name: *const QString, object: *mut c_void);
    fn mpqt_engine_load(
        engine: *mut c_void,
        source: *const std::ffi::c_char,
        length: usize,
        url: *const QString,
        reports: *mut QString,
    ) -> bool;
}

fn witness() -> Result<RigControl, mpcore::StartError> {
    let builder = RigControl::builder().child::<RigProcess>().config(RigConfig::default());
    builder.name("witness").inbox(mpqt::inbox()).spawn()
}

thread_local! {
    static SECOND: RefCell<Option<Engine>> = const { RefCell::new(None) };
    static WITNESS: Cell<Option<*mut c_void>> = const { Cell::new(None) };
}

/// A second engine in the GUI thread has an object of its own and one that both show, and is
/// destroyed again.
pub(crate) fn second_engine() -> Outcome {
    let witness = witness()?;
    let loads = "
        import QtQml
        import Rigs 1.0
        Rig {
            process.onReady: add_two(1, 2)
            onAdd_two_finished: sum => { console.log('second ' + sum); process.stop() }
            process.onFinished: exit => { console.log('second ' + exit.state); witness.add_two(2, 0) }
        }
    ";
    witness.signals().add_two_finished.connect(move |sum| match sum {
        0 => {
            let (engine, loaded) = Engine::load(loads, WITNESS.get());
            println!("loaded {loaded}");
            SECOND.set(Some(engine));
        }
        2 => {
            SECOND.set(None);
            println!("second engine gone");
        }
        _ => {}
    });
    let shown = ShownRig::attach(witness)?;
    WITNESS.set(Some(shown.as_ptr()));
    let code = mpqt::Application::new().object("witness", shown).run(
        "
        import QtQuick
        import Rigs 1.0
        Item {
            Rig { id: own; onAdd_two_finished: sum => { console.log('first ' + sum); Qt.exit(11) } }
            Connections {
                target: witness
                function onAdd_two_finished(sum) { if (sum === 2) own.add_two(20, 22) }
            }
            Connections { target: own.process; function onReady() { witness.add_two(0, 0) } }
        }
        ",
    )?;
    Ok(code)
}

/// An object that an engine creates on another thread receives no signals, and its child ends with
/// it; objects of the GUI thread go on.
#[cfg(target_os = "linux")] // children are counted in /proc
pub(crate) fn engine_elsewhere() -> Outcome {
    let witness = witness()?;
    let weak = witness.downgrade();
    let loads = "
        import QtQml
        import Rigs 1.0
        Rig {
            process.onReady: console.log('heard elsewhere')
            onAdd_two_finished: console.log('heard elsewhere')
            Component.onCompleted: { add_two(1, 2); power = 2; console.log('made ' + process.state) }
        }
    ";
    witness.signals().add_two_finished.connect(move |sum| {
        let (0, Some(witness)) = (*sum, weak.upgrade()) else { return };
        thread::spawn(move || {
            let children = || processes::children(std::process::id()).len();
            let (engine, loaded) = Engine::load(loads, None);
            println!("loaded {loaded}");
            until("its child has come", || children() == 2);
            drop(engine);
            until("its child has ended", || children() == 1);
            println!("its child is gone");
            witness.add_two(2, 0);
        });
    });
    let shown = ShownRig::attach(witness)?;
    let code = mpqt::Application::new().object("witness", shown).run(
        "
        import QtQuick
        Item {
            Connections {
                target: witness
                function onAdd_two_finished(sum) { if (sum === 2) Qt.exit(12) }
            }
            Component.onCompleted: witness.add_two(0, 0)
        }
        ",
    )?;
    Ok(code)
}
