//! How a command ends: what it reports, and its exit code.
//!
//! 0 all is well; 1 the outcome is not what it must be; 2 wrong usage, or the command could not run; 130 stopped by Ctrl-C.

use std::error::Error;
use std::process::ExitCode;

use crate::cancel::Cancel;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// As it should.
    Well,
    /// It did its work, and the outcome is not what it must be.
    Failed,
    /// It was stopped by Ctrl-C between two pieces of work, and has said how far it came.
    Interrupted,
}

/// Why a command could not do its work.
pub type Failure = Box<dyn Error + Send + Sync>;

/// The exit code of a command that has ended; an error is printed. `is_cancellation` says whether an error means no more
/// than that the command was stopped.
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
            eprintln!("stopped, with everything that was started");
            ExitCode::from(130)
        }
        Err(error) => report(error.as_ref()),
    }
}

/// Prints what went wrong, with the whole chain of causes, and returns the exit code of a command that could not run.
pub fn report(error: &(dyn Error + 'static)) -> ExitCode {
    eprintln!("error: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        eprintln!("  because: {error}");
        cause = error.source();
    }
    ExitCode::from(2)
}
