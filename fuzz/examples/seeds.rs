//! Writes the valid inputs of every target: `seeds FOLDER` creates `FOLDER/TARGET/NUMBER`.

use std::path::PathBuf;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let Some(folder) = env::args_os().nth(1).map(PathBuf::from) else {
        return Err(io::Error::other("into which folder?"));
    };
    for target in mpcore::__fuzz::TARGETS {
        let of_target = folder.join(target.name);
        fs::create_dir_all(&of_target)?;
        for (number, seed) in mpcore::__fuzz::seeds(target.name).iter().enumerate() {
            fs::write(of_target.join(number.to_string()), seed)?;
        }
    }
    Ok(())
}
