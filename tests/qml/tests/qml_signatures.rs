//! An object as C++ sees it: signals and methods by their signatures, for `SIGNAL(..)`, `SLOT(..)`
//! and `QMetaObject::invokeMethod`.

use mpqt::testing::{has_method, has_signal};
use qml_tests::{CamelRig, RigObject, TypesObject};

#[test]
fn signals_have_exactly_the_declared_arguments() {
    for signature in [
        "add_two_finished(int)",
        "nothing_done()",
        "calibrate_changed(double,QString)",
        "configured(QString)",
        "numbers_echoed(bool,int,int,uint,qlonglong,qulonglong,double,double)",
        "values_echoed(QString,QByteArray,QVariant,QVariant,QVariant)",
        "slept(qulonglong)",
        "survived()",
        "counted(uint)",
        "count_changed(uint)",
        "connected_changed(bool)",
        "power_set(double)",
        "sample_changed(QVariant)",
        "tick(uint,QString)",
        "position(double,double)",
        "config_changed()",
        "exception_raised(QVariant)",
        "call_finished(qulonglong,QString)",
        "call_failed(qulonglong,QString,QVariant)",
    ] {
        assert!(has_signal::<RigObject>(signature), "{signature}");
    }
    for signature in [
        "narrow(int,int,int,int)",
        "wide(qlonglong,qulonglong,qlonglong,qulonglong)",
        "floats(double,double)",
        "texts(QString,QVariant)",
        "bytes(QByteArray,QVariant)",
        "mode(QVariant)",
        "options(QVariant,QVariant,QVariant)",
        "bulk(QByteArray)",
        "flag_changed(bool)",
        "blob_changed(QByteArray)",
        "maybe_changed(QVariant)",
    ] {
        assert!(has_signal::<TypesObject>(signature), "{signature}");
    }
}

#[test]
fn other_signatures_do_not_exist() {
    for signature in [
        "add_two_finished()",
        "add_two_finished(int,int)",
        "add_two_finished(QVariant)",
        "add_two_changed(int)",
        "rest_changed()",
        "power_changed(double)",
        "power_set()",
        "addTwoFinished(int)",
        "add_two(QVariant,QVariant)",
    ] {
        assert!(!has_signal::<RigObject>(signature), "{signature}");
    }
}

#[test]
fn methods_take_variants() {
    for signature in [
        "add_two(QVariant,QVariant)",
        "rest()",
        "sleep(QVariant)",
        "set_power(QVariant)",
        "set_sample(QVariant)",
        "echo_values(QVariant,QVariant,QVariant,QVariant,QVariant)",
    ] {
        assert!(has_method::<RigObject>(signature), "{signature}");
    }
    for signature in ["add_two(int,int)", "add_two(QVariant)", "set_count(QVariant)", "power()"] {
        assert!(!has_method::<RigObject>(signature), "{signature}");
    }
}

#[test]
fn camel_case() {
    for signature in [
        "addTwoFinished(int)",
        "powerSet(double)",
        "exceptionRaised(QVariant)",
        "tick(uint,QString)",
    ] {
        assert!(has_signal::<CamelRig>(signature), "{signature}");
    }
    assert!(has_method::<CamelRig>("setPower(QVariant)"));
    assert!(!has_method::<CamelRig>("set_power(QVariant)"));
    assert!(!has_signal::<CamelRig>("add_two_finished(int)"));
}
