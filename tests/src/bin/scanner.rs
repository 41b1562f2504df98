//! Holds up every start of one program, like a virus scanner that reaches no verdict, until it is
//! killed itself: `scanner FILE`. A process of its own, since the process that starts the program
//! inherits its descriptors.

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
