//! Checks a script against its interface and for consistency, when the control is built. Errors
//! name the location of the step.
//!
//! The rules:
//! 1. names are those of the interface's commands, properties and events;
//! 2. values have the types that the interface gives them;
//! 3. a run is `ready` once, before the first command, unless it ends earlier;
//! 4. a command is ended before the next one is expected, and by the last step of the run;
//! 5. only the next run follows the end of a run.

use std::panic::Location;

use crate::controller::report::script_error::ScriptError;
use crate::testing::script::{Act, Script, Shape, Step, Value};
use crate::wire::interface::description::{CommandRow, InterfaceTable};
use crate::wire::value::codec::ShapeFn;

/// The state of a run before its next step.
#[derive(Clone, Copy)]
enum Phase<'a> {
    Starting,
    Ready,
    /// This command, expected by this step, is still running.
    Running(&'a CommandRow, &'a Step),
    /// Ended by this step.
    Ended(&'a Step),
}

impl Script {
    /// Returns the first violation of a rule.
    pub(crate) fn check_all(&self, table: &InterfaceTable) -> Result<(), ScriptError> {
        for (number, run) in self.runs.iter().enumerate() {
            let mut phase = Phase::Starting;
            for step in run {
                phase = next(table, phase, step)?;
            }
            match phase {
                Phase::Starting => return Err(ScriptError::NeverReady { run: number + 1 }),
                Phase::Running(command, step) => {
                    let problem = format!("`{}` is never ended: {HOW_TO_END}", command.name);
                    return Err(order(step.at, problem));
                }
                Phase::Ready | Phase::Ended(_) => {}
            }
        }
        Ok(())
    }
}

const HOW_TO_END: &str =
    "write `.reply(..)`, `.raise(..)`, `.panic(..)` or `.until_cancelled()` after it";

fn order(at: &Location<'_>, problem: String) -> ScriptError {
    ScriptError::Order { problem, at: at.to_string() }
}

/// Returns the phase after a step.
fn next<'a>(
    table: &'a InterfaceTable,
    phase: Phase<'a>,
    step: &'a Step,
) -> Result<Phase<'a>, ScriptError> {
    let wrong = |problem: String| order(step.at, problem);
    if let Phase::Ended(end) = phase {
        let problem = format!(
            "{step} is never reached: {end} ends the run, and `.next_run()` begins another"
        );
        return Err(wrong(problem));
    }
    // A step that begins a command needs a ready child without a running command.
    let begin = |name: &str| match phase {
        Phase::Starting => Err(wrong(format!("{step} comes before `.ready()`"))),
        Phase::Running(command, _) => {
            let running = command.name;
            Err(wrong(format!("{step}, but `{running}` is still running: {HOW_TO_END}")))
        }
        _ => command(table, step, name),
    };
    // A step that answers a command needs a running one.
    let running = || match phase {
        Phase::Running(command, _) => Ok(command),
        _ => {
            let problem =
                format!("{step}, but no command is running: write `.expect(..)` before it");
            Err(wrong(problem))
        }
    };
    // Each arm returns the phase after the step.
    Ok(match &step.act {
        Act::Ready | Act::FailToStart(_) if !matches!(phase, Phase::Starting) => {
            return Err(wrong(format!("{step}, but the child is already ready")));
        }
        Act::Ready => Phase::Ready,
        Act::FailToStart(_) | Act::Exit(_) | Act::Crash | Act::Hang => Phase::Ended(step),
        Act::Run(_) => phase,
        Act::Set { property, value } => {
            let known = table.properties.iter().map(|row| row.name);
            let index = position(table, step, "property", property, known)?;
            let row = &table.properties[index];
            fits(
                table,
                step,
                &value.shape,
                std::slice::from_ref(&row.shape),
                ("property", row.name),
            )?;
            encoded(step, value)?;
            phase
        }
        Act::Emit { event, values } => {
            let known = table.events.iter().map(|row| row.name);
            let row = &table.events[position(table, step, "event", event, known)?];
            fits(table, step, &values.shape, &row.args, ("event", row.name))?;
            encoded(step, values)?;
            phase
        }
        Act::Expect { command, look } => {
            let row = begin(command)?;
            if let Some(look) = look {
                fits(table, step, &look.args, &row.args, ("command", row.name))?;
            }
            Phase::Running(row, step)
        }
        Act::Answer { command, look, returns } => {
            let row = begin(command)?;
            fits(table, step, &look.args, &row.args, ("command", row.name))?;
            let result = std::slice::from_ref(&row.result);
            fits(table, step, returns, result, ("command", row.name))?;
            Phase::Ready
        }
        Act::Reply(value) | Act::Raise(value) => {
            let row = running()?;
            let expected = if matches!(step.act, Act::Reply(_)) { &row.result } else { &row.error };
            let expected = std::slice::from_ref(expected);
            fits(table, step, &value.shape, expected, ("command", row.name))?;
            encoded(step, value)?;
            Phase::Ready
        }
        Act::Panic(_) | Act::UntilCancelled => {
            running()?;
            Phase::Ready
        }
        Act::Progress(_) => {
            running()?;
            phase
        }
    })
}

fn command<'a>(
    table: &'a InterfaceTable,
    step: &Step,
    name: &str,
) -> Result<&'a CommandRow, ScriptError> {
    let known = table.commands.iter().map(|row| row.name);
    Ok(&table.commands[position(table, step, "command", name, known)?])
}

