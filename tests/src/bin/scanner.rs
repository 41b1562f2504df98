//! Holds back every start of one program, as a virus scanner does that does not come to its verdict, until it is
//! killed itself: `scanner FILE`. A process of its own, since who starts the program inherits what it has open.

use nix::sys::fanotify::{EventFFlags, Fanotify, InitFlags, MarkFlags, MaskFlags};

fn main() {
    let file = std::env::args().nth(1).expect("a file");
    let flags = InitFlags::FAN_CLASS_CONTENT | InitFlags::FAN_CLOEXEC;
    let marked = Fanotify::init(flags, EventFFlags::O_RDONLY).and_then(|scanner| {
        let (add, exec) = (MarkFlags::FAN_MARK_ADD, MaskFlags::FAN_OPEN_EXEC_PERM);
        scanner.mark(add, exec, nix::fcntl::AT_FDCWD, Some(file.as_str())).map(|()| scanner)
    });
    println!("scans {}", marked.is_ok());
    loop {
        std::thread::park();
    }
}
