//! The tree as `ARCHITECTURE.md` describes it: floors import nothing above them, files import each
//! other in no circle that has no reason, no folder is crowded, and the files that models run take
//! their locks from `sync`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::{Attribute, Item, UseTree};

/// The crates that are read.
const CRATES: [&str; 5] = ["mpcore/src", "mpmacros/src", "mpqt/src", "xtask/src", "tests/src"];

/// The floors of `mpcore`'s controller, lowest first. Everything else in it is the top floor: acts.
const FLOORS: [&[&str]; 4] = [
    // Reports to users: outcomes, errors, payloads of signals.
    &["report"],
    // Decisions without threads, and what limits the flow.
    &["model", "flow_control"],
    &["signals"],
    &["state"],
];

/// The rooms of `mpcore` that only tests and each other may import.
const FOR_TESTS: [&str; 3] = ["fixtures", "fuzzing", "interleavings"];

/// What else the rooms of `mpcore` must not import, other than in tests.
const FORBIDDEN: [(&str, &[&str]); 6] = [
    ("wire", &["transport", "process", "child", "controller", "testing"]),
    ("transport", &["child", "controller", "testing"]),
    ("process", &["wire", "transport", "child", "controller", "testing"]),
    ("child", &["controller", "testing"]),
    ("controller", &["testing"]),
    ("this_process", &["transport", "process", "child", "controller", "testing"]),
];

/// The one file of a room that may break its rule, and what it imports: an interface names its
/// control.
const EXCEPTIONS: [(&str, &str); 1] = [("child::interface", "controller")];

/// Files of a folder, other than the one that declares the others.
const CROWDED: usize = 12;

/// Folders with more, and how many at most: cargo looks for programs in one folder.
const CROWDED_FOLDERS: [(&str, usize); 1] = [("tests/src/bin", 41)];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are in the workspace")
}

/// The modules of one crate: each module's path, and its file relative to the crate's root.
struct Crate {
    folder: &'static str,
    modules: BTreeMap<Vec<String>, PathBuf>,
}

impl Crate {
    fn of(folder: &'static str) -> Self {
        let mut modules = BTreeMap::new();
        let source = root().join(folder);
        for path in sources(&source) {
            let relative = path.strip_prefix(&source).unwrap().to_owned();
            let mut module: Vec<String> =
                relative.with_extension("").iter().map(|it| it.to_str().unwrap().into()).collect();
            if matches!(module.last().unwrap().as_str(), "mod" | "lib" | "main") {
                module.pop();
            }
            let is_program = module.first().is_some_and(|it| it == "bin");
            // Tests in files of their own.
            let is_test = module.last().is_some_and(|it| it == "tests");
            if !is_program && !is_test {
                modules.insert(module, relative);
            }
        }
        Self { folder, modules }
    }

    fn file(&self, module: &[String]) -> String {
        format!("{}/{}", self.folder, self.modules[module].display())
    }

    /// Returns which modules each one imports.
    fn imports(&self) -> BTreeMap<Vec<String>, BTreeSet<Vec<String>>> {
        let imports_of = |(module, file): (&Vec<String>, &PathBuf)| {
            let text = fs::read_to_string(root().join(self.folder).join(file)).unwrap();
            let paths = paths(&text);
            let imports = paths.iter().filter_map(|path| self.resolve(module, path));
            (module.clone(), imports.filter(|it| it != module && !it.is_empty()).collect())
        };
        self.modules.iter().map(imports_of).collect()
    }

