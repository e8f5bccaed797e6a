//! A lock between processes. The kernel lets go of it when its holder ends, however it ends.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use terminal::cancel::Cancel;
use terminal::progress::Progress;

/// How often a waiting process tries again.
const POLL: Duration = Duration::from_millis(100);

/// A lock held until it is dropped.
#[derive(Debug)]
pub struct FileLock {
    _file: File,
}

/// The lock is not held.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// The lock file cannot be made or locked.
    #[error("cannot lock {}; check that its directory can be written to", .path.display())]
    File {
        /// The lock file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The wait was cancelled.
    #[error("cancelled while waiting for the lock {}", .path.display())]
    Cancelled {
        /// The lock file.
        path: PathBuf,
    },
}

impl FileLock {
    /// Takes the lock, or says that another process has it.
    ///
    /// # Errors
    ///
    /// When the lock file cannot be made.
    pub fn try_take(path: &Path) -> Result<Option<Self>, LockError> {
        let failed = |source| LockError::File { path: path.to_owned(), source };
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory).map_err(failed)?;
        }
        let file = File::options().create(true).append(true).open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// Takes the lock, waiting for as long as another process has it; `why` says what for, once.
    ///
    /// # Errors
    ///
    /// When the lock file cannot be made, or when cancelled.
    pub async fn take(path: &Path, why: &str, progress: Progress, cancel: &Cancel) -> Result<Self, LockError> {
        let mut told = false;
        loop {
            if let Some(lock) = Self::try_take(path)? {
                return Ok(lock);
            }
            if !told {
                progress.note(why);
                told = true;
            }
            tokio::select! {
                () = cancel.cancelled() => return Err(LockError::Cancelled { path: path.to_owned() }),
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_refused_while_another_holds_it_and_free_after() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a/lock");
        let held = FileLock::try_take(&path).unwrap();
        assert!(held.is_some());
        assert!(FileLock::try_take(&path).unwrap().is_none());
        drop(held);
        assert!(FileLock::try_take(&path).unwrap().is_some());
    }

    #[tokio::test]
    async fn a_wait_for_a_lock_ends_with_cancellation() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lock");
        let _held = FileLock::try_take(&path).unwrap();
        let cancel = Cancel::new();
        cancel.cancel();
        let error = FileLock::take(&path, "waiting", Progress::silent(), &cancel).await.unwrap_err();
        assert!(matches!(error, LockError::Cancelled { .. }), "{error}");
    }
}
