//! Fuzzes mpcore's decoders: `fuzz TARGET [--inputs N] [--seconds S] [--seed X] [--patience S]`,
//! where the target `all` stands for each of them.
//!
//! Prints a line per target, `TARGET INPUTS FINDINGS SECONDS`, and the findings in hex on stderr;
//! exits with code 1 if there are any. `fuzz --trial [--scale F]` is a trial of `cargo xtask soak`:
//! each target for ten million inputs or ten minutes, with a row of a Markdown table for each.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::process::ExitCode;
use std::time::Duration;

use system_tests::fuzz::{FAULTY, Plan, supervise, targets, worker};

/// The least time per target in a trial: a busy machine without optimisation is slow.
const MOMENT: Duration = Duration::from_secs(300);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(code) = worker(&arguments) {
        std::process::exit(code);
    }
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(why) => {
            eprintln!("fuzz: {why}");
            ExitCode::from(2)
        }
    }
}

/// How many inputs each decoder gets in a trial of the soak, unless the time is over first.
const INPUTS_OF_TRIAL: u64 = 10_000_000;
const TIME_OF_TRIAL: Duration = Duration::from_secs(600);

/// Returns whether there were no findings.
fn run(arguments: &[String]) -> Result<bool, String> {
    let (target, options) = match arguments.split_first() {
        Some((target, options)) if !target.starts_with("--") => (target.as_str(), options),
        Some((trial, options)) if trial == "--trial" => ("all", options),
        _ => return Err("which target? `all` runs each of them".to_owned()),
    };
    let is_trial = arguments.first().is_some_and(|it| it == "--trial");
    let mut plan = Plan {
        inputs: if is_trial { INPUTS_OF_TRIAL } else { u64::MAX },
        time: if is_trial { TIME_OF_TRIAL } else { Duration::from_secs(10) },
        seed: 1,
        patience: Duration::from_secs(60),
    };
    for option in options.chunks(2) {
        let [name, value] = option else { return Err(format!("`{}` needs a number", option[0])) };
        if name == "--scale" {
            let scale: f64 = value.parse().map_err(|_| format!("`{value}` is not a number"))?;
            plan.inputs = (plan.inputs as f64 * scale) as u64;
            // Even the shortest run is long enough for a process to start on a busy machine.
            plan.time = plan.time.mul_f64(scale.max(0.0)).max(MOMENT);
            continue;
        }
        let value: u64 = value.parse().map_err(|_| format!("`{value}` is not a number"))?;
        match name.as_str() {
            "--inputs" => plan.inputs = value,
            "--seconds" => plan.time = Duration::from_secs(value),
            "--seed" => plan.seed = value,
            "--patience" => plan.patience = Duration::from_secs(value),
            other => return Err(format!("there is no option `{other}`")),
        }
    }
    let all = targets();
    let known = all.iter().copied().chain(FAULTY.iter().map(|(name, _)| *name));
    let chosen: Vec<&str> = match target {
        "all" => all,
        one => known.filter(|name| *name == one).collect(),
    };
    if chosen.is_empty() {
        return Err(format!("there is no target `{target}`; there are {}", targets().join(", ")));
    }
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut clean = true;
    for target in chosen {
        match supervise(&program, target, plan).map_err(|error| error.to_string())? {
            Ok(passed) => {
                println!("{target} {} 0 {:.1}", passed.inputs, passed.time.as_secs_f64());
                if is_trial {
                    let time = passed.time.as_secs();
                    println!(
                        "| {target} | {} inputs in {time} s | no finding | kept |",
                        passed.inputs
                    );
                }
            }
            Err(finding) => {
                println!("{target} {} 1 0.0", finding.number);
                if is_trial {
                    println!("| {target} | input {} | no finding | missed |", finding.number);
                }
                eprintln!("{target}: {finding}");
                clean = false;
            }
        }
    }
    Ok(clean)
}
