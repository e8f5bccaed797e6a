//! Child processes. Each leads its own process group, so that everything it starts ends with it.

mod group;
mod probe;
mod run;

pub use group::Group;
pub use probe::responds;
pub use run::{Captured, ProcessError, capture, streamed};

use std::path::Path;

/// A script that ends a command when this process ends; see its comment.
const SUPERVISOR: &str = include_str!("supervisor.py");

/// A command that runs `program` under the supervisor: it ends with this process, together with everything that it
/// started, even if this process is killed. Keep the child's piped standard input open while it should live.
#[must_use]
pub fn supervised(python: &Path, program: &Path) -> tokio::process::Command {
    let mut command = tokio::process::Command::new(python);
    command.args(["-I", "-c", SUPERVISOR]).arg(program).stdin(std::process::Stdio::piped());
    command
}
