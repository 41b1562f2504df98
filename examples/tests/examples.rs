//! Runs every example as a user would, and checks that none is forgotten.

mod runs;

use std::collections::BTreeSet;
use std::env::consts::EXE_SUFFIX;
use std::fs;
use std::path::Path;
use std::process::Command;

use runs::Run;

/// The examples, each with lines of its output, in any order: what handlers print comes from
/// another thread.
const EXAMPLES: &[(&str, &[&str])] = &[
    ("addition", &["received the sum 42", "received the sum 3"]),
    ("async_await", &["power: 2 W\n", "mean: 890 V\n"]),
    (
        "event_loop",
        &["all 100000 samples came, in order: true\n", " turns of the loop, which ticked "],
    ),
    ("in_process", &["weight: 1.5\n", "mean: 3\n", "process number: None\n"]),
    (
        "laser",
        &[
            "signal: the sum is 3\n",
            "20 + 22 = 42\n",
            "calibrated: offset 0, gain 1\n",
            "the mirror says 1 W\n",
            "7 W: refused: more than 5 W\n",
            "signal: exception: Laser-1.set_power: refused: more than 5 W\n",
            "the mirror says 2.5 W\n",
            "sweep: [1000.0, 1050.0, 1100.0, 1150.0, 1200.0]\n",
            "Laser-1 is running, pid Some(",
            "the laser on COM3 is off after 5 samples\n",
            "the end: exit code 0\n",
            "run 2: 4\n",
            // From the run that the end of `main` stopped.
            "the laser on COM3 is off after 0 samples\n",
        ],
    ),
    (
        "laser_calls",
        &[
            "wait: 3\n",
            "wait_timeout: 7\n",
            "blocking: 11\n",
            "on_done: 15\n",
            "forward_to: 19\n",
            "after a moment: no outcome yet\n",
            "cancel: the command was cancelled\n",
            "never began: the command was cancelled\n",
            "raised: the laser is off; set its power first\n",
            "was killed: killed by signal 9 (SIGKILL); 1 command ended with it\n",
        ],
    ),
    (
        "laser_signals",
        &[
            "power: 1 W\n",
            "calibrated: 0, 1\n",
            "swept: 5 values\n",
            "local: 5 voltages, the first 400 V\n",
            "receiver: the stage is at 1, -1\n",
            "finished: exit code 0\n",
        ],
    ),
    (
        "properties",
        &[
            "before the start: Hello World!\n",
            "asked for 11, got 10; the mirror says 10\n",
            "changed: Hello World 3!\n",
            "mirror: Hello World 3!\n",
        ],
    ),
    ("readme", &["3\n"]),
    ("readme_options", &["Ok(42)\n"]),
    (
        "separate_child",
        &[
            "moved by 40 mm\n",
            "now at 40 mm\n",
            "not moved: the stage is 100 mm long\n",
            "another one: the constructor failed: a stage needs a length\n",
        ],
    ),
];

/// Not run here: the demo has its own test file, and the child is run by its controller.
const OTHERS: &[&str] = &["digest", "separate_child_child"];

#[test]
fn every_example_prints_what_it_promises_and_succeeds() {
    for (name, said) in EXAMPLES {
        let ended = Run::start(program(name)).end();
        assert!(ended.status.success(), "{name}: {ended:?}");
        assert_eq!(ended.stderr, "", "{name}: {ended:?}");
        for line in *said {
            assert!(ended.stdout.contains(line), "{name} did not say {line:?}:\n{}", ended.stdout);
        }
    }
}

/// The last signals are delivered before `main` returns.
#[test]
fn the_end_of_the_last_child_is_reported() {
    for _ in 0..20 {
        let ended = Run::start(program("laser")).end();
        let ends = ended.stdout.matches(" finished: exit code 0\n").count();
        assert_eq!(ends, 2, "{}", ended.stdout);
    }
}

#[test]
fn a_child_run_by_hand_explains_itself() {
    let ended = Run::start(program("separate_child_child")).end();
    assert_eq!(ended.status.code(), Some(2));
    assert!(ended.stderr.contains("this program is a child of `Stage`"), "{ended:?}");
}

#[test]
fn no_example_is_forgotten() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bin");
    let there = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned());
    let known = EXAMPLES.iter().map(|(name, _)| *name).chain(OTHERS.iter().copied());
    assert_eq!(there.collect::<BTreeSet<_>>(), known.map(str::to_owned).collect());
}

fn program(name: &str) -> Command {
    let any = Path::new(env!("CARGO_BIN_EXE_laser"));
    Command::new(any.with_file_name(format!("{name}{EXE_SUFFIX}")))
}
