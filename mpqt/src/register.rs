//! Registration of QML types, and the creation, completion and destruction of their objects. The
//! C++ side is `cpp/registration.cpp`.
#![allow(unsafe_code)]

use std::cell::RefCell;
use std::ffi::CString;
use std::os::raw::{c_char, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use qmetaobject::{PropertyType, QMetaObject, QObject, QObjectPinned};

use crate::process_object::MpqtProcess;

/// An object that QML can create. `qobject!` implements it.
pub trait QmlType: QObject + Default + 'static {
    /// Called when the C++ object exists and QML has not set any property yet.
    #[doc(hidden)]
    fn __constructed(&self) {}

    /// Called when QML has set all properties in the document.
    #[doc(hidden)]
    fn __completed(&self) {}
}

/// Registers `T` as a QML type: `register::<LaserObject>("Lab", 1, 0, "Laser")` for `import Lab
/// 1.0` and `Laser { }`. Call it before the document is loaded.
///
/// For an invalid type name (for example, one that begins with a small letter) Qt prints a warning,
/// and a document that uses it does not load.
pub fn register<T: QmlType>(module: &str, major: u16, minor: u16, name: &str) {
    let (Ok(module), Ok(name)) = (CString::new(module), CString::new(name)) else {
        crate::javascript::warn_of(None, "names of QML modules and types must not contain a NUL");
        return;
    };
    register_parts();
    let type_id = <RefCell<T> as PropertyType>::register_type(c"");
    // SAFETY: the strings outlive the call, which copies them; `create` makes the object that the
    // other arguments describe.
    unsafe {
        mpqt_register_type(
            module.as_ptr(),
            c_int::from(major),
            c_int::from(minor),
            name.as_ptr(),
            T::static_meta_object(),
            type_id,
            T::cpp_size(),
            create::<T>,
        );
    }
}

/// Registers the types of properties: QML must know them before it reads `process.onReady: ..`.
fn register_parts() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let type_id = <RefCell<MpqtProcess> as PropertyType>::register_type(c"");
        // SAFETY: as above.
        unsafe {
            mpqt_register_part(c"Mpqt".as_ptr(), MpqtProcess::static_meta_object(), type_id);
        }
    });
}

/// Creates an object in memory that QML has allocated.
extern "C" fn create<T: QmlType>(memory: *mut c_void, _: *mut c_void) {
    let object = Box::new(RefCell::new(T::default()));
    // SAFETY: `memory` has room for the C++ object and the completion behind it, as registered. The
    // Rust half is pinned by its box, which the C++ object owns from now on
    // (`RustObject_destruct`).
    unsafe {
        T::qml_construct(&object, memory, destroyed::<T>);
        mpqt_completion_new(memory, T::cpp_size(), completed::<T>);
        let object = &*Box::leak(object).as_ptr();
        let _ = catch_unwind(AssertUnwindSafe(|| object.__constructed()));
    }
}

extern "C" fn completed<T: QmlType>(memory: *mut c_void) {
    // SAFETY: the object of `create`, which is alive: its completion is part of it.
    let object: QObjectPinned<T> = unsafe { T::get_from_cpp(memory) };
    let _ = catch_unwind(AssertUnwindSafe(|| object.borrow().__completed()));
}

extern "C" fn destroyed<T: QmlType>(memory: *mut c_void) {
    // SAFETY: the object of `create`, in its destructor.
    unsafe { mpqt_completion_delete(memory, T::cpp_size()) };
}

unsafe extern "C" {
    fn mpqt_register_type(
        uri: *const c_char,
        major: c_int,
        minor: c_int,
        name: *const c_char,
        meta_object: *const QMetaObject,
        meta_type_id: c_int,
        object_size: usize,
        create: extern "C" fn(*mut c_void, *mut c_void),
    ) -> c_int;
    fn mpqt_register_part(
        uri: *const c_char,
        meta_object: *const QMetaObject,
        meta_type_id: c_int,
    ) -> c_int;
    fn mpqt_completion_new(
        object: *mut c_void,
        object_size: usize,
        complete: extern "C" fn(*mut c_void),
    );
    fn mpqt_completion_delete(object: *mut c_void, object_size: usize);
}
