//! One writer at a time: a run that began before another environment was added would take its files for left-overs.

use std::fs::{self, File, TryLockError};
use std::path::Path;

use super::error::Error;

/// Held while files are written; the operating system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Waits until no other run writes to this repository.
pub fn acquire(root: &Path) -> Result<Lock, Error> {
    let folder = root.join("target");
    fs::create_dir_all(&folder).map_err(Error::file("created", &folder))?;
    let path = folder.join("generator.lock");
    let file = File::create(&path).map_err(Error::file("created", &path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            eprintln!("waiting for another run of the generator to end");
            file.lock().map_err(Error::file("locked", &path))?;
        }
        Err(TryLockError::Error(error)) => return Err(Error::file("locked", &path)(error)),
    }
    Ok(Lock { _file: file })
}
