//! The JUnit files in which nextest and Qt's test runner report: where they are, and what they
//! count.
//!
//! Both runners write a file at the end only. One that is absent, incomplete or unknown in form
//! counts as nothing, and its program or kind fails for lack of a result.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use roxmltree::{Document, Node};

use super::output::{Counts, Runner};
use crate::error::Error;

/// nextest's profile that writes the file, and the file that configures it.
pub(super) const PROFILE: &str = "counted";
pub(super) const CONFIG: &str = ".config/nextest-counted.toml";

/// The folder of a runner's files.
#[derive(Debug)]
pub(super) struct JunitFiles {
    runner: Runner,
    pub(super) folder: PathBuf,
}

impl JunitFiles {
    /// An empty folder, without the files of earlier runs.
    pub(super) fn new(runner: Runner, root: &Path) -> Result<JunitFiles, Error> {
        let folder = match runner {
            // For `MPQT_JUNIT`.
            Runner::Cargo => root.join("target/tests-qml"),
            // Below the root of the workspace even where cargo's target folder is elsewhere.
            Runner::Nextest => root.join("target/nextest").join(PROFILE),
        };
        let files = JunitFiles { runner, folder };
        match fs::remove_dir_all(&files.folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(files.error(error)),
            _ => fs::create_dir_all(&files.folder).map_err(|error| files.error(error)),
        }?;
        Ok(files)
    }

    /// Reads all of them.
    pub(super) fn read(&self) -> Result<Counts, Error> {
        let mut counts = Counts::default();
        for entry in fs::read_dir(&self.folder).map_err(|error| self.error(error))? {
            let path = entry.map_err(|error| self.error(error))?.path();
            if path.extension().is_none_or(|extension| extension != "xml") {
                continue;
            }
            let text = fs::read(&path).map_err(|error| self.error(error))?;
            let text = String::from_utf8_lossy(&text);
            let found = match self.runner {
                Runner::Cargo => of_qt(&text),
                Runner::Nextest => of_nextest(&text),
            };
            counts.add(found.unwrap_or_default());
        }
        Ok(counts)
    }

    fn error(&self, source: io::Error) -> Error {
        Error::JunitFiles { folder: self.folder.clone(), source }
    }
}

/// The counts of a whole run of nextest.
fn of_nextest(text: &str) -> Option<Counts> {
    let document = Document::parse(text).ok()?;
    let root = document.root_element();
    if !root.has_tag_name("testsuites") {
        return None;
    }
    let mut counts = Counts::default();
    for case in cases(root) {
        match Outcome::of(case) {
            // The only text that is read: were it another one, the test would be counted as failed,
            // which it is for nextest.
            Outcome::Failed(why) if why.has_tag_name("error") && says(why, "leaked handles") => {
                counts.passed += 1;
                counts.leaky += 1;
            }
            other => other.count(&mut counts),
        }
    }
    Some(counts)
}

/// The counts of one program that runs QML tests.
fn of_qt(text: &str) -> Option<Counts> {
    let document = Document::parse(text).ok()?;
    let root = document.root_element();
    if !root.has_tag_name("testsuite") {
        return None;
    }
    let mut counts = Counts::default();
    for case in cases(root) {
        match Outcome::of(case) {
            Outcome::Passed if is_surrounding(case) => {}
            outcome => outcome.count(&mut counts),
        }
    }
    counts.empty = u64::from(counts == Counts::default());
    counts.results = 1;
    Some(counts)
}

/// Setup and cleanup of a `TestCase` are in the file even if the `TestCase` has no tests.
fn is_surrounding(case: Node<'_, '_>) -> bool {
    let name = case.attribute("name").unwrap_or_default();
    ["::initTestCase", "::cleanupTestCase"].iter().any(|end| name.ends_with(end))
}

fn cases<'a, 'input>(root: Node<'a, 'input>) -> impl Iterator<Item = Node<'a, 'input>> {
    root.descendants().filter(|node| node.has_tag_name("testcase"))
}

fn says(why: Node<'_, '_>, text: &str) -> bool {
    why.attribute("type").is_some_and(|it| it.contains(text))
}

/// How a test ended.
enum Outcome<'a, 'input> {
    Passed,
    Failed(Node<'a, 'input>),
    Skipped,
    /// The filter expression of the run excludes it.
    Filtered,
}

impl<'a, 'input> Outcome<'a, 'input> {
    fn of(case: Node<'a, 'input>) -> Self {
        let child = |names: &[&str]| {
            case.children().find(|child| names.iter().any(|name| child.has_tag_name(*name)))
        };
        // A skipped test may fail in its cleanup.
        match (child(&["failure", "error"]), child(&["skipped"])) {
            (Some(why), _) => Outcome::Failed(why),
            (None, Some(why)) => match why.attribute("message") {
                Some(text) if text.contains("expression filters") => Outcome::Filtered,
                _ => Outcome::Skipped,
            },
            (None, None) => Outcome::Passed,
        }
    }

