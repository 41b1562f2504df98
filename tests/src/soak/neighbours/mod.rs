//! A fixed life (`bin/fixed_life.rs`: start, calls, events, a big value, cancel, crash, restart,
//! stop) beside each neighbour that a library cannot choose.
//!
//! Each call has one outcome, in time, and is right if it succeeds; each end is reported as what it
//! was, or as unknown where another part of the process reaps; neither another child nor an
//! innocent process is affected; nothing is left over; and when the neighbour is gone, the same
//! control and a new one work as if nothing had happened. A machine that cannot provide a neighbour
//! reports why.
//!
//! `ONE_NEIGHBOUR="SIGCHLD is ignored"` runs only that one, and the one it is compared with.

mod needs;
mod round;
mod table;

use super::report::{Report, count};
use super::{Progress, Settings};
use table::NEIGHBOURS;

/// Rounds per neighbour at full size.
const ROUNDS: usize = 100;

pub(super) fn run(settings: &Settings) -> Report {
    let rounds = settings.scaled(ROUNDS, 1);
    let mut report = Report::new("neighbours");
    let one = std::env::var("ONE_NEIGHBOUR").ok();
    let mut progress = Progress::new("neighbours", NEIGHBOURS.len() * rounds);
    let mut usual = [None, None];
    for (number, neighbour) in NEIGHBOURS.iter().enumerate() {
        if one.as_ref().is_some_and(|one| one != neighbour.about) {
            continue;
        }
        if let Some(why) = neighbour.needs.iter().find_map(|need| need(settings)) {
            report.figure(neighbour.about, format!("skipped: {why}"));
            continue;
        }
        let usual = usual[usize::from(neighbour.beside)].get_or_insert_with(|| {
            let life = round::live(settings, &alone(neighbour.beside), 0, None);
            for finding in &life.findings {
                report.broken(format!("no neighbour: {finding}"));
            }
            life.left.unwrap_or_default()
        });
        let mut right = 0;
        for round in 0..rounds {
            let life = round::live(settings, neighbour, round, Some(*usual));
            match life.findings.split_first() {
                None => right += 1,
                Some((first, more)) => report.broken(format!(
                    "{}, round {round}: {first} (and {} more)",
                    neighbour.about,
                    more.len()
                )),
            }
            progress.at(number * rounds + round + 1);
        }
        let value = format!("{} of {} right", count(right), count(rounds));
        report.goal(neighbour.about, value, "all", right == rounds);
    }
    report
}

/// No neighbour, with or without another child.
fn alone(beside: bool) -> table::Neighbour {
    table::Neighbour { beside, ..table::NONE }
}
