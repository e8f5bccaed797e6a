//! The virtual environment under `target/toolchain`: created once, updated when the pins change, and safe for concurrent
//! processes.

use std::path::{Path, PathBuf};

use super::{Requirements, ToolchainError, python};
use crate::process::{capture, supervised};
use deployed::instance::FileLock;
use deployed::workspace::Workspace;
use terminal::cancel::Cancel;
use terminal::progress::Progress;

/// A virtual environment with the emulator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VirtualEnvironment {
    home: PathBuf,
}

impl VirtualEnvironment {
    /// The environment, with the pinned emulator installed.
    ///
    /// # Errors
    ///
    /// When there is no Python 3.11, when pip fails, or when cancelled.
    pub async fn ready(workspace: &Workspace, progress: Progress, cancel: &Cancel) -> Result<Self, ToolchainError> {
        let environment = Self { home: workspace.toolchain() };
        environment.install(Requirements::EMULATOR, "Installing the AWS emulator", progress, cancel).await?;
        Ok(environment)
    }

    /// The interpreter.
    #[must_use]
    pub fn python(&self) -> PathBuf {
        self.directory().join("bin/python")
    }

    /// The toolchain's directory, which contains the environment.
    #[must_use]
    pub fn home(&self) -> &Path {
        &self.home
    }

    fn directory(&self) -> PathBuf {
        self.home.join("python")
    }

    /// Installs the packages, unless they are installed.
    ///
    /// # Errors
    ///
    /// As [`VirtualEnvironment::ready`].
    pub async fn install(
        &self,
        requirements: Requirements,
        what: &str,
        progress: Progress,
        cancel: &Cancel,
    ) -> Result<(), ToolchainError> {
        if self.holds(requirements) {
            return Ok(());
        }
        let waiting = "Another process is installing the toolchain; waiting for it ...";
        let _lock = FileLock::take(&self.home.join("lock"), waiting, progress, cancel).await?;
        if self.holds(requirements) {
            return Ok(());
        }
        requirements.pins()?;
        let step = progress.step(what);
        if !self.holds(Requirements::EMULATOR) && !self.holds(Requirements::TERRAFORM) {
            self.make(cancel).await?;
        }
        let marker = self.marker(requirements);
        // The marker is deleted first and written last: an interrupted installation is repeated.
        let _ = std::fs::remove_file(&marker);
        let file = self.home.join(requirements.file);
        write(&file, requirements.text)?;
        // Supervised: an installer that outlives this process would disturb the next one.
        let mut pip = supervised(&self.python(), &self.python());
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"])
            .args(["--require-hashes", "--only-binary", ":all:", "--requirement"])
            .arg(&file);
        let captured = capture(&mut pip, cancel).await?;
        if !captured.status.success() {
            return Err(ToolchainError::Install {
                file: requirements.file,
                status: captured.status,
                output: captured.tail(),
            });
        }
        write(&marker, &self.mark(requirements))?;
        step.finish(&format!("pinned by local/{}", requirements.file));
        Ok(())
    }

    async fn make(&self, cancel: &Cancel) -> Result<(), ToolchainError> {
        let python = python::find(cancel).await?;
        let mut venv = supervised(Path::new(python), Path::new(python));
        venv.args(["-m", "venv", "--clear"]).arg(self.directory());
        let captured = capture(&mut venv, cancel).await?;
        if captured.status.success() {
            return Ok(());
        }
        Err(ToolchainError::VirtualEnvironment {
            python: python.to_owned(),
            status: captured.status,
            output: captured.tail(),
        })
    }

    fn holds(&self, requirements: Requirements) -> bool {
        self.python().exists()
            && std::fs::read_to_string(self.marker(requirements)).is_ok_and(|mark| mark == self.mark(requirements))
    }

    fn marker(&self, requirements: Requirements) -> PathBuf {
        self.home.join(format!("{}.installed", requirements.file))
    }

    /// The marker's text. A virtual environment cannot be moved, so its path is part of it.
    fn mark(&self, requirements: Requirements) -> String {
        format!("{}\n{}\n", requirements.fingerprint(), self.directory().display())
    }
}

fn write(path: &Path, text: &str) -> Result<(), ToolchainError> {
    std::fs::write(path, text).map_err(|source| ToolchainError::Write { path: path.to_owned(), source })
}
