//! Which child runs: the struct that was named, even if others have the same name, in other blocks,
//! uses of a macro or versions of a crate; two with one key are refused.

use mpcore::{Call, StartError};

#[mpcore::process]
trait Device {
    fn who(&mut self) -> String;
}

/// A child of this name, defined where the macro is used, which returns this text.
macro_rules! fake {
    ($says:expr) => {{
        #[derive(mpcore::Child)]
        #[child(Device)]
        struct Fake {}

        impl Device for Fake {
            fn who(&mut self) -> String {
                $says.to_owned()
            }
        }

        DeviceControl::spawn::<Fake>(())
    }};
}

#[track_caller]
fn check(device: Result<DeviceControl, StartError>, says: &str) {
    assert_eq!(device.unwrap().who().wait().as_deref(), Ok(says));
}

#[test]
fn each_test_may_have_a_fake_of_its_own() {
    #[derive(mpcore::Child)]
    #[child(Device)]
    struct Fake {}

    impl Device for Fake {
        fn who(&mut self) -> String {
            "the first test's".to_owned()
        }
    }

    check(DeviceControl::spawn::<Fake>(()), "the first test's");
}

#[test]
fn a_fake_of_another_interface_is_no_mismatch() {
    #[mpcore::process]
    trait Camera {
        fn shoot(&mut self) -> u8;
    }

    #[derive(mpcore::Child)]
    #[child(Camera)]
    struct Fake {}

    impl Camera for Fake {
        fn shoot(&mut self) -> u8 {
            3
        }
    }

    let camera = CameraControl::spawn::<Fake>(()).unwrap();
    assert_eq!(camera.shoot().wait(), Ok(3));
}

#[test]
fn two_blocks_of_one_function_hold_two_children() {
    let first = {
        #[derive(mpcore::Child)]
        #[child(Device)]
        struct Fake {}

        impl Device for Fake {
            fn who(&mut self) -> String {
                "the first block's".to_owned()
            }
        }

        DeviceControl::spawn::<Fake>(())
    };
    let second = {
        #[derive(mpcore::Child)]
        #[child(Device)]
        struct Fake {}

        impl Device for Fake {
            fn who(&mut self) -> String {
                "the second block's".to_owned()
            }
        }

        DeviceControl::spawn::<Fake>(())
    };
    check(first, "the first block's");
    check(second, "the second block's");
}

#[test]
fn each_use_of_a_macro_makes_a_child() {
    check(fake!("one"), "one");
    check(fake!("two"), "two");
}

#[test]
fn one_use_of_a_macro_makes_several_children() {
    /// All of them have the same name, module, line and column.
    macro_rules! fakes {
        ($($says:literal)*) => {
            [$(fake!($says)),*]
        };
    }

    let says = ["left", "middle", "right"];
    for (device, says) in fakes!("left" "middle" "right").into_iter().zip(says) {
        check(device, says);
    }
}

#[derive(mpcore::Child)]
#[child(Device)]
struct Twice {}

impl Device for Twice {
    fn who(&mut self) -> String {
        "either".to_owned()
    }
}

// Like two structs with equal `TypeId`s, which are hashes.
mpcore::__private::inventory::submit! {
    mpcore::__private::Registration::of::<Twice>()
}

#[test]
fn two_children_of_one_key_are_refused_at_the_start() {
    let device = DeviceControl::new::<Twice>(()).unwrap();
    let Err(StartError::SharedKey(shared)) = device.process().start() else {
        panic!("the key is shared");
    };
    for child in [&shared.first, &shared.second] {
        assert!(
            child.starts_with(
                "`system::commands::keys::Twice` (tests/tests/system/commands/keys.rs:"
            ),
            "{child}"
        );
    }
    let text = StartError::from(shared).to_string();
    assert!(text.contains("give one of the structs another name"), "{text}");
    // Only this key is affected.
    check(fake!("another"), "another");
}

#[test]
fn two_versions_of_a_crate_run_their_own_children() {
    fn is(call: Call<String>, version: &str) {
        assert_eq!(call.wait().as_deref(), Ok(version));
    }

    let first = twin_1::TwinControl::spawn::<twin_1::TwinProcess>(()).unwrap();
    let second = twin_2::TwinControl::spawn::<twin_2::TwinProcess>(()).unwrap();
    is(first.version(), "0.1.0");
    is(second.version(), "0.2.0");
}
