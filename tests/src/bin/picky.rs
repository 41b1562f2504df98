//! A program whose panic hook ends it, as crash reporters do: controller, with the argument
//! `control`, and child.

use system_tests::LONG;
use system_tests::transport::transport;
use system_tests::wary::{Level, News, PickyControl, PickyProcess};

/// The exit code that the hook uses.
const REPORTED: i32 = 70;

fn main() {
    std::panic::set_hook(Box::new(|info| {
        eprintln!("reported: {info}");
        std::process::exit(REPORTED);
    }));
    if std::env::args().nth(1).as_deref() != Some("control") {
        mpcore::child_main::<PickyProcess>();
    }
    // The same file, named as another program, so that both sides try out the types.
    let program = std::env::current_exe().expect("there is a file");
    let picky = PickyControl::builder().program(program).transport(transport());
    let picky = picky.spawn().expect("it starts");
    println!("ready {:?}", picky.process().wait_ready(LONG));
    println!("raised {:?}", picky.raise(Level::HIGH).wait());
    println!("told {:?}", picky.tell(News::mail(-7)).wait());
    panic!("the hook is still there");
}
