//! Tests of a QObject's declaration, rules, names and Qt types, on tokens.

use proc_macro2::TokenStream;
use quote::quote;

fn expanded(declaration: &TokenStream, methods: &TokenStream) -> String {
    let input = quote! {
        { (mpqt) #declaration }
        trait Laser control LaserControl signals LaserSignals config { () } postfix { "_changed" }
        { #methods }
    };
    super::expand(input).to_string()
}

fn plain() -> TokenStream {
    quote!(pub struct LaserObject: LaserControl)
}

#[test]
fn rules_are_reported_at_the_control() {
    let cases = [
        (
            quote!(
                fn destroyed(&mut self);
            ),
            "command `destroyed` cannot be in a QObject",
        ),
        (
            quote!(
                fn config(&mut self);
            ),
            "it is the argument of the child's constructor",
        ),
        (
            quote!(
                fn Fire(&mut self);
            ),
            "a capital letter is a type in QML",
        ),
        (
            quote!(
                fn r#type(&mut self);
            ),
            "a keyword of Rust",
        ),
        (
            quote!(
                fn volts(&mut self);
                #[signal(name = "volts")]
                fn other(&mut self);
            ),
            "there is a command of that name",
        ),
        (
            quote!(
                #[event]
                fn power_changed(&self);
                #[property]
                fn power(&self) -> f64;
            ),
            "there is a signal of that name",
        ),
    ];
    for (methods, expected) in cases {
        let expanded = expanded(&plain(), &methods);
        assert!(expanded.contains("compile_error"), "{expected}: {expanded}");
        assert!(expanded.contains(expected), "{expected}: {expanded}");
    }
}

#[test]
fn a_wrong_option_is_reported() {
    let cases = [
        (quote!(, rename_all = "kebab-case"), "\\\"camelCase\\\""),
        (quote!(, child = A, program = "b"), "the child is given twice"),
        (quote!(, chidl = A), "chidl"),
    ];
    let as_keyword = quote!(
        fn r#type(&mut self);
    );
    let camel = expanded(
        &quote!(pub struct LaserObject: LaserControl, rename_all = "camelCase"),
        &as_keyword,
    );
    assert!(camel.contains("a keyword of Rust"), "{camel}");
    let as_qt = expanded(&quote!(pub struct QString: LaserControl), &quote!());
    assert!(as_qt.contains("a class of Qt's"), "{as_qt}");
    for (options, expected) in cases {
        let plain = plain();
        let declared = super::declare(&quote!((mpqt) #plain #options)).to_string();
        assert!(declared.contains("compile_error"), "{declared}");
        assert!(declared.contains(expected), "{expected}: {declared}");
    }
}

#[test]
fn signals_have_the_declared_arguments_as_qt_types() {
    let methods = quote! {
        #[signal(name = "done")]
        #[timeout = "5s"]
        #[no_cancel]
        fn sweep(&mut self, from: f64) -> mpcore::Result<(f32, Vec<u8>, Option<u8>)>;
        #[signal(postfix = "_finished")]
        fn rest(&mut self);
        #[property] fn name(&self) -> String;
        #[property(write)] #[idempotent] fn power(&self) -> u16;
        #[event] fn voltage(&self, volts: f64, at: std::time::Duration);
    };
    let expanded = expanded(&plain(), &methods);
    for part in [
        "done : qt_signal ! (result1 : f64 , result2 : QByteArray , result3 : QVariant)",
        "rest_finished : qt_signal ! ()",
        "name : qt_property ! (QString ; READ __get_name WRITE __write_name NOTIFY name_changed)",
        "power : qt_property ! (QVariant ; READ __get_power WRITE __write_power NOTIFY power_changed)",
        "power_changed : qt_signal ! (value : i32)",
        "voltage : qt_signal ! (volts : f64 , at : QVariant)",
        "fn sweep (& self , arg1 : QVariant) -> u64",
        "fn set_power (& self , arg1 : QVariant) -> u64",
    ] {
        assert!(expanded.contains(part), "{part}\n{expanded}");
    }
    assert!(!expanded.contains("compile_error"), "{expanded}");
}

#[test]
fn camel_case_is_everywhere() {
    let declaration = quote!(pub struct LaserObject: LaserControl, rename_all = "camelCase");
    let methods = quote! {
        #[signal(postfix = "_finished")] fn add_two(&mut self, num_1: i32) -> i32;
        #[property(write)] fn laser_power(&self) -> f64;
    };
    let expanded = expanded(&declaration, &methods);
    for part in [
        "addTwo : qt_method",
        "addTwoFinished : qt_signal",
        "laserPower : qt_property",
        "laserPowerChanged : qt_signal",
        "setLaserPower : qt_method",
        "callFinished : qt_signal",
        "control . add_two (",
    ] {
        assert!(expanded.contains(part), "{part}\n{expanded}");
    }
}
