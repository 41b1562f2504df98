//! Tests of the hidden macro of an interface, with a stand-in for `mpqt::qobject!` as its consumer:
//! it has the same name as the control, from wherever that is used.

use mpmacros_edition2021 as elsewhere;

/// The tokens that the consumer got, as text.
struct Handed {
    names: [&'static str; 3],
    config: &'static str,
    postfix: &'static str,
    methods: Vec<Method>,
}

struct Method {
    name: &'static str,
    arguments: &'static str,
    result: &'static str,
    attributes: Vec<&'static str>,
}

impl Handed {
    fn methods(&self) -> Vec<&'static str> {
        self.methods.iter().map(|method| method.name).collect()
    }
}

/// Makes a function that returns the tokens passed to it; the function's name is the passenger.
macro_rules! consumer {
    (
        { $case:ident }
        trait $name:ident
        control $control:ident
        signals $signals:ident
        config { $($config:tt)* }
        postfix { $postfix:literal }
        { $(
            $(#[$($attribute:tt)*])*
            fn $method:ident ($($argument:tt)*) $(-> $result:ty)?;
        )* }
    ) => {
        pub(crate) fn $case() -> crate::Handed {
            crate::Handed {
                names: [stringify!($name), stringify!($control), stringify!($signals)],
                config: stringify!($($config)*),
                postfix: $postfix,
                methods: vec![$(crate::Method {
                    name: stringify!($method),
                    arguments: stringify!($($argument)*),
                    result: concat!($(stringify!($result))?),
                    attributes: vec![$(stringify!($($attribute)*)),*],
                }),*],
            }
        }
    };
}

// Across crates, by path, renamed on the way.
elsewhere::instruments::LaserControl! { [consumer] across }
elsewhere::others::LaserControl! { [crate::local::forwarded] other }

mod local {
    /// Reached by path, with a passenger of its own.
    macro_rules! forwarded {
        ($($all:tt)*) => { consumer! { $($all)* } };
    }
    pub(crate) use forwarded;

    pub(crate) mod reexported {
        pub(crate) use mpmacros_edition2021::instruments::LaserControl as MainLaser;
    }

    /// A motor.
    #[mpcore::process]
    pub(crate) trait Motor {
        fn run(&mut self);
    }

    #[mpcore::process]
    trait Private {
        /// Documented with a `$dollar`.
        #[deprecated]
        #[allow(dead_code)]
        #[inline]
        fn hide(&mut self) -> u8 {
            macro_rules! inner {
                ($e:expr) => {
                    $e
                };
            }
            inner!(1)
        }
    }

    // In its own crate, without being public.
    PrivateControl! { [consumer] private }
}

use local::reexported::MainLaser;
use local::MotorControl;

MainLaser! { [consumer] renamed }
MotorControl! { [consumer] restricted }

/// Removes spaces: compilers place them differently between tokens.
fn closed(tokens: &str) -> String {
    tokens.replace(' ', "")
}

#[test]
fn the_tokens_arrive() {
    let handed = across();
    assert_eq!(handed.names, ["Laser", "LaserControl", "LaserSignals"]);
    assert_eq!(handed.config, "LaserConfig");
    assert_eq!(handed.postfix, "_finished");
    assert_eq!(handed.methods(), ["add_two", "r#gen", "attempt", "power", "voltage"]);
    let [add_two, generate, attempt, power, voltage] = &handed.methods[..] else { unreachable!() };
    assert_eq!(closed(add_two.arguments), "&mutself,num1:i32,num2:i32");
    assert_eq!(add_two.result, "i32");
    assert_eq!(closed(generate.result), "Result<(u8,u8),String>");
    assert_eq!(add_two.attributes.last(), Some(&"signal"));
    let marks: Vec<_> = attempt.attributes[1..].iter().copied().map(closed).collect();
    let expected = [r#"command(rename="try")"#, "idempotent", r#"timeout="2.5s""#, "no_cancel"];
    assert_eq!(marks, expected);
    let property = power.attributes.last().copied().map(closed);
    assert_eq!(property.as_deref(), Some(r#"property(write,notify="power_set",default=1.0)"#));
    assert_eq!(voltage.attributes.last().copied().map(closed).as_deref(), Some("event(latest)"));
    assert_eq!(voltage.result, "");
}

#[test]
fn two_interfaces_of_one_name_have_their_own() {
    let handed = other();
    assert_eq!(handed.methods(), ["fire"]);
    assert_eq!(handed.postfix, "_changed");
    assert_eq!(handed.config, "()");
}

#[test]
fn it_travels_with_the_control() {
    assert_eq!(renamed().methods(), across().methods());
    assert_eq!(restricted().names[0], "Motor");
    // The struct and the macro have one name.
    let _ = (MainLaser::add_two, MotorControl::run);
}

#[test]
fn bodies_and_foreign_attributes_stay_behind() {
    let handed = local::private();
    assert_eq!(handed.methods(), ["hide"]);
    let attributes = &handed.methods[0].attributes;
    assert_eq!(attributes.len(), 2, "documentation and deprecation: {attributes:?}");
}

#[test]
fn it_works_inside_a_function() {
    #[mpcore::process]
    trait Local {
        fn run(&mut self);
    }
    LocalControl! { [consumer] inside }
    assert_eq!(inside().methods(), ["run"]);
}