    fn count(&self, counts: &mut Counts) {
        match self {
            Outcome::Passed => counts.passed += 1,
            Outcome::Failed(_) => counts.failed += 1,
            Outcome::Skipped => counts.skipped += 1,
            Outcome::Filtered => counts.filtered += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written by Qt 6.4.2, with other names.
    const QT: &str = r#"<?xml version="1.0" encoding="UTF-8" ?>
<testsuite name="laser" timestamp="2026&#x002D;11&#x002D;26T19:59:20" hostname="vm" tests="14" failures="2" errors="0" skipped="1" time="0.009">
  <properties>
    <property name="QTestVersion" value="6.4.2"/>
    <property name="QtVersion" value="6.4.2"/>
    <property name="QtBuild" value="Qt 6.4.2 (x86_64&#x002D;little_endian&#x002D;lp64 shared (dynamic) release build; by GCC 12.2.0)"/>
  </properties>
  <testcase name="Empty::initTestCase" classname="laser" time="0.000"/>
  <testcase name="Empty::cleanupTestCase" classname="laser" time="0.000"/>
  <testcase name="Two::initTestCase" classname="laser" time="0.000"/>
  <testcase name="Two::test_initTestCase" classname="laser" time="0.000"/>
  <testcase name="Two::cleanupTestCase" classname="laser" time="0.000"/>
  <testcase name="Laser::initTestCase" classname="laser" time="0.000"/>
  <testcase name="Laser::test_add(one)" classname="laser" time="0.000"/>
  <testcase name="Laser::test_add(t&lt;w&gt;o)" classname="laser" time="0.000"/>
  <testcase name="Laser::test_bad" classname="laser" time="0.000">
    <failure type="fail" message="Compared values are not the same">
      <![CDATA[   Actual   (): 1
   Expected (): 2]]>
    </failure>
  </testcase>
  <testcase name="Laser::test_skip" classname="laser" time="0.000">
    <skipped message="why"/>
  </testcase>
  <testcase name="Laser::test_warn" classname="laser" time="0.000">
    <system-out>
      <![CDATA[qml: hello ]]]><![CDATA[]> <b>]]>
    </system-out>
    <system-err>
      <![CDATA[qml: uh]]>
    </system-err>
  </testcase>
  <testcase name="Laser::test_xfail" classname="laser" time="0.000">
    <system-out>
      <![CDATA[known]]>
    </system-out>
  </testcase>
  <testcase name="Laser::test_xpass" classname="laser" time="0.000">
    <failure type="xpass" message="QCOMPARE(, ) returned TRUE unexpectedly."/>
  </testcase>
  <testcase name="Laser::cleanupTestCase" classname="laser" time="0.000"/>
</testsuite>
"#;

    /// Written by nextest 0.9.143, without backtraces.
    const NEXTEST: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="nextest-run" tests="10" skipped="2" failures="4" errors="1" uuid="d18d0867-895d-48b6-b66d-fe4d3b32ca93" timestamp="2026-11-26T20:02:48.024+00:00" time="2.546">
    <testsuite name="nt::calls" tests="9" skipped="2" errors="1" failures="4">
        <testcase name="aborts" classname="nt::calls" timestamp="2026-11-26T20:02:48.027+00:00" time="0.010">
            <failure message="process aborted with signal 6 (SIGABRT)" type="test abort">process aborted with signal 6 (SIGABRT)</failure>
        </testcase>
        <testcase name="four" classname="nt::calls" timestamp="2026-11-26T20:02:48.026+00:00" time="0.018"/>
        <testcase name="left_out" classname="nt::calls" time="0.000">
            <skipped message="Skipped: test does not match the provided expression filters"/>
        </testcase>
        <testcase name="leaky" classname="nt::calls" timestamp="2026-11-26T20:02:48.038+00:00" time="0.510">
            <error type="test exited with code 0, but leaked handles so was marked failed"/>
        </testcase>
        <testcase name="one" classname="nt::calls" timestamp="2026-11-26T20:02:48.550+00:00" time="0.017"/>
        <testcase name="three" classname="nt::calls" time="0.000">
            <skipped message="Skipped: test does not match the run-ignored option"/>
        </testcase>
        <testcase name="leaky_fails" classname="nt::calls" timestamp="2026-11-26T20:02:48.045+00:00" time="0.686">
            <failure message="thread &apos;leaky_fails&apos; (25378) panicked at tests/calls.rs:6:91" type="test failure with exit code 101 (leaked handles)">thread &apos;leaky_fails&apos; (25378) panicked at tests/calls.rs:6:91:
x</failure>
        </testcase>
        <testcase name="two" classname="nt::calls" timestamp="2026-11-26T20:02:48.731+00:00" time="0.146">
            <failure message="thread &apos;two&apos; (25389) panicked at tests/calls.rs:2:53" type="test failure with exit code 101">thread &apos;two&apos; (25389) panicked at tests/calls.rs:2:53:
bad &amp; &lt;worse&gt;</failure>
        </testcase>
        <testcase name="slow" classname="nt::calls" timestamp="2026-11-26T20:02:48.567+00:00" time="2.003">
            <failure type="test timeout"/>
        </testcase>
    </testsuite>
    <testsuite name="nt::stop" tests="1" skipped="0" errors="0" failures="0">
        <testcase name="five" classname="nt::stop" timestamp="2026-11-26T20:02:48.878+00:00" time="0.020"/>
    </testsuite>
</testsuites>
"#;

