//! The lists in `ARCHITECTURE.md` match the sources: every lock, every thread, and every file that
//! depends on the operating system. No thread starts without a name from the list. The functions
//! that find them are tested too.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The crates that are read.
const SOURCES: [&str; 2] = ["mpcore/src", "mpqt/src"];

/// The folder that is for operating systems: its files are not listed one by one.
const SYSTEMS: &str = "mpcore/src/process/sys/";

/// The names in a condition that depend on the operating system.
const SYSTEM_NAMES: [&str; 4] = ["target_os", "target_family", "unix", "windows"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are in the workspace")
}

fn files(folder: &Path, all: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, all);
        } else if path.extension().is_some_and(|it| it == "rs") {
            all.push(path);
        }
    }
}

/// Files that are compiled only for tests: unit tests in files of their own, and models.
fn is_for_tests(path: &Path) -> bool {
    let path = path.to_str().unwrap();
    path.ends_with("/tests.rs") || path.contains("/interleavings/") || path.ends_with("/loomed.rs")
}

/// The lines of code of every source file, without tests and comments.
fn code() -> Vec<(String, Vec<String>)> {
    let mut all = Vec::new();
    SOURCES.iter().for_each(|folder| files(&root().join(folder), &mut all));
    all.retain(|path| !is_for_tests(path));
    all.sort();
    let read = |path: PathBuf| {
        let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
        (name, of_code(&fs::read_to_string(path).unwrap()))
    };
    all.into_iter().map(read).collect()
}

/// The same without the decoders for fuzzers, which no application runs.
fn code_of_applications() -> Vec<(String, Vec<String>)> {
    code().into_iter().filter(|(name, _)| !name.contains("/fuzzing")).collect()
}

/// Returns the lines of code of a file, up to its tests.
fn of_code(text: &str) -> Vec<String> {
    let begins_tests =
        |line: &&str| line.starts_with("mod tests {") || line.ends_with(" mod tests {");
    let lines = text.lines().take_while(|line| !begins_tests(line));
    lines.filter(|line| !line.trim_start().starts_with("//")).map(str::to_owned).collect()
}

/// Returns the name of the lock that a line declares: a field, a static, a variant, a newtype or an
/// alias.
fn lock_in(line: &str) -> Option<&str> {
    const KINDS: [&str; 5] = ["Mutex<", "RwLock<", "RefCell<", "ReentrantLock<", "UnsafeCell<"];
    let at = KINDS.iter().filter_map(|kind| line.find(kind)).min()?;
    let before = line[..at].trim_start();
    let visible = ["pub(crate) ", "pub(super) ", "pub "];
    let before = visible.iter().find_map(|it| before.strip_prefix(it)).unwrap_or(before);
    let is_use = before.starts_with("use ") || before.contains("let ") || before.contains("fn ");
    // A reference to a lock declared elsewhere, or to a value in one.
    if is_use || before.contains('&') || before.contains('|') || before.contains("-> ") {
        return None;
    }
    let end = before.find([':', '(', '=']).filter(|end| !before[*end..].starts_with("::"))?;
    before[..end].split_whitespace().last().filter(|name| !name.is_empty())
}

/// Returns the thread names in a line: `mp-control`, or `mp-<child>` if the child's name is
/// inserted.
fn threads_in(line: &str) -> Vec<String> {
    let texts = line.split('"').skip(1).step_by(2);
    let names = texts.filter(|text| {
        let named = ["mp-", "mpqt-", "child-"].iter().any(|start| text.starts_with(start));
        named && text.chars().all(|c| c.is_ascii_lowercase() || matches!(c, '-' | '{' | '}'))
    });
    names.map(|name| name.replace("{}", "<child>")).collect()
}

/// What starts a thread without a name: so does a scope's `spawn`, which is not needed here.
const UNNAMED: [&str; 2] = ["thread::spawn(", "thread::scope("];

/// Returns the starts of threads in a file whose names the list cannot have: those without a name,
/// and those with one that does not look like the name of a thread of the runtime. A name that is
/// passed to the start as a variable has to be a text in the same file.
fn starts_without_a_name(lines: &[String]) -> Vec<String> {
    let is_named = !lines.iter().all(|line| threads_in(line).is_empty());
    let text = lines.join(" ");
    let begins = |of: &'static str| text.match_indices(of).map(|(at, _)| &text[at..]);
    let unnamed = UNNAMED.iter().flat_map(|start| begins(start));
    let built = begins("thread::Builder::").filter(|start| {
        let name = start.split_once(".name(").map(|(before, name)| (before, name.trim_start()));
        match name {
            Some((before, _)) if before.contains(".spawn(") => true,
            Some((_, name)) if name.starts_with('"') => {
                threads_in(name.split_inclusive('"').take(2).collect::<String>().as_str())
                    .is_empty()
            }
            Some(_) => !is_named,
            None => true,
        }
    });
    unnamed.chain(built).map(|start| start.chars().take(60).collect()).collect()
}

