//! Shared by every command line of this project: progress on standard error, cancellation by Ctrl-C, exit codes, error
//! output.

pub mod cancel;
pub mod outcome;
pub mod progress;