/// Returns the index of a name, or an error that lists the known names.
fn position<'a>(
    table: &InterfaceTable,
    step: &Step,
    kind: &'static str,
    name: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Result<usize, ScriptError> {
    known.clone().position(|it| it == name).ok_or_else(|| {
        let known: Vec<_> = known.map(|name| format!("`{name}`")).collect();
        ScriptError::UnknownName {
            interface: table.interface.clone(),
            kind,
            name: name.to_owned(),
            known: if known.is_empty() { "none at all".to_owned() } else { known.join(", ") },
            at: step.at.to_string(),
        }
    })
}

/// The postcard bytes carry no types, so a value of another type would arrive as some wrong value.
fn fits(
    table: &InterfaceTable,
    step: &Step,
    given: &Shape,
    expected: &[ShapeFn],
    (kind, name): (&str, &str),
) -> Result<(), ScriptError> {
    if given.shapes.len() == expected.len()
        && given.shapes.iter().zip(expected).all(|(one, other)| one() == other())
    {
        return Ok(());
    }
    let signature = table.signature(kind, name);
    let (step, at) = (step.to_string(), step.at.to_string());
    Err(ScriptError::WrongType { step, given: given.of, signature, at })
}

/// Fails if the value could not be encoded.
fn encoded(step: &Step, value: &Value) -> Result<(), ScriptError> {
    value.bytes.as_ref().map(drop).map_err(|error| ScriptError::Value {
        step: step.to_string(),
        message: error.to_string(),
        at: step.at.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[mpcore::process]
    #[allow(dead_code)]
    trait Laser {
        fn add_two(&mut self, num1: i32, num2: i32) -> i32;
        fn sweep(&mut self, steps: u32) -> Result<Vec<f64>, String>;
        fn rest(&mut self);
        #[property(write)]
        fn power(&self) -> f64;
        #[event]
        fn voltage(&self, volts: f64);
    }

    fn check(script: &Script) -> Result<(), ScriptError> {
        use crate::Interface as _;
        let describe = <dyn Laser>::__describe;
        script.check_all(&InterfaceTable::new(<dyn Laser>::NAME, describe))
    }

    #[test]
    fn scripts_that_fit() {
        let ready = || Script::new().ready();
        for script in [
            ready(),
            Script::new().set("power", 1.0).emit("voltage", (2.5,)).ready(),
            ready().expect("add_two").reply(3).expect("rest").reply(()),
            ready().expect("sweep").progress(0.5).emit("voltage", (1.0,)).raise(String::new()),
            ready().expect("sweep").reply(vec![1.0]).expect("sweep").until_cancelled(),
            ready().expect_with("add_two", |(_, _): (i32, i32)| {}).panic("oh"),
            ready().answer_with("sweep", |(steps,): (u32,)| vec![f64::from(steps)]),
            ready().expect("set_power").set("power", 2.0).reply(2.0),
            ready().expect("sweep").crash().next_run().ready().next_run().hang(),
            Script::new().fail_to_start("no lamp").next_run().exit(3),
            Script::new().run(|| {}).ready().run(|| {}),
        ] {
            assert_eq!(check(&script), Ok(()), "{script:?}");
        }
    }

    #[test]
    fn scripts_that_do_not_fit_say_why_and_where() {
        let ready = || Script::new().ready();
        let cases: &[(Script, &[&str])] = &[
            (ready().expect("fire"), &["no command `fire`", "`add_two`", "`sweep`", "`set_power`"]),
            (ready().set("voltage", 1.0), &["no property `voltage`", "`power`"]),
            (ready().emit("power", (1.0,)), &["no event `power`", "`voltage`"]),
            (ready().emit("voltage", (1.0f32,)), &["(f32,)", "voltage(volts: f64)"]),
            (ready().emit("voltage", (1.0, 2.0)), &["(f64, f64)"]),
            (ready().set("power", 1), &["i32", "power: f64"]),
            (
                ready().expect("add_two").reply(3u64),
                &["reply(…)", "`u64`", "add_two(num1: i32, num2: i32) -> i32"],
            ),
            (ready().expect("sweep").raise(1), &["raise(…)", "i32", "Result<Vec<f64>, String>"]),
            (ready().expect_with("add_two", |(_,): (i32,)| {}).reply(3), &["(i32,)"]),
            (ready().answer_with("add_two", |(a, _): (i32, i32)| a > 0), &["bool", "-> i32"]),
            (Script::new().expect("rest").reply(()), &["before `.ready()`"]),
            (ready().ready(), &["already ready"]),
            (ready().reply(()), &["no command is running", ".expect(..)"]),
            (ready().progress(0.5), &["no command is running"]),
            (ready().expect("rest").expect("rest"), &["`rest` is still running", ".reply(..)"]),
            (ready().expect("rest"), &["`rest` is never ended"]),
            (ready().crash().set("power", 1.0), &["never reached", "crash()", ".next_run()"]),
        ];
        for (script, phrases) in cases {
            let error = check(script).expect_err(&format!("{script:?}")).to_string();
            assert!(error.contains("check.rs:"), "{error}");
            for phrase in *phrases {
                assert!(error.contains(phrase), "`{error}` does not contain `{phrase}`");
            }
        }
        assert_eq!(check(&Script::new()), Err(ScriptError::NeverReady { run: 1 }));
        let second = ready().next_run().set("power", 1.0);
        assert_eq!(check(&second), Err(ScriptError::NeverReady { run: 2 }));
    }
}
