//! What a command prints, and its exit code.

use super::error::Error;

/// Exit code: everything is as it should be.
pub const OK: u8 = 0;
/// Exit code of `check`: a generated file is not what the generator writes.
pub const STALE: u8 = 1;
/// Exit code: the request, a file or the machine does not allow it; the message says what to do.
pub const USER_ERROR: u8 = 2;

/// What a command prints.
#[derive(Debug, PartialEq, Eq)]
pub struct Outcome {
    /// For standard output.
    pub output: String,
    /// For standard error.
    pub messages: String,
    /// For the operating system.
    pub exit_code: u8,
}

impl Outcome {
    pub fn done(output: String) -> Self {
        Self { output, messages: String::new(), exit_code: OK }
    }

    pub fn failed(error: &Error) -> Self {
        Self { output: String::new(), messages: error.report(), exit_code: USER_ERROR }
    }
}
