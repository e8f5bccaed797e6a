//! Why a Terraform command failed.

use std::path::PathBuf;

use super::Diagnostic;
use crate::process::ProcessError;
use deployed::instance::LockError;

/// A Terraform command failed.
#[derive(Debug, thiserror::Error)]
pub enum TerraformError {
    /// Terraform reports why.
    #[error("`{command}` failed with {status}; its log is {}\n{}", .log.display(), .diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Failed {
        /// The command.
        command: String,
        /// Its exit status.
        status: std::process::ExitStatus,
        /// Terraform's diagnostics.
        diagnostics: Vec<Diagnostic>,
        /// The log with its complete output.
        log: PathBuf,
    },
    /// Its answer cannot be read.
    #[error("`{command}` wrote an answer that cannot be read: {problem}; its log is {}", .log.display())]
    Answer {
        /// The command.
        command: String,
        /// The problem.
        problem: String,
        /// The log with its complete output.
        log: PathBuf,
    },
    /// A file that it needs cannot be written.
    #[error("cannot write {}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// The provider cache cannot be locked.
    #[error("cannot lock the provider cache")]
    Lock(#[from] LockError),
    /// Terraform was cancelled, or could not be started.
    #[error("Terraform did not finish")]
    Process(#[from] ProcessError),
}