    /// The module that a path names, or in which what it names is.
    fn resolve(&self, module: &[String], path: &[String]) -> Option<Vec<String>> {
        let mut base = module.to_vec();
        let mut rest = path;
        match path.first()?.as_str() {
            "crate" => (base, rest) = (Vec::new(), &path[1..]),
            "self" => rest = &path[1..],
            "super" => {
                while rest.first().is_some_and(|it| it == "super") {
                    base.pop()?;
                    rest = &rest[1..];
                }
            }
            _ => {
                base.push(path[0].clone());
                if !self.modules.contains_key(&base) {
                    return None; // another crate, or a name in scope
                }
                rest = &path[1..];
            }
        }
        base.extend(rest.iter().cloned());
        while !self.modules.contains_key(&base) {
            base.pop()?;
        }
        Some(base)
    }
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|it| it == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Returns the paths of all `use` lines and every other path that begins at the crate's root, but
/// for those in tests.
fn paths(text: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let file = syn::parse_file(text).expect("the sources are Rust");
    used_by(&file.items, &mut found);
    let code = text.lines().take_while(|line| !is_begin_of_tests(line));
    for line in code.filter(|line| !line.trim_start().starts_with("//")) {
        let line = line.split(" //").next().unwrap_or_default();
        for (at, start) in line.match_indices("crate::") {
            let before = line[..at].chars().next_back();
            if before.is_some_and(|it| it.is_alphanumeric() || it == '_' || it == '$') {
                continue;
            }
            let rest = line[at + start.len()..]
                .split(|it: char| !(it.is_alphanumeric() || it == '_' || it == ':'));
            let names = rest.take(1).flat_map(|it| it.split("::")).filter(|it| !it.is_empty());
            found.push(["crate".to_owned()].into_iter().chain(names.map(str::to_owned)).collect());
        }
    }
    found
}

fn is_begin_of_tests(line: &str) -> bool {
    line.starts_with("mod tests {") || line.ends_with(" mod tests {")
}

/// Appends the paths of the `use` lines of these items.
fn used_by(items: &[Item], found: &mut Vec<Vec<String>>) {
    for item in items {
        match item {
            Item::Use(item) if !is_for_tests(&item.attrs) => flatten(&item.tree, &[], found),
            Item::Mod(item) if !is_for_tests(&item.attrs) && item.ident != "tests" => {
                // Paths of an inline module begin in it, so only those from the root count.
                let mut inner = Vec::new();
                used_by(item.content.as_ref().map_or(&[], |(_, items)| items), &mut inner);
                found.extend(inner.into_iter().filter(|path| path[0] == "crate"));
            }
            _ => {}
        }
    }
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let is_test = |meta: &syn::MetaList| meta.tokens.to_string().contains("test");
        attribute.path().is_ident("cfg") && attribute.meta.require_list().is_ok_and(is_test)
    })
}

fn flatten(tree: &UseTree, before: &[String], found: &mut Vec<Vec<String>>) {
    let with = |name: &syn::Ident| {
        before.iter().cloned().chain([name.to_string()]).collect::<Vec<String>>()
    };
    match tree {
        UseTree::Path(path) => flatten(&path.tree, &with(&path.ident), found),
        UseTree::Name(name) if name.ident == "self" => found.push(before.to_vec()),
        UseTree::Name(name) => found.push(with(&name.ident)),
        UseTree::Rename(name) => found.push(with(&name.ident)),
        UseTree::Glob(_) => found.push(before.to_vec()),
        UseTree::Group(group) => group.items.iter().for_each(|it| flatten(it, before, found)),
    }
}

/// Returns the groups of modules that import each other, directly or through others.
fn circles(imports: &BTreeMap<Vec<String>, BTreeSet<Vec<String>>>) -> Vec<BTreeSet<Vec<String>>> {
    let reachable = |from: &Vec<String>| {
        let mut seen = BTreeSet::new();
        let mut open = vec![from];
        while let Some(module) = open.pop() {
            for next in imports.get(module).into_iter().flatten() {
                if seen.insert(next.clone()) {
                    open.push(next);
                }
            }
        }
        seen
    };
    let reach: BTreeMap<_, _> = imports.keys().map(|it| (it, reachable(it))).collect();
    let mut found: Vec<BTreeSet<Vec<String>>> = Vec::new();
    for (module, reached) in &reach {
        if !reached.contains(*module) || found.iter().any(|circle| circle.contains(*module)) {
            continue;
        }
        let back = |it: &&Vec<String>| reach.get(it).is_some_and(|of| of.contains(*module));
        found.push(reached.iter().filter(back).cloned().collect());
    }
    found
}

