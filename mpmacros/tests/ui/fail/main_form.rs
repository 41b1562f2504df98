#[mpcore::main(runtime = "tokio")]
unsafe fn main() {}

#[mpcore::main]
fn generic<T>() {}

#[mpcore::main]
extern "C" fn external() {}
