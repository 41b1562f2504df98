//! Feeds mpcore's decoders: `fuzz TARGET [--inputs N] [--seconds S] [--seed X] [--patience S]`, where the
//! target `all` is each of them.
//!
//! Prints a line per target, `TARGET INPUTS FINDINGS SECONDS`, and what was found in hex on stderr; ends with
//! code 1 if something was.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::process::ExitCode;
use std::time::Duration;

use system_tests::fuzz::{FAULTY, Plan, supervise, targets, worker};

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

/// Whether nothing was found.
fn run(arguments: &[String]) -> Result<bool, String> {
    let (target, options) = arguments.split_first().ok_or("which target? `all` is each")?;
    let mut plan = Plan {
        inputs: u64::MAX,
        time: Duration::from_secs(10),
        seed: 1,
        patience: Duration::from_secs(60),
    };
    for option in options.chunks(2) {
        let [name, value] = option else { return Err(format!("`{}` needs a number", option[0])) };
        let value: u64 = value.parse().map_err(|_| format!("`{value}` is no number"))?;
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
    let chosen: Vec<&str> = match target.as_str() {
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
            }
            Err(finding) => {
                println!("{target} {} 1 0.0", finding.number);
                eprintln!("{target}: {finding}");
                clean = false;
            }
        }
    }
    Ok(clean)
}