/// Returns the conditions in the code that depend on the operating system: of `cfg`, `cfg!` and
/// `cfg_attr`. They may have several lines.
fn systems_in(lines: &[String]) -> Vec<String> {
    let text = lines.join(" ");
    let is_letter = |it: char| it.is_alphanumeric() || it == '_';
    let conditions = ["cfg(", "cfg!(", "cfg_attr("].into_iter().flat_map(|start| {
        let begins = text.match_indices(start).map(|(at, _)| at);
        let begins = begins.filter(|at| !text[..*at].ends_with(is_letter));
        begins.map(|at| balanced(&text[at..]))
    });
    let depends = |condition: &&str| {
        // What is behind the first comma of `cfg_attr` is no condition, but none of these names is
        // an attribute.
        condition.split(|it| !is_letter(it)).any(|name| SYSTEM_NAMES.contains(&name))
    };
    conditions.filter(depends).map(|it| it.split_whitespace().collect()).collect()
}

/// Returns the beginning of the text up to the parenthesis that closes its first one.
fn balanced(text: &str) -> &str {
    let mut depth = 0;
    for (at, it) in text.char_indices() {
        match it {
            '(' => depth += 1,
            ')' if depth == 1 => return &text[..=at],
            ')' => depth -= 1,
            _ => {}
        }
    }
    text
}

/// Returns the cells of the table below this heading.
fn table(heading: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let mut sections = text.split("\n## ").flat_map(|it| it.split("\n### "));
    let section = sections.find(|section| section.starts_with(heading)).unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| ")).skip(1);
    rows.map(|row| row.split('|').skip(1).map(|cell| cell.trim().to_owned()).collect()).collect()
}

