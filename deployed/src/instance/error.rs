//! Why an instance cannot be read.

use std::path::PathBuf;

use super::LockError;
use crate::workspace::WorkspaceError;

/// An instance cannot be named, locked, read or written.
#[derive(Debug, thiserror::Error)]
pub enum InstanceError {
    /// The instance's name cannot be a directory's.
    #[error("`{name}` cannot name an instance; use 1 to 40 lower-case letters, digits and hyphens")]
    Name {
        /// The name.
        name: String,
    },
    /// Another process works with the instance.
    #[error("instance `{instance}` is in use by another process; wait for it, or choose another name with --instance")]
    InUse {
        /// The instance.
        instance: String,
    },
    /// A file of the instance cannot be read or written.
    #[error("cannot {action} {}", .path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The instance's record is not readable.
    #[error("cannot understand {}; end the processes it names, if they run, and remove its directory", .path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// There is no workspace.
    #[error("no workspace")]
    Workspace(#[from] WorkspaceError),
    /// The instance's lock file cannot be made.
    #[error("cannot lock the instance")]
    Lock(#[from] LockError),
}
