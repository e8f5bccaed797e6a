//! Starts the emulator, and tells a good start from a bad one.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::process::Command;

use super::REGION;
use super::process::Emulator;
use crate::cancel::Cancel;
use crate::process::supervised;

/// The emulator is ready in less than a second; a busy machine gets more.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// How often it is asked.
const POLL: Duration = Duration::from_millis(50);

/// A port that was free can be taken before the emulator binds it; then another one is tried.
const ATTEMPTS: usize = 5;

/// How to start the emulator.
#[derive(Debug, Clone)]
pub struct EmulatorOptions {
    /// Python of the virtual environment that holds it.
    pub python: PathBuf,
    /// Where it may write: its log (in `logs/`), its temporary files, the functions' code.
    pub directory: PathBuf,
    /// Whether it runs on when this process has ended.
    pub detached: bool,
}

/// The emulator does not run.
#[derive(Debug, thiserror::Error)]
pub enum EmulatorError {
    /// Its directory or log cannot be made.
    #[error("cannot write {}", .path.display())]
    Write {
        /// The path.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// There is no free port.
    #[error("cannot get a free port on 127.0.0.1")]
    Port(#[source] std::io::Error),
    /// The program does not start.
    #[error("cannot start the emulator with {}; remove target/toolchain to have it installed again", .python.display())]
    Start {
        /// The interpreter.
        python: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// It ended by itself while starting.
    #[error("the emulator ended while starting ({status}); its log is {}\n{log}", .path.display())]
    Ended {
        /// How it ended.
        status: std::process::ExitStatus,
        /// The last lines of its log.
        log: String,
        /// Its log file.
        path: PathBuf,
    },
    /// It runs and does not answer.
    #[error("the emulator did not answer on {endpoint} within {} s; its log is {}\n{log}", READY_WITHIN.as_secs(), .path.display())]
    NotReady {
        /// Where it should answer.
        endpoint: String,
        /// The last lines of its log.
        log: String,
        /// Its log file.
        path: PathBuf,
    },
    /// It was stopped while starting.
    #[error("cancelled while the emulator was starting")]
    Cancelled,
}

impl Emulator {
    /// Starts the emulator on a free port of the loopback address and waits until it answers.
    ///
    /// # Errors
    ///
    /// When it ends or does not answer in time, or when cancelled: then nothing of it is left running.
    pub async fn start(options: &EmulatorOptions, cancel: &Cancel) -> Result<Self, EmulatorError> {
        Self::start_behind(None, options, cancel).await
    }

    /// As [`start`](Self::start); its functions find AWS at `functions_endpoint`, such as a proxy's URL.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub async fn start_behind(
        functions_endpoint: Option<&str>,
        options: &EmulatorOptions,
        cancel: &Cancel,
    ) -> Result<Self, EmulatorError> {
        let temporary = options.directory.join("tmp");
        for directory in [&temporary, &options.directory.join("logs")] {
            let write = |source| EmulatorError::Write { path: directory.clone(), source };
            std::fs::create_dir_all(directory).map_err(write)?;
        }
        let mut attempt = 1;
        loop {
            match Self::start_once(functions_endpoint, options, &temporary, cancel).await {
                Err(EmulatorError::Ended { log, .. }) if attempt < ATTEMPTS && log.contains("already in use") => {
                    attempt += 1;
                }
                result => return result,
            }
        }
    }

    async fn start_once(
        functions_endpoint: Option<&str>,
        options: &EmulatorOptions,
        temporary: &Path,
        cancel: &Cancel,
    ) -> Result<Self, EmulatorError> {
        let port = free_port().map_err(EmulatorError::Port)?;
        let endpoint = format!("http://127.0.0.1:{port}");
        let log_path = options.directory.join("logs/emulator.log");
        let write = |source| EmulatorError::Write { path: log_path.clone(), source };
        let log = File::create(&log_path).map_err(write)?;
        let second = log.try_clone().map_err(write)?;
        let mut command = if options.detached {
            let mut command = Command::new(&options.python);
            command.stdin(Stdio::null());
            command
        } else {
            supervised(&options.python, &options.python)
        };
        command
            .args(["-I", "-m", "ministack"])
            .current_dir(&options.directory)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &options.directory)
            .env("TMPDIR", temporary)
            .env("AUTH", "true")
            .env("BIND_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", port.to_string())
            .env("MINISTACK_REGION", REGION)
            // The emulator's functions inherit its environment: this is how their SDKs find it.
            .env("AWS_ENDPOINT_URL", functions_endpoint.unwrap_or(&endpoint))
            .env("RUST_BACKTRACE", "1")
            .stdout(Stdio::from(log))
            .stderr(Stdio::from(second))
            .process_group(0);
        let child =
            command.spawn().map_err(|source| EmulatorError::Start { python: options.python.clone(), source })?;
        let mut emulator = Self::new(child, endpoint, log_path);
        let outcome = tokio::select! {
            outcome = emulator.ready() => outcome,
            () = cancel.cancelled() => Err(EmulatorError::Cancelled),
        };
        match outcome {
            Ok(()) => Ok(emulator),
            Err(error) => {
                emulator.stop().await;
                Err(error)
            }
        }
    }

    async fn ready(&mut self) -> Result<(), EmulatorError> {
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            if let Some(status) = self.ended() {
                return Err(EmulatorError::Ended { status, log: self.log_tail(), path: self.log().to_owned() });
            }
            // The log tells that the port is ours, and not that of another emulator that came first.
            if self.says_that_it_runs() && self.answers().await {
                return Ok(());
            }
            if Instant::now() >= deadline {
                let endpoint = self.endpoint().to_owned();
                return Err(EmulatorError::NotReady { endpoint, log: self.log_tail(), path: self.log().to_owned() });
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

/// A port of the loopback address that is free now.
pub(crate) fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
