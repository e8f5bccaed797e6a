//! Child processes that never outlive their purpose: each leads a process group of its own, so that what it starts
//! ends with it.

mod group;
mod probe;
mod run;

pub use group::Group;
pub use probe::responds;
pub use run::{Captured, ProcessError, capture, streamed};

use std::path::Path;

/// The script that ends a command when this process is gone; see its own comment.
const SUPERVISOR: &str = include_str!("supervisor.py");

/// A command that runs `program` under the supervisor: it ends, with everything that it started, when this process does,
/// even when this process is killed. Keep the child's piped standard input open for as long as it is to live.
#[must_use]
pub fn supervised(python: &Path, program: &Path) -> tokio::process::Command {
    let mut command = tokio::process::Command::new(python);
    command.args(["-I", "-c", SUPERVISOR]).arg(program).stdin(std::process::Stdio::piped());
    command
}
