//! `cargo xtask bench`: one of the benchmarks, chosen by its name, in release.

use std::ffi::OsString;
use std::process::ExitCode;

use crate::command_line::CommandLine;
use crate::error::Error;
use crate::setup::{self, Machine};
use crate::{display, passed_on};

/// The available benchmarks.
const BENCHES: &[Bench] = &[
    Bench { name: "call", package: "mpcore", needs: Needs::CargoAlone },
    Bench { name: "flood", package: "qml-tests", needs: Needs::Qt },
];

#[derive(Debug)]
struct Bench {
    name: &'static str,
    /// The package with a benchmark of that name.
    package: &'static str,
    needs: Needs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    CargoAlone,
    Qt,
}

/// The first argument names the benchmark, the others go to its program.
pub(crate) fn run(args: Vec<OsString>) -> Result<ExitCode, Error> {
    let (bench, args) = chosen(args)?;
    let mut command = command(bench, args);
    if bench.needs == Needs::Qt {
        setup::make_sure_of_qt()?;
        let variables = display::variables(&Machine);
        if let Some(announcement) = display::announcement(&variables) {
            println!("{announcement}");
        }
        command = command.variables(&variables);
    }
    command.show().become_it()
}

fn chosen(mut args: Vec<OsString>) -> Result<(&'static Bench, Vec<OsString>), Error> {
    let known = BENCHES.iter().map(|bench| bench.name).collect::<Vec<_>>().join(", ");
    if args.is_empty() {
        return Err(Error::Usage(format!("which benchmark? available: {known}")));
    }
    let name = args.remove(0);
    let Some(bench) = BENCHES.iter().find(|bench| name == bench.name) else {
        let name = name.display();
        return Err(Error::Usage(format!("there is no benchmark `{name}`; available: {known}")));
    };
    Ok((bench, passed_on(args)))
}

fn command(bench: &Bench, args: Vec<OsString>) -> CommandLine {
    CommandLine::cargo(["bench", "-p", bench.package, "--bench", bench.name, "--"]).args(args)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bench_is_chosen_by_name_and_gets_the_other_arguments() {
        let call = "cargo bench -p mpcore --bench call --";
        let quick = format!("{call} --quick");
        let flood = "cargo bench -p qml-tests --bench flood -- --quick";
        for (args, expected) in [
            (&["call"][..], Ok((call, Needs::CargoAlone))),
            (&["call", "--quick"], Ok((quick.as_str(), Needs::CargoAlone))),
            (&["call", "--", "--quick"], Ok((quick.as_str(), Needs::CargoAlone))),
            (&["flood", "--", "--quick"], Ok((flood, Needs::Qt))),
            (&[], Err("which benchmark? available: call, flood")),
            (&["cal"], Err("there is no benchmark `cal`; available: call, flood")),
        ] {
            let chosen = chosen(args.iter().map(OsString::from).collect());
            let said = chosen.map(|(bench, args)| (command(bench, args).to_string(), bench.needs));
            let said = said.map_err(|error| error.to_string());
            let said = said.as_ref().map(|(line, needs)| (line.as_str(), *needs));
            assert_eq!(said.map_err(String::as_str), expected);
        }
    }
}
