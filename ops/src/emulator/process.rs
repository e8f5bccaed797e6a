//! The running emulator, in the hands of the process that started it.

use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use tokio::process::Child;

use crate::process::{Group, Identity, responds};

/// How long the emulator may take to stop by itself.
const GRACE: Duration = Duration::from_secs(5);

/// A running emulator. Unless it is detached, it ends when this value is dropped, and when this process is killed.
#[derive(Debug)]
pub struct Emulator {
    child: Child,
    group: Option<Group>,
    endpoint: String,
    log: PathBuf,
}

impl Emulator {
    pub(super) fn new(child: Child, endpoint: String, log: PathBuf) -> Self {
        let group = child.id().and_then(Group::led_by);
        Self { child, group, endpoint, log }
    }

    /// Base URL of the emulated AWS APIs.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Its log file.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// What another process needs to find it again and stop it.
    #[must_use]
    pub fn identity(&self) -> Option<Identity> {
        Identity::of(self.child.id()?)
    }

    /// The process group that holds the emulator and every function that it runs.
    #[must_use]
    pub fn group(&self) -> Option<Group> {
        self.group
    }

    /// Stops it and every function that it runs.
    pub async fn stop(mut self) {
        let Some(group) = self.group else { return };
        group.terminate();
        // The leader is our child: until it has been waited for, the group counts as alive.
        let _ = tokio::time::timeout(GRACE, self.child.wait()).await;
        group.kill();
        let _ = self.child.wait().await;
        group.gone_within(GRACE).await;
    }

    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    pub(super) fn says_that_it_runs(&self) -> bool {
        std::fs::read_to_string(&self.log).is_ok_and(|log| log.contains(&format!("Running on {}", self.endpoint)))
    }

    pub(super) async fn answers(&self) -> bool {
        answers(&self.endpoint).await
    }

    pub(super) fn log_tail(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }
}

/// Whether an emulator answers at this endpoint.
pub async fn answers(endpoint: &str) -> bool {
    responds(endpoint, "/_ministack/ready").await
}
