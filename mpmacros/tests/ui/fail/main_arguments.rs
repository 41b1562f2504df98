#[mpcore::main]
fn main(arguments: Vec<String>, count: usize) {
    println!("{} {count}", arguments.len());
}