/// The circles that ARCHITECTURE.md gives a reason for: the files of each.
fn explained() -> BTreeSet<BTreeSet<String>> {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let section = text.split("\n## ").flat_map(|it| it.split("\n### "));
    let section = section.into_iter().find(|section| section.starts_with("Circles")).unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let files = row.split('|').nth(1).unwrap();
        files.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    })
    .collect()
}

#[test]
fn files_import_each_other_only_with_a_reason() {
    let mut found = BTreeSet::new();
    for folder in CRATES {
        let of = Crate::of(folder);
        let imports = of.imports();
        assert!(imports.values().map(BTreeSet::len).sum::<usize>() > 5, "{folder}: {imports:?}");
        for circle in circles(&imports) {
            found.insert(circle.iter().map(|module| of.file(module)).collect::<BTreeSet<_>>());
        }
    }
    let listed = explained();
    let new: Vec<_> = found.difference(&listed).collect();
    assert!(new.is_empty(), "these files import each other, without a reason: {new:#?}");
    let gone: Vec<_> = listed.difference(&found).collect();
    assert!(gone.is_empty(), "ARCHITECTURE.md has a reason for circles that are gone: {gone:#?}");
}

#[test]
fn nothing_imports_from_a_floor_above_it() {
    let mpcore = Crate::of("mpcore/src");
    let floor = |module: &[String]| {
        let room = module.get(1).map_or("", String::as_str);
        FLOORS.iter().position(|rooms| rooms.contains(&room)).unwrap_or(FLOORS.len())
    };
    let mut wrong = Vec::new();
    for (module, imports) in mpcore.imports() {
        for import in imports {
            let both = [&module, &import]
                .iter()
                .all(|it| it[..].first().is_some_and(|it| it == "controller"));
            if both && floor(&import) > floor(&module) {
                wrong.push((mpcore.file(&module), mpcore.file(&import)));
            }
            let room = module.first().map_or("", String::as_str);
            let rule = FORBIDDEN.iter().find(|(of, _)| *of == room);
            let named = (module.join("::"), import[0].as_str());
            // The root re-exports the fuzzing targets.
            let of_tests = FOR_TESTS.contains(&named.1) && !FOR_TESTS.contains(&room);
            let of_tests = of_tests && !module.is_empty();
            let forbidden = rule.is_some_and(|(_, rooms)| rooms.contains(&named.1));
            if of_tests || forbidden && !EXCEPTIONS.contains(&(named.0.as_str(), named.1)) {
                wrong.push((mpcore.file(&module), mpcore.file(&import)));
            }
        }
    }
    assert!(wrong.is_empty(), "each imports from above it: {wrong:#?}");
}

