//! The running emulator, owned by the process that started it.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::error::EmulatorError;
use super::running::Running;
use super::start::{EmulatorOptions, Launch, free_port};
use crate::process::Group;
use deployed::instance::Identity;
use terminal::cancel::Cancel;

/// Attempts to find a free port: another process can take it before the emulator binds it.
const ATTEMPTS: usize = 5;

/// A running emulator. Unless it is detached, it ends when this value is dropped or this process is killed.
#[derive(Debug)]
pub struct Emulator {
    launch: Launch,
    endpoint: String,
    log: PathBuf,
    /// `None` while it is halted.
    running: Mutex<Option<Running>>,
}

impl Emulator {
    fn new(launch: Launch, endpoint: String, running: Running) -> Self {
        Self { log: launch.log(), launch, endpoint, running: Mutex::new(Some(running)) }
    }

    /// Starts the emulator on a free port of the loopback address and waits until it answers.
    ///
    /// # Errors
    ///
    /// As [`Launch::start`].
    pub async fn start(options: &EmulatorOptions, cancel: &Cancel) -> Result<Self, EmulatorError> {
        Launch::new(options.clone()).start(cancel).await
    }

    /// Base URL of the emulated AWS APIs.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Its log file.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The identity by which another process can find and stop it.
    #[must_use]
    pub fn identity(&self) -> Option<Identity> {
        Identity::of(self.running().as_ref()?.leader()?)
    }

    /// The process group of the emulator and its functions.
    #[must_use]
    pub fn group(&self) -> Option<Group> {
        self.running().as_ref()?.group()
    }

    /// Stops it and every function that it runs.
    pub async fn stop(self) {
        let running = self.running().take();
        if let Some(running) = running {
            running.end().await;
        }
    }

    pub(super) fn launch(&self) -> &Launch {
        &self.launch
    }

    /// The value is valid after every step, so a poisoned lock is safe to use.
    pub(super) fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Launch {
    /// Starts the emulator on a free port of the loopback address and waits until it answers.
    ///
    /// # Errors
    ///
    /// When it ends or does not answer in time, or when cancelled: then nothing of it is left running.
    pub async fn start(self, cancel: &Cancel) -> Result<Emulator, EmulatorError> {
        for directory in ["tmp", "logs"] {
            let path = self.directory().join(directory);
            std::fs::create_dir_all(&path).map_err(|source| EmulatorError::Write { path, source })?;
        }
        let mut attempt = 1;
        loop {
            let port = free_port().map_err(EmulatorError::Port)?;
            let endpoint = format!("http://127.0.0.1:{port}");
            match self.run(&endpoint, cancel).await {
                Ok(running) => return Ok(Emulator::new(self, endpoint, running)),
                Err(EmulatorError::Ended { log, .. }) if attempt < ATTEMPTS && log.contains("already in use") => {
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }
}
