//! `cargo xtask bench`: the benchmarks, in release.

use std::ffi::OsString;
use std::process::ExitCode;

use crate::cargo::Cargo;
use crate::error::Error;
use crate::passed_on;

/// What can be measured, and the package whose benchmark of that name measures it.
const BENCHES: &[(&str, &str)] = &[("call", "mpcore")];

/// The first argument names the benchmark, the others go to its program.
pub(crate) fn run(args: Vec<OsString>) -> Result<ExitCode, Error> {
    command(args)?.show().become_it()
}

fn command(mut args: Vec<OsString>) -> Result<Cargo, Error> {
    let known = BENCHES.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    if args.is_empty() {
        return Err(Error::Usage(format!("which benchmark? there is: {known}")));
    }
    let name = args.remove(0);
    let Some((bench, package)) = BENCHES.iter().find(|(known, _)| name == *known) else {
        let name = name.display();
        return Err(Error::Usage(format!("there is no benchmark `{name}`; there is: {known}")));
    };
    let cargo = Cargo::new(["bench", "-p", package, "--bench", bench, "--"]);
    Ok(cargo.args(passed_on(args)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bench_is_chosen_by_name_and_gets_the_rest() {
        let cases: &[(&[&str], Result<&str, &str>)] = &[
            (&["call"], Ok("cargo bench -p mpcore --bench call --")),
            (&["call", "--quick"], Ok("cargo bench -p mpcore --bench call -- --quick")),
            (&["call", "--", "--quick"], Ok("cargo bench -p mpcore --bench call -- --quick")),
            (&[], Err("which benchmark? there is: call")),
            (&["cal"], Err("there is no benchmark `cal`; there is: call")),
        ];
        for (args, expected) in cases {
            let command = command(args.iter().map(OsString::from).collect());
            let said = command.map(|cargo| cargo.to_string()).map_err(|error| error.to_string());
            assert_eq!(said.as_deref().map_err(String::as_str), *expected);
        }
    }
}
