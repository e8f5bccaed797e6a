//! What every command line of this project does alike: progress on standard error, Ctrl-C as one switch, exit codes and
//! how an error is printed.

pub mod cancel;
pub mod outcome;
pub mod progress;
