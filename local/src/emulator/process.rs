//! The running emulator, in the hands of the process that started it.

use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::process::Child;

use super::start::Launch;
use crate::process::{Group, responds};
use deployed::instance::Identity;

/// How long the emulator may take to stop by itself.
const GRACE: Duration = Duration::from_secs(5);

/// A running emulator. Unless it is detached, it ends when this value is dropped, and when this process is killed.
#[derive(Debug)]
pub struct Emulator {
    launch: Launch,
    endpoint: String,
    log: PathBuf,
    /// `None` while it is halted.
    running: Mutex<Option<Running>>,
}

/// Its processes.
#[derive(Debug)]
pub(super) struct Running {
    child: Child,
    group: Option<Group>,
}

impl Emulator {
    pub(super) fn new(launch: Launch, endpoint: String, running: Running) -> Self {
        Self { log: launch.log(), launch, endpoint, running: Mutex::new(Some(running)) }
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
        Identity::of(self.running().as_ref()?.child.id()?)
    }

    /// The process group that holds the emulator and every function that it runs.
    #[must_use]
    pub fn group(&self) -> Option<Group> {
        self.running().as_ref()?.group
    }

    /// Stops it and every function that it runs.
    pub async fn stop(self) {
        let running = self.running().take();
        if let Some(running) = running {
            running.end().await;
        }
    }

    pub(super) fn launch(&self) -> &Launch {
        &self.launch
    }

    /// It is whole after every step, so that a panic elsewhere does not spoil it.
    pub(super) fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    pub(super) fn new(child: Child) -> Self {
        let group = child.id().and_then(Group::led_by);
        Self { child, group }
    }

    /// Its leader's pid, which is the group's.
    pub(super) fn leader(&self) -> Option<u32> {
        self.child.id()
    }

    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Ends it and every function that it runs.
    pub(super) async fn end(self) {
        self.end_within(GRACE).await;
    }

    /// Asks it to end, and kills what is left after `grace`; whether the emulator ended by itself.
    pub(super) async fn end_within(mut self, grace: Duration) -> bool {
        let Some(group) = self.group else { return false };
        group.terminate();
        // The leader is our child: until it has been waited for, the group counts as alive.
        let by_itself = tokio::time::timeout(grace, self.child.wait()).await.is_ok();
        group.kill();
        let _ = self.child.wait().await;
        group.gone_within(GRACE).await;
        by_itself
    }
}

/// Whether an emulator answers at this endpoint.
pub async fn answers(endpoint: &str) -> bool {
    responds(endpoint, "/_ministack/ready").await
}
