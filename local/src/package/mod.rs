//! The functions' package for Lambda: a zip with one file, `bootstrap`, which serves every stage.

mod archive;
mod build;

use std::path::PathBuf;

pub use archive::write_archive;
pub use build::{Target, package};

/// A package file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// The zip.
    pub zip: PathBuf,
    /// Size of the executable, in bytes.
    pub binary_bytes: u64,
    /// Size of the zip, in bytes.
    pub zip_bytes: u64,
}

impl Package {
    /// The sizes, as a text for people.
    #[must_use]
    pub fn describe(&self) -> String {
        let megabytes = |bytes: u64| bytes as f64 / 1_000_000.0;
        format!("{:.1} MB, {:.1} MB zipped", megabytes(self.binary_bytes), megabytes(self.zip_bytes))
    }
}

/// The functions cannot be packaged.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// The functions do not compile, or the tool failed.
    #[error("`{command}` failed with {status}\n{output}")]
    Build {
        /// The command.
        command: String,
        /// Its exit status.
        status: std::process::ExitStatus,
        /// The last lines of its output.
        output: String,
    },
    /// Cargo reported no executable.
    #[error("`{command}` built no executable `bootstrap`; check the binaries in functions/handlers/Cargo.toml")]
    NoExecutable {
        /// The command.
        command: String,
    },
    /// cargo-lambda is not installed.
    #[error(
        "cargo-lambda is not installed, and building for AWS needs it; install it with `pip install cargo-lambda` or \
         `cargo install cargo-lambda`, then try again (see https://www.cargo-lambda.info)"
    )]
    NoCargoLambda,
    /// The zip cannot be written.
    #[error("cannot write the package {}", .path.display())]
    Write {
        /// The zip.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// The executable cannot be read.
    #[error("cannot read the executable {}", .path.display())]
    Read {
        /// The executable.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// A tool did not run.
    #[error("the build did not run")]
    Process(#[from] crate::process::ProcessError),
}
