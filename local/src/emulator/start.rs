//! How the emulator is started, and when it is ready.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::process::Command;

use super::error::EmulatorError;
use super::running::{Running, answers};
use crate::process::supervised;
use order_contract::REGION;
use terminal::cancel::Cancel;

/// Time to start. Normally it takes less than a second; a busy machine needs longer.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// Wait between two checks.
const POLL: Duration = Duration::from_millis(50);

/// How to start the emulator.
#[derive(Debug, Clone)]
pub struct EmulatorOptions {
    /// Python of its virtual environment.
    pub python: PathBuf,
    /// Its working directory: its log (in `logs/`), temporary files, the functions' code.
    pub directory: PathBuf,
    /// Whether it keeps running after this process.
    pub detached: bool,
}

/// How an emulator is started; [`Emulator::resume`](super::Emulator::resume) starts it the same way.
#[derive(Debug, Clone)]
pub struct Launch {
    options: EmulatorOptions,
    functions_endpoint: Option<String>,
    keeps_state: bool,
}

impl Launch {
    /// With these options. The functions reach AWS at the emulator itself, and its state ends with it.
    #[must_use]
    pub const fn new(options: EmulatorOptions) -> Self {
        Self { options, functions_endpoint: None, keeps_state: false }
    }

    /// The functions reach AWS at this URL, such as a proxy's.
    #[must_use]
    pub fn behind(self, functions_endpoint: Option<&str>) -> Self {
        Self { functions_endpoint: functions_endpoint.map(str::to_owned), ..self }
    }

    /// Whether it saves its state when it stops, so that it can be resumed.
    #[must_use]
    pub fn keeping_state(self, keeps_state: bool) -> Self {
        Self { keeps_state, ..self }
    }

    /// The emulator's working directory.
    pub(super) fn directory(&self) -> &Path {
        &self.options.directory
    }

    /// Its log file.
    pub(super) fn log(&self) -> PathBuf {
        self.options.directory.join("logs/emulator.log")
    }

    /// The directory of its saved state, if it saves any.
    pub(super) fn state(&self) -> Option<PathBuf> {
        self.keeps_state.then(|| self.options.directory.join("state"))
    }

    /// Starts it at this endpoint, and waits until it answers.
    pub(super) async fn run(&self, endpoint: &str, cancel: &Cancel) -> Result<Running, EmulatorError> {
        let EmulatorOptions { python, directory, detached } = &self.options;
        let write = |source| EmulatorError::Write { path: self.log(), source };
        let log = File::create(self.log()).map_err(write)?;
        let second = log.try_clone().map_err(write)?;
        let mut command = if *detached {
            let mut command = Command::new(python);
            command.stdin(Stdio::null());
            command
        } else {
            supervised(python, python)
        };
        command
            .args(["-I", "-m", "ministack"])
            .current_dir(directory)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", directory)
            .env("TMPDIR", directory.join("tmp"))
            .env("AUTH", "true")
            .env("BIND_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", endpoint.rsplit(':').next().unwrap_or_default())
            .env("MINISTACK_REGION", REGION)
            // The functions inherit the emulator's environment, so their SDKs find it.
            .env("AWS_ENDPOINT_URL", self.functions_endpoint.as_deref().unwrap_or(endpoint))
            .env("RUST_BACKTRACE", "1")
            .stdout(Stdio::from(log))
            .stderr(Stdio::from(second))
            .process_group(0);
        if let Some(state) = self.state() {
            command.env("PERSIST_STATE", "1").env("STATE_DIR", state);
        }
        let child = command.spawn().map_err(|source| EmulatorError::Start { python: python.clone(), source })?;
        let mut running = Running::new(child);
        let outcome = tokio::select! {
            outcome = self.ready(&mut running, endpoint) => outcome,
            () = cancel.cancelled() => Err(EmulatorError::Cancelled),
        };
        match outcome {
            Ok(()) => Ok(running),
            Err(error) => {
                running.end().await;
                Err(error)
            }
        }
    }

    async fn ready(&self, running: &mut Running, endpoint: &str) -> Result<(), EmulatorError> {
        let deadline = Instant::now() + READY_WITHIN;
        let log = || std::fs::read_to_string(self.log()).unwrap_or_default();
        loop {
            if let Some(status) = running.ended() {
                return Err(EmulatorError::Ended { status, log: tail(&log()), path: self.log() });
            }
            // The log shows that the port is ours, not that of another emulator.
            if log().contains(&format!("Running on {endpoint}")) && answers(endpoint).await {
                return Ok(());
            }
            if Instant::now() >= deadline {
                let endpoint = endpoint.to_owned();
                return Err(EmulatorError::NotReady {
                    endpoint,
                    within: READY_WITHIN,
                    log: tail(&log()),
                    path: self.log(),
                });
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}

/// A free port on the loopback address.
pub(crate) fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
