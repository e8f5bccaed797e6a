//! Starts the emulator, and tells a good start from a bad one.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::process::Command;

use super::process::{Emulator, Running, answers};
use crate::process::supervised;
use order_contract::REGION;
use terminal::cancel::Cancel;

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
    /// It was to be halted and does not write down what it holds.
    #[error("the emulator keeps no state, so it cannot be halted; ask for that before it is started")]
    KeepsNoState,
    /// It did not end in time, so that what it held is lost.
    #[error("the emulator did not write down what it holds within {} s; its log is {}", .within.as_secs(), .path.display())]
    NotHalted {
        /// How long it had.
        within: Duration,
        /// Its log file.
        path: PathBuf,
    },
    /// What it wrote down is not what it was expected to be.
    #[error("cannot mend the emulator's state {}; this emulator is another than the pinned one", .path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: std::io::Error,
    },
}

/// How an emulator is launched, and launched again.
#[derive(Debug, Clone)]
pub struct Launch {
    options: EmulatorOptions,
    functions_endpoint: Option<String>,
    keeps_state: bool,
}

impl Launch {
    /// With these options: its functions find AWS at the emulator itself, and what it holds ends with it.
    #[must_use]
    pub const fn new(options: EmulatorOptions) -> Self {
        Self { options, functions_endpoint: None, keeps_state: false }
    }

    /// Its functions find AWS at this URL, such as a proxy's.
    #[must_use]
    pub fn behind(self, functions_endpoint: Option<&str>) -> Self {
        Self { functions_endpoint: functions_endpoint.map(str::to_owned), ..self }
    }

    /// Whether what it holds is written down when it is stopped, so that it can be resumed.
    #[must_use]
    pub fn keeping_state(self, keeps_state: bool) -> Self {
        Self { keeps_state, ..self }
    }

    /// Starts the emulator on a free port of the loopback address and waits until it answers.
    ///
    /// # Errors
    ///
    /// When it ends or does not answer in time, or when cancelled: then nothing of it is left running.
    pub async fn start(self, cancel: &Cancel) -> Result<Emulator, EmulatorError> {
        for directory in ["tmp", "logs"] {
            let path = self.options.directory.join(directory);
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

    /// Its log file.
    pub(super) fn log(&self) -> PathBuf {
        self.options.directory.join("logs/emulator.log")
    }

    /// Where it writes down what it holds, if it does.
    pub(super) fn state(&self) -> Option<PathBuf> {
        self.keeps_state.then(|| self.options.directory.join("state"))
    }

    /// Runs it at this endpoint, and waits until it answers.
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
            // The emulator's functions inherit its environment: this is how their SDKs find it.
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
            // The log tells that the port is ours, and not that of another emulator that came first.
            if log().contains(&format!("Running on {endpoint}")) && answers(endpoint).await {
                return Ok(());
            }
            if Instant::now() >= deadline {
                let endpoint = endpoint.to_owned();
                return Err(EmulatorError::NotReady { endpoint, log: tail(&log()), path: self.log() });
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

impl Emulator {
    /// Starts the emulator on a free port of the loopback address and waits until it answers.
    ///
    /// # Errors
    ///
    /// As [`Launch::start`].
    pub async fn start(options: &EmulatorOptions, cancel: &Cancel) -> Result<Self, EmulatorError> {
        Launch::new(options.clone()).start(cancel).await
    }
}

fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}

/// A port of the loopback address that is free now.
pub(crate) fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
