//! Why the emulator does not run.

use std::path::PathBuf;
use std::time::Duration;

/// The emulator does not run.
#[derive(Debug, thiserror::Error)]
pub enum EmulatorError {
    /// Its directory or log cannot be created.
    #[error("cannot write {}", .path.display())]
    Write {
        /// The path.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// There is no free port.
    #[error("there is no free port on 127.0.0.1")]
    Port(#[source] std::io::Error),
    /// The program cannot be started.
    #[error("cannot start the emulator with {}; delete target/toolchain, so that it is installed again", .python.display())]
    Start {
        /// The interpreter.
        python: PathBuf,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// It ended by itself while starting.
    #[error("the emulator ended while starting ({status}); its log is {}\n{log}", .path.display())]
    Ended {
        /// Its exit status.
        status: std::process::ExitStatus,
        /// The last lines of its log.
        log: String,
        /// Its log file.
        path: PathBuf,
    },
    /// It runs but does not answer.
    #[error("the emulator did not answer on {endpoint} within {} s; its log is {}\n{log}", .within.as_secs(), .path.display())]
    NotReady {
        /// How long it had.
        within: Duration,
        /// Its endpoint.
        endpoint: String,
        /// The last lines of its log.
        log: String,
        /// Its log file.
        path: PathBuf,
    },
    /// The start was cancelled.
    #[error("cancelled while the emulator was starting")]
    Cancelled,
    /// It does not save its state, so it cannot be halted.
    #[error("the emulator does not save its state, so it cannot be halted; start it with `keeping_state`")]
    KeepsNoState,
    /// It did not end in time, so its state is lost.
    #[error("the emulator did not save its state within {} s; its log is {}", .within.as_secs(), .path.display())]
    NotHalted {
        /// How long it had.
        within: Duration,
        /// Its log file.
        path: PathBuf,
    },
    /// The saved state has another form.
    #[error("cannot fix the emulator's state {}; check that the emulator has the pinned version", .path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// The problem.
        #[source]
        source: std::io::Error,
    },
}
