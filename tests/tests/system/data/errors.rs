//! Errors that a command returns: what arrives of mpcore's own and of those of other libraries.

use std::error::Error as StdError;

use mpcore::{CallError, Context as _};

#[mpcore::process]
trait Laser {
    fn fail(&mut self, how: String) -> mpcore::Result<u8>;
}

#[derive(mpcore::Child)]
#[child(Laser)]
struct LaserProcess {}

#[derive(Debug, thiserror::Error)]
#[error("outer")]
struct Outer(#[source] std::io::Error);

fn outer() -> Outer {
    Outer(std::io::Error::other("inner"))
}

fn anyhow() -> anyhow::Result<u8> {
    anyhow::Context::context(Err(outer()), "of anyhow")
}

fn eyre() -> eyre::Result<u8> {
    eyre::WrapErr::wrap_err(Err(outer()), "of eyre")
}

fn boxed() -> Result<u8, Box<dyn StdError + Send + Sync>> {
    Err(Box::new(outer()))
}

fn boxed_locally() -> Result<u8, Box<dyn StdError>> {
    Err(Box::new(outer()))
}

impl Laser for LaserProcess {
    fn fail(&mut self, how: String) -> mpcore::Result<u8> {
        Ok(match how.as_str() {
            "anyhow" => anyhow().or_raise()?,
            "eyre" => eyre().or_raise()?,
            "box" => boxed().or_raise()?,
            "local box" => boxed_locally().or_raise()?,
            "String" => Err(how).or_raise()?,
            "&str" => Err("text").or_raise()?,
            "question mark" => Err(outer())?,
            "context" => Err(outer()).context("while firing")?,
            "context of anyhow" => anyhow().with_context(|| "while firing")?,
            "context of a local box" => boxed_locally().context("while firing")?,
            "own" => Err(mpcore::Error::new("own").context("first")).context("second")?,
            "bail" => mpcore::bail!("{how} out"),
            "ensure" => {
                mpcore::ensure!(how.is_empty(), "not {}", how);
                0
            }
            other => unreachable!("{other}"),
        })
    }
}

#[test]
fn errors_of_every_library_arrive_with_their_causes() {
    let laser = LaserControl::spawn::<LaserProcess>(()).unwrap();
    for (how, expected) in [
        ("anyhow", "of anyhow: outer: inner"),
        ("eyre", "of eyre: outer: inner"),
        ("box", "outer: inner"),
        ("local box", "outer: inner"),
        ("String", "String"),
        ("&str", "text"),
        ("question mark", "outer: inner"),
        ("context", "while firing: outer: inner"),
        ("context of anyhow", "while firing: of anyhow: outer: inner"),
        ("context of a local box", "while firing: outer: inner"),
        ("own", "second: first: own"),
        ("bail", "bail out"),
        ("ensure", "not ensure"),
    ] {
        let Err(CallError::Raised(error)) = laser.fail(how.to_owned()).wait() else {
            panic!("{how} is an error");
        };
        assert_eq!(format!("{error:#}"), expected, "{how}");
        assert!(error.location().contains("errors.rs"), "{how}: {}", error.location());
    }
}

#[test]
fn an_error_keeps_message_causes_and_place() {
    let laser = LaserControl::spawn::<LaserProcess>(()).unwrap();
    let Err(CallError::Raised(error)) = laser.fail("context".to_owned()).wait() else {
        panic!("it is an error")
    };
    assert_eq!(error.to_string(), "while firing");
    assert_eq!(error.causes(), ["outer", "inner"]);
    assert!(error.location().contains("errors.rs:"), "{}", error.location());
    let text = CallError::<mpcore::Error>::Raised(error).to_string();
    assert!(text.contains("while firing"), "{text}");
}

#[test]
fn an_error_of_mpcores_own_type_keeps_its_location() {
    let error = mpcore::Error::new("own");
    let place = error.location().to_owned();
    let result: Result<(), _> = Err(error);
    assert_eq!(result.or_raise().unwrap_err().location(), place);
    let boxed: Box<dyn StdError> = mpcore::Error::new("own").into();
    let result: Result<(), _> = Err(boxed);
    assert_eq!(result.or_raise().unwrap_err().causes(), [""; 0]);
}