#[test]
fn no_folder_is_crowded_and_none_holds_one_file() {
    let mut wrong = Vec::new();
    for folder in CRATES {
        let mut folders = vec![root().join(folder)];
        while let Some(folder) = folders.pop() {
            let entries: Vec<_> =
                fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
            let is_source = |path: &&PathBuf| path.extension().is_some_and(|it| it == "rs");
            let inner: Vec<_> = entries.iter().filter(|path| path.is_dir()).cloned().collect();
            let files = entries.iter().filter(is_source).count();
            let name = folder.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
            let most = CROWDED_FOLDERS.iter().find(|(it, _)| *it == name);
            let most = most.map_or(CROWDED + 1, |(_, most)| *most);
            // Snapshots and the like are no sources.
            if files > most || files + inner.len() == 1 && files == 1 {
                wrong.push((name.clone(), files));
            }
            // One way to write folders: `room/mod.rs`.
            for inner in &inner {
                if inner.with_extension("rs").exists() {
                    wrong.push((format!("{}.rs", inner.display()), 1));
                }
            }
            folders.extend(inner);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn paths_and_circles_are_found() {
    let text = "
        use std::fs;
        use crate::wire::{packet::{self, Head}, credit as money};
        use super::state::*;
        #[cfg(test)]
        use crate::fixtures::one;
        mod inline { use super::Thing; use crate::limits::MS; }
        fn f() -> crate::error::Never { $crate::not::this; todo() } // crate::comment
        // crate::comment
        #[cfg(test)]
        mod tests { use crate::wire::unseen; }";
    let text: String = text.lines().map(|line| line.trim_start().to_owned() + "\n").collect();
    let text = text.replace("$crate::not::this; ", "");
    let found: BTreeSet<String> = paths(&text).iter().map(|path| path.join("::")).collect();
    let expected = [
        "crate::error::Never",
        "crate::limits::MS",
        "crate::wire::",
        "crate::wire::credit",
        "crate::wire::packet",
        "crate::wire::packet::Head",
        "std::fs",
        "super::state",
    ];
    let expected: BTreeSet<String> =
        expected.iter().map(|it| it.trim_end_matches("::").to_owned()).collect();
    let found: BTreeSet<String> =
        found.into_iter().map(|it| it.trim_end_matches("::").to_owned()).collect();
    assert_eq!(
        found.difference(&expected).filter(|it| !it.ends_with("fixtures::one")).count(),
        0,
        "{found:?}"
    );
    assert!(expected.is_subset(&found), "{found:?}");

    let module = |name: &str| vec![name.to_owned()];
    let edges = [("a", "b"), ("b", "c"), ("c", "a"), ("c", "d"), ("e", "a")];
    let mut imports = BTreeMap::new();
    for name in ["a", "b", "c", "d", "e"] {
        let to = edges.iter().filter(|(from, _)| *from == name).map(|(_, to)| module(to));
        imports.insert(module(name), to.collect());
    }
    let circle = ["a", "b", "c"].map(module).into_iter().collect::<BTreeSet<_>>();
    assert_eq!(circles(&imports), [circle]);
}

/// A model sees only loom's locks and atomics: with the standard library's it would explore
/// nothing.
#[test]
fn modelled_files_take_their_locks_from_sync() {
    let mpcore = Crate::of("mpcore/src");
    let imports = mpcore.imports();
    let models =
        imports.iter().filter(|(module, _)| module.first().is_some_and(|it| it == "interleavings"));
    let modelled: BTreeSet<_> = models.flat_map(|(_, used)| used).collect();
    let files = modelled.iter().map(|module| mpcore.file(module));
    let concerned = |file: &String| {
        let folders = ["/model/", "/flow_control/", "/signals/", "/link/"];
        folders.iter().any(|folder| file.contains(folder))
    };
    let files: Vec<_> = files.filter(concerned).collect();
    assert!(files.len() > 8, "{files:?}");
    for file in files {
        let text = fs::read_to_string(root().join(&file)).unwrap();
        let code = text.lines().take_while(|line| !is_begin_of_tests(line));
        let plain: Vec<_> = code
            .filter(|line| line.trim_start().starts_with("use std::sync"))
            .filter(|line| {
                ["Mutex", "Condvar", "RwLock", "atomic"].iter().any(|it| line.contains(it))
            })
            .collect();
        assert!(plain.is_empty(), "{file}: {plain:?}");
    }
}

/// A file without its `mod` line would not be compiled, and its tests would silently not run.
#[test]
fn every_module_of_the_system_tests_is_declared() {
    let system = root().join("tests/tests/system");
    let mut count = 0;
    for file in sources(&system) {
        let is_room = file.ends_with("mod.rs");
        let module = if is_room { file.parent().unwrap() } else { &file };
        let (name, folder) = (module.file_stem().unwrap(), module.parent().unwrap());
        if file == system.join("main.rs") {
            continue;
        }
        let [room, program] = ["mod.rs", "main.rs"].map(|name| folder.join(name));
        let declaring = fs::read_to_string(if room.exists() { room } else { program }).unwrap();
        let declaration = format!("mod {};", name.to_str().unwrap());
        assert!(declaring.lines().any(|line| line == declaration), "{declaration} {file:?}");
        count += 1;
    }
    assert!(count > 50, "{count} modules");
}