    /// A file of Qt with these test cases.
    fn qt(cases: &str) -> String {
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\" ?>\n<testsuite>{cases}</testsuite>\n")
    }

    fn some(passed: u64, failed: u64, skipped: u64) -> Counts {
        Counts { passed, failed, skipped, ..Counts::default() }
    }

    #[test]
    fn qml_tests_are_counted_without_setup_and_cleanup() {
        let check = |text: &str, expected| {
            assert_eq!(of_qt(text), Some(Counts { results: 1, ..expected }), "{text}");
        };
        check(QT, some(5, 2, 1));
        let failing = r#"<testcase name="A::initTestCase"><failure type="fail"/></testcase>"#;
        check(&qt(failing), some(0, 1, 0));
        let skipped = r#"<testcase name="A::cleanupTestCase"><skipped message="s"/></testcase>"#;
        check(&qt(skipped), some(0, 0, 1));
        // In its cleanup.
        let both = r#"<testcase name="A::t"><skipped/><failure type="fail"/></testcase>"#;
        check(&qt(both), some(0, 1, 0));
        let fatal = r#"<testcase name="A::t"><error type="qfatal"/></testcase>"#;
        check(&qt(fatal), some(0, 1, 0));
    }

    #[test]
    fn a_qml_program_without_a_test_is_empty() {
        let surroundings =
            r#"<testcase name="A::initTestCase"/><testcase name="A::cleanupTestCase"/>"#;
        let empty = Counts { results: 1, empty: 1, ..Counts::default() };
        for cases in ["", surroundings] {
            assert_eq!(of_qt(&qt(cases)), Some(empty), "{cases}");
        }
    }

    #[test]
    fn a_run_of_nextest_is_summed_over_its_programs() {
        assert_eq!(of_nextest(NEXTEST), Some(Counts { leaky: 1, filtered: 1, ..some(4, 4, 1) }));
        // Nothing to run.
        let none = r#"<testsuites name="nextest-run" tests="0" skipped="0"></testsuites>"#;
        assert_eq!(of_nextest(none), Some(Counts::default()));
        // A message that nextest has worded differently.
        let worded = NEXTEST.replace("leaked handles so", "left a process behind and");
        assert_eq!(of_nextest(&worded), Some(Counts { filtered: 1, ..some(3, 5, 1) }));
    }

    #[test]
    fn an_incomplete_or_foreign_file_is_no_result() {
        let (half_of_qt, half_of_nextest) = (&QT[..QT.len() / 2], &NEXTEST[..NEXTEST.len() / 2]);
        for text in ["", "\n", half_of_qt, NEXTEST, "<TestCase name=\"laser\"/>"] {
            assert_eq!(of_qt(text), None, "{text}");
        }
        for text in ["", half_of_nextest, QT] {
            assert_eq!(of_nextest(text), None, "{text}");
        }
    }

    #[test]
    fn the_files_of_one_run_are_added_and_older_ones_are_cleared() {
        let root = std::env::temp_dir().join(format!("xtask-junit-{}", std::process::id()));
        let files = JunitFiles::new(Runner::Cargo, &root).unwrap();
        assert_eq!(files.read().unwrap(), Counts::default());
        // The second of them crashed.
        for (name, text) in [("a-1.xml", QT), ("b-2.xml", ""), ("c-3.xml", QT), ("note", QT)] {
            fs::write(files.folder.join(name), text).unwrap();
        }
        assert_eq!(files.read().unwrap(), Counts { results: 2, ..some(10, 4, 2) });
        let files = JunitFiles::new(Runner::Cargo, &root).unwrap();
        assert_eq!(files.read().unwrap(), Counts::default());

        let files = JunitFiles::new(Runner::Nextest, &root).unwrap();
        assert_eq!(files.read().unwrap(), Counts::default());
        fs::write(root.join("target/nextest/counted/junit.xml"), NEXTEST).unwrap();
        assert_eq!(files.read().unwrap(), Counts { leaky: 1, filtered: 1, ..some(4, 4, 1) });
        fs::remove_dir_all(root).unwrap();
    }
}
