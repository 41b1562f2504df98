//! Installs packages on Debian and Ubuntu without prompting. Waits for apt's locks, and tries once
//! more after a failure.

use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::command_line::CommandLine;
use crate::error::Error;

/// How long apt waits for the dpkg lock, in seconds. A full system upgrade in the background takes
/// minutes.
const LOCK_TIMEOUT: &str = "DPkg::Lock::Timeout=600";

/// apt cannot wait for the lock on the package lists, and on a freshly started machine the daily
/// update holds it. Five seconds between two attempts.
const LISTS_TRIES: u32 = 120;
const LISTS_PAUSE: Duration = Duration::from_secs(5);

/// Mirrors sometimes return errors, or packages newer than the lists.
const ROUNDS: u32 = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rights {
    Root,
    /// Through `sudo`, if it does not ask for a password.
    Sudo,
}

/// Which packages to install, and how.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Apt {
    packages: Vec<&'static str>,
    rights: Rights,
}

/// How an apt command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ran {
    Well,
    Badly,
    /// Another process holds the lock on the package lists.
    ListsLocked,
}

/// Runs commands.
pub(super) trait Hands {
    fn run(&mut self, command: &CommandLine) -> Result<Ran, Error>;
    fn pause(&mut self, pause: Duration);
}

/// Runs the commands and prints them.
#[derive(Debug)]
pub(super) struct Live;

impl Apt {
    pub(super) fn new(packages: Vec<&'static str>, rights: Rights) -> Apt {
        Apt { packages, rights }
    }

    pub(super) fn packages(&self) -> &[&'static str] {
        &self.packages
    }

    /// Does not report whether the installation helped, which the caller checks: an error only
    /// means that a command could not be started.
    pub(super) fn install(&self, hands: &mut impl Hands) -> Result<(), Error> {
        for _ in 0..ROUNDS {
            // A broken package source, which may have nothing to do with Qt, makes the update fail;
            // the installation may still succeed.
            self.update(hands)?;
            if hands.run(
                &self.command(&["install", "-y", "--no-install-recommends"]).args(&self.packages),
            )? == Ran::Well
            {
                break;
            }
        }
        Ok(())
    }

    fn update(&self, hands: &mut impl Hands) -> Result<(), Error> {
        let update = self.command(&["update"]);
        for _ in 0..LISTS_TRIES {
            if hands.run(&update)? != Ran::ListsLocked {
                break;
            }
            hands.pause(LISTS_PAUSE);
        }
        Ok(())
    }

    fn command(&self, args: &[&str]) -> CommandLine {
        // Set here because sudo would drop the environment. `LC_ALL=C`: errors are recognised by
        // their text.
        let env = ["DEBIAN_FRONTEND=noninteractive", "LC_ALL=C"];
        let command = match self.rights {
            Rights::Root => CommandLine::new("env"),
            Rights::Sudo => CommandLine::new("sudo").args(["-n", "env"]),
        };
        command.args(env).args(["apt-get", "-o", LOCK_TIMEOUT, "-o", "Dpkg::Use-Pty=0"]).args(args)
    }
}

impl Hands for Live {
    fn run(&mut self, command: &CommandLine) -> Result<Ran, Error> {
        println!("$ {command}");
        let mut lists_locked = false;
        let ended =
            command.stream(Path::new("."), |line| lists_locked |= says_lists_are_locked(line))?;
        Ok(match ended.status.success() {
            true => Ran::Well,
            false if lists_locked => Ran::ListsLocked,
            false => Ran::Badly,
        })
    }

    fn pause(&mut self, pause: Duration) {
        println!("another process updates the lists of packages; waiting {} s", pause.as_secs());
        thread::sleep(pause);
    }
}

/// `E: Could not get lock /var/lib/apt/lists/lock. It is held by process 123 (apt-get)`
fn says_lists_are_locked(line: &str) -> bool {
    line.contains("Could not get lock ") && line.contains("/lists/lock")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Fake {
        /// How the commands end, in order; all further ones fail.
        ends: Vec<Ran>,
        done: Vec<String>,
        pauses: u32,
    }

    impl Hands for Fake {
        fn run(&mut self, command: &CommandLine) -> Result<Ran, Error> {
            self.done.push(command.to_string());
            Ok(self.ends.get(self.done.len() - 1).copied().unwrap_or(Ran::Badly))
        }

        fn pause(&mut self, pause: Duration) {
            assert_eq!(pause, LISTS_PAUSE);
            self.pauses += 1;
        }
    }

    const UPDATE: &str = "env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get \
        -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 update";
    const INSTALL: &str = "env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get \
        -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 install -y --no-install-recommends g++ qt6-base-dev";

    #[track_caller]
    fn check(ends: &[Ran], done: &[&str]) {
        let mut hands = Fake { ends: ends.to_vec(), ..Fake::default() };
        Apt::new(vec!["g++", "qt6-base-dev"], Rights::Root).install(&mut hands).unwrap();
        assert_eq!(hands.done, done);
        let locked = ends.iter().filter(|end| **end == Ran::ListsLocked).count();
        assert_eq!(usize::try_from(hands.pauses).unwrap(), locked);
    }

    #[test]
    fn lists_then_packages_and_everything_once_more_after_a_failure() {
        use Ran::{Badly, ListsLocked, Well};
        check(&[Well, Well], &[UPDATE, INSTALL]);
        check(&[Badly, Well], &[UPDATE, INSTALL]);
        check(&[Well, Badly, Well, Well], &[UPDATE, INSTALL, UPDATE, INSTALL]);
        check(&[Well, Badly, Well, Badly], &[UPDATE, INSTALL, UPDATE, INSTALL]);
        // Waiting for the lists does not count as an attempt.
        check(
            &[ListsLocked, ListsLocked, Well, Badly, ListsLocked, Well, Well],
            &[UPDATE, UPDATE, UPDATE, INSTALL, UPDATE, UPDATE, INSTALL],
        );
    }

    #[test]
    fn the_wait_for_the_lists_is_bounded() {
        let tries = usize::try_from(LISTS_TRIES).unwrap();
        let ends = vec![Ran::ListsLocked; tries];
        let mut hands = Fake { ends: [ends, vec![Ran::Well]].concat(), ..Fake::default() };
        Apt::new(vec!["g++", "qt6-base-dev"], Rights::Root).install(&mut hands).unwrap();
        assert_eq!(hands.done.len(), tries + 1);
        assert_eq!(hands.done.last().unwrap(), INSTALL);
        assert_eq!(hands.pauses, LISTS_TRIES);
    }

    #[test]
    fn sudo_never_prompts() {
        let mut hands = Fake { ends: vec![Ran::Well; 2], ..Fake::default() };
        Apt::new(vec!["g++", "qt6-base-dev"], Rights::Sudo).install(&mut hands).unwrap();
        assert_eq!(hands.done, [format!("sudo -n {UPDATE}"), format!("sudo -n {INSTALL}")]);
    }

    #[test]
    fn the_lock_on_the_lists_is_distinguished_from_other_errors() {
        for (line, expected) in [
            (
                "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 7 (apt-get)",
                true,
            ),
            ("E: Could not get lock /var/lib/apt/lists/lock - open (11: Resource busy)", true),
            ("Waiting for cache lock: Could not get lock /var/lib/dpkg/lock-frontend.", false),
            ("E: Unable to lock directory /var/lib/apt/lists/", false),
            ("E: Unable to locate package qt6-base-dev", false),
        ] {
            assert_eq!(says_lists_are_locked(line), expected, "{line}");
        }
    }
}
