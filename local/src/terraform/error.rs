//! What Terraform could not do.

use std::path::PathBuf;

use super::Diagnostic;
use crate::process::ProcessError;
use deployed::instance::LockError;

/// A Terraform command failed.
#[derive(Debug, thiserror::Error)]
pub enum TerraformError {
    /// Terraform says why.
    #[error("`{command}` failed with {status}; its log is {}\n{}", .log.display(), .diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Failed {
        /// The command.
        command: String,
        /// How it ended.
        status: std::process::ExitStatus,
        /// What Terraform says about it.
        diagnostics: Vec<Diagnostic>,
        /// Everything that it wrote.
        log: PathBuf,
    },
    /// Its answer is not what was expected.
    #[error("`{command}` gave an answer that cannot be read: {problem}; its log is {}", .log.display())]
    Answer {
        /// The command.
        command: String,
        /// What is wrong with the answer.
        problem: String,
        /// Everything that it wrote.
        log: PathBuf,
    },
    /// A file that it needs cannot be written.
    #[error("cannot write {}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The provider cache is not to be had.
    #[error("cannot lock the provider cache")]
    Lock(#[from] LockError),
    /// It did not run to its end.
    #[error("Terraform did not run to its end")]
    Process(#[from] ProcessError),
}
