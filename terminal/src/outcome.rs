//! How a command ends, and its exit code.
//!
//! 0 success; 1 the command ran and found or left a problem; 2 wrong usage, or it could not run; 130 stopped by Ctrl-C.

use std::error::Error;
use std::process::ExitCode;

use crate::cancel::Cancel;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Successfully.
    Well,
    /// It ran, and found or left a problem.
    Failed,
    /// Ctrl-C stopped it; it has reported its progress.
    Interrupted,
}

/// Why a command could not run.
pub type Failure = Box<dyn Error + Send + Sync>;

/// Prints the error of a command, if any, and returns its exit code. `is_cancellation` says whether an error only means
/// that the command was stopped.
pub fn exit_code(
    result: Result<Outcome, Failure>,
    cancel: &Cancel,
    is_cancellation: impl Fn(&(dyn Error + 'static)) -> bool,
) -> ExitCode {
    match result {
        Ok(Outcome::Well) => ExitCode::SUCCESS,
        Ok(Outcome::Failed) => ExitCode::from(1),
        Ok(Outcome::Interrupted) => ExitCode::from(130),
        Err(error) if cancel.is_cancelled() => {
            if !is_cancellation(error.as_ref()) {
                report(error.as_ref());
            }
            eprintln!("stopped, and everything that it started");
            ExitCode::from(130)
        }
        Err(error) => report(error.as_ref()),
    }
}

/// Prints an error with all its causes, and returns the exit code of a command that could not run.
pub fn report(error: &(dyn Error + 'static)) -> ExitCode {
    eprintln!("error: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        eprintln!("  because: {error}");
        cause = error.source();
    }
    ExitCode::from(2)
}
