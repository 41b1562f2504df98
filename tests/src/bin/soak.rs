//! One trial of the soak: `soak TRIAL [--scale FACTOR] [--seed NUMBER]`.
//!
//! Prints the figures as rows of a table, then one line that ends in `ok` or `FAILED`; the exit
//! code is 1 if a promise was broken.

use std::panic::catch_unwind;
use std::process::ExitCode;

use system_tests::soak::{Settings, TRIALS, Trial};

fn main() -> ExitCode {
    let (trial, settings) = match command_line(std::env::args().skip(1)) {
        Ok(chosen) => chosen,
        Err(why) => {
            eprintln!("error: {why}\nsoak TRIAL [--scale FACTOR] [--seed NUMBER]");
            return ExitCode::from(2);
        }
    };
    println!("| seed | {} |  |  |", settings.seed);
    // A panic is an unmet expectation of the trial; its message says which.
    let Ok(report) = catch_unwind(|| (trial.run)(&settings)) else {
        println!("{}: FAILED", trial.name);
        return ExitCode::FAILURE;
    };
    print!("{report}");
    if report.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn command_line(mut args: impl Iterator<Item = String>) -> Result<(Trial, Settings), String> {
    let known = || TRIALS.iter().map(|trial| trial.name).collect::<Vec<_>>().join(", ");
    let name = args.next().ok_or_else(|| format!("which trial? there is: {}", known()))?;
    let trial = TRIALS.iter().find(|trial| trial.name == name);
    let trial = trial.ok_or_else(|| format!("no trial `{name}`; there is: {}", known()))?;
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let programs = own.parent().ok_or("this program is in no folder")?.to_owned();
    let mut settings = Settings { scale: 1.0, seed: fastrand::u64(..), programs };
    while let Some(option) = args.next() {
        let value = args.next().ok_or_else(|| format!("`{option}` needs a value"))?;
        let refused = || format!("`{option} {value}` is invalid");
        match option.as_str() {
            "--scale" => settings.scale = value.parse().map_err(|_| refused())?,
            "--seed" => settings.seed = value.parse().map_err(|_| refused())?,
            _ => return Err(refused()),
        }
    }
    if !(settings.scale > 0.0 && settings.scale <= 100.0) {
        return Err("the scale is a factor: 1 is the full size, 0.02 a fiftieth".to_owned());
    }
    Ok((*trial, settings))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_chooses_a_trial_its_size_and_its_seed() {
        let chosen = |line: &str| {
            let (trial, settings) = command_line(line.split_whitespace().map(str::to_owned))?;
            Ok::<_, String>((trial.name, settings.scale, settings.seed))
        };
        assert_eq!(chosen("kills --scale 0.02 --seed 7"), Ok(("kills", 0.02, 7)));
        assert_eq!(chosen("flood --seed 7"), Ok(("flood", 1.0, 7)));
        for (line, part) in [
            ("", "which trial"),
            ("kill", "no trial `kill`"),
            ("kills --scale", "needs a value"),
            ("kills --scale much", "is invalid"),
            ("kills --scale 0", "a factor"),
            ("kills --scale NaN", "a factor"),
            ("kills --size 3", "is invalid"),
        ] {
            let said = chosen(line).unwrap_err();
            assert!(said.contains(part), "`{line}`: {said}");
        }
    }
}