/// Returns the texts in backticks.
fn quoted(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[track_caller]
fn check(what: &str, found: &BTreeSet<String>, listed: &BTreeSet<String>) {
    let missing: Vec<_> = found.difference(listed).collect();
    assert!(missing.is_empty(), "ARCHITECTURE.md lists no {what} {missing:#?}");
    let gone: Vec<_> = listed.difference(found).collect();
    assert!(gone.is_empty(), "ARCHITECTURE.md lists a {what} that no longer exists: {gone:#?}");
}

#[test]
fn every_lock_is_in_the_list() {
    let mut found = BTreeSet::new();
    for (file, lines) in code_of_applications() {
        let names = lines.iter().filter_map(|line| lock_in(line));
        found.extend(names.map(|name| format!("{file}: {name}")));
    }
    let mut listed = BTreeSet::new();
    for row in table("Locks") {
        let file = quoted(&row[0]).pop().unwrap();
        listed.extend(quoted(&row[1]).iter().map(|name| format!("{file}: {name}")));
    }
    assert!(found.len() > 40, "{found:#?}");
    check("lock", &found, &listed);
}

#[test]
fn every_thread_is_in_the_list() {
    let lines = code_of_applications().into_iter().flat_map(|(_, lines)| lines);
    let found: BTreeSet<_> = lines.flat_map(|line| threads_in(&line)).collect();
    let rows = table("Threads");
    let names = rows.iter().flat_map(|row| quoted(&row[0]));
    let listed = names.filter(|name| name.contains('-')).collect();
    assert!(found.len() > 12, "{found:#?}");
    check("thread", &found, &listed);
}

#[test]
fn no_thread_is_started_without_a_name_in_the_list() {
    let mut starts = 0;
    let mut wrong = Vec::new();
    for (file, lines) in code_of_applications() {
        starts += lines.iter().filter(|line| line.contains("thread::Builder::")).count();
        wrong.extend(starts_without_a_name(&lines).into_iter().map(|it| format!("{file}: {it}")));
    }
    assert!(starts > 15, "{starts} starts of threads are found");
    assert!(wrong.is_empty(), "give it a name, and a row in ARCHITECTURE.md: {wrong:#?}");
}

#[test]
fn every_file_that_knows_the_system_is_in_the_list() {
    let knows = |(file, lines): &(String, Vec<String>)| {
        !file.starts_with(SYSTEMS) && !systems_in(lines).is_empty()
    };
    let found = code().into_iter().filter(knows).map(|(file, _)| file).collect();
    let rows = table("Where the operating system shows");
    let without_reason: Vec<_> = rows.iter().filter(|row| row[1].is_empty()).collect();
    assert!(without_reason.is_empty(), "{without_reason:?}");
    let listed = rows.iter().map(|row| quoted(&row[0]).pop().unwrap()).collect();
    check("system-dependent file", &found, &listed);
}

#[test]
fn conditions_on_the_system_are_found() {
    for (text, found) in [
        ("#[cfg(target_os = \"linux\")]", &["cfg(target_os=\"linux\")"][..]),
        (
            "#[cfg(all(\n    not(unix),\n    feature = \"a\",\n))]",
            &["cfg(all(not(unix),feature=\"a\",))"],
        ),
        ("if cfg!(windows) && x() {", &["cfg!(windows)"]),
        ("#[cfg_attr(not(unix), allow(dead_code))]", &["cfg_attr(not(unix),allow(dead_code))"]),
        ("#[cfg(feature = \"unix_only\")]", &[]),
        ("#[cfg(test)]\nuse std::os::unix::net::UnixStream;", &[]),
        ("let my_cfg = of_cfg(unix);", &[]),
    ] {
        let lines: Vec<_> = text.lines().map(str::to_owned).collect();
        assert_eq!(systems_in(&lines), found, "{text}");
    }
}

#[test]
fn locks_and_threads_are_found_in_a_line() {
    for (line, lock) in [
        ("    events: Mutex<Events>,", Some("events")),
        ("    pub(crate) config: Mutex<Option<Arc<u8>>>,", Some("config")),
        ("pub(crate) struct Deadline(Mutex<Option<Instant>>);", Some("Deadline")),
        ("type Orders = Arc<Mutex<Vec<Order>>>;", Some("Orders")),
        ("static WRAPPING: Mutex<()> = Mutex::new(());", Some("WRAPPING")),
        ("    static LOCAL: RefCell<HashMap<u64, u8>> = RefCell::default();", Some("LOCAL")),
        ("    Run(Arc<Mutex<dyn FnMut() + Send>>),", Some("Run")),
        ("    lanes: std::sync::RwLock<u8>,", Some("lanes")),
        ("pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {", None),
        ("        let new = Arc::<Mutex<Vec<u8>>>::default();", None),
        ("        let finish = |stream: &Mutex<u8>| {", None),
        ("        process: fn(&T) -> &RefCell<MpqtProcess>,", None),
        ("    guard: MutexGuard<'a, T>,", None),
        ("use std::sync::Mutex;", None),
    ] {
        assert_eq!(lock_in(line), lock, "{line}");
    }
    for (line, names) in [
        (r#"thread::Builder::new().name("mp-cut".into())"#, &["mp-cut"][..]),
        (r#"let name = format!("mp-{}", shared.name());"#, &["mp-<child>"]),
        (r#"let name = format!("child-{}", "other text");"#, &["child-<child>"]),
        (r#"println!("mp-core is a Name")"#, &[]),
    ] {
        assert_eq!(threads_in(line), names, "{line}");
    }
    for (text, named) in [
        ("thread::Builder::new().name(\"mp-cut\".into()).spawn(body)?;", true),
        ("thread::Builder::new()\n    .name(\n        \"mp-cut\".into()).spawn(body)?;", true),
        (
            "let name = \"mp-control\";\nthread::Builder::new().name(name.into()).spawn(body)?;",
            true,
        ),
        ("thread::Builder::new().name(name.into()).spawn(body)?;", false),
        ("thread::Builder::new().name(\"helper\".into()).spawn(body)?;", false),
        ("thread::Builder::new().spawn(body)?; of.name(\"mp-cut\")", false),
        ("std::thread::spawn(body);", false),
    ] {
        let lines: Vec<_> = text.lines().map(str::to_owned).collect();
        assert_eq!(starts_without_a_name(&lines).is_empty(), named, "{text}");
    }
    let text = "a: Mutex<u8>\n// b: Mutex<u8>\n#[cfg(test)]\nmod tests {\n    c: Mutex<u8>";
    assert_eq!(of_code(text), ["a: Mutex<u8>", "#[cfg(test)]"]);
}
