//! Programs that were started through their loader, `ld.so ./app`, as portable bundles do:
//! `/proc/self/exe` is then the loader, which must be given the program again.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Returns the loader's arguments that come before the program's own: its options, and the program.
/// `None` if the system has loaded this program directly.
pub(crate) fn arguments() -> Option<&'static [OsString]> {
    static ARGUMENTS: OnceLock<Option<Vec<OsString>>> = OnceLock::new();
    ARGUMENTS.get_or_init(find).as_deref()
}

fn find() -> Option<Vec<OsString>> {
    let exe = fs::read_link("/proc/self/exe").ok()?;
    if !is_loader(&exe) {
        return None;
    }
    let command_line = fs::read("/proc/self/cmdline").ok()?;
    let mut given = leading(&command_line, std::env::args_os().count())?;
    // The given path may be relative to a folder that is no longer the working directory.
    let here = find as fn() -> Option<Vec<OsString>> as usize;
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    *given.last_mut()? = file_at(&maps, here)?.into();
    Some(given)
}

fn is_loader(exe: &Path) -> bool {
    let name = exe.file_name().and_then(OsStr::to_str).unwrap_or_default();
    (name.starts_with("ld-") || name.starts_with("ld.")) && name.contains(".so")
}

/// Returns the loader's options and the program: the part of the command line that the program does
/// not see.
fn leading(command_line: &[u8], seen: usize) -> Option<Vec<OsString>> {
    let parts = command_line.strip_suffix(&[0]).unwrap_or(command_line).split(|byte| *byte == 0);
    let parts: Vec<_> = parts.map(|part| OsStr::from_bytes(part).to_owned()).collect();
    let hidden = parts.len().checked_sub(seen).filter(|hidden| *hidden > 0)?;
    // The first argument that the program sees is its own name.
    Some(parts.get(1..=hidden)?.to_vec())
}

/// Returns the file that is mapped at an address.
fn file_at(maps: &str, address: usize) -> Option<PathBuf> {
    let line = maps.lines().find(|line| {
        let range = line.split(' ').next().and_then(|range| range.split_once('-'));
        let bound = |text: &str| usize::from_str_radix(text, 16).ok();
        range.is_some_and(|(from, to)| {
            bound(from).is_some_and(|from| from <= address)
                && bound(to).is_some_and(|to| address < to)
        })
    })?;
    let path = line.find('/').map(|at| &line[at..])?;
    Some(PathBuf::from(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loaders_arguments_precede_those_of_the_program() {
        let line = b"ld.so\0--library-path\0lib\0./app\0one\0two\0";
        let given = leading(line, 3).unwrap();
        assert_eq!(given, ["--library-path", "lib", "./app"]);
        assert_eq!(leading(b"ld.so\0./app\0", 1).unwrap(), ["./app"]);
        assert_eq!(leading(b"./app\0one\0", 2), None);
    }

    #[test]
    fn a_loader_is_known_by_its_name() {
        for loader in
            ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-musl-x86_64.so.1", "ld.so", "/x/ld-2.36.so"]
        {
            assert!(is_loader(Path::new(loader)), "{loader}");
        }
        for program in ["/usr/bin/ld", "/usr/bin/ld.gold", "/usr/bin/app.so", "ld-app"] {
            assert!(!is_loader(Path::new(program)), "{program}");
        }
    }

    #[test]
    fn a_file_is_found_by_an_address_in_it() {
        let maps = "1000-2000 r-xp 00000000 08:01 12 /a b/app\n3000-4000 rw-p 00000000 00:00 0\n";
        assert_eq!(file_at(maps, 0x1fff).unwrap(), Path::new("/a b/app"));
        assert_eq!(file_at(maps, 0x2000), None);
        assert_eq!(file_at(maps, 0x3000), None);
    }
}
