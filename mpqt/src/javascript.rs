//! Errors for the calling JavaScript, and warnings through Qt. The C++ side is
//! `cpp/javascript.cpp`.
#![allow(unsafe_code)]

use std::os::raw::c_void;

use qmetaobject::{QObject, QString};

/// The class of the error in JavaScript.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `TypeError`: the value is wrong.
    Type,
    /// `Error`: the value is right, but the call is not possible now.
    Generic,
}

/// Throws an error in the JavaScript that is calling a method of `object`. If the object has no
/// JavaScript engine, prints a warning instead.
pub(crate) fn throw(object: &dyn QObject, kind: Kind, message: &str) {
    let pointer = object.get_cpp_object();
    // SAFETY: a live object of the GUI thread, or null.
    if !unsafe { mpqt_throw(pointer, kind == Kind::Type, &QString::from(message)) } {
        warn_of(Some(object), message);
    }
}

/// Prints a warning through Qt, with the object's place in its QML document.
pub(crate) fn warn_of(object: Option<&dyn QObject>, message: &str) {
    let pointer = object.map_or(std::ptr::null_mut(), QObject::get_cpp_object);
    // SAFETY: as above.
    unsafe { mpqt_warn(pointer, &QString::from(message)) };
}

unsafe extern "C" {
    fn mpqt_throw(object: *mut c_void, type_error: bool, message: *const QString) -> bool;
    fn mpqt_warn(object: *mut c_void, message: *const QString);
}
