//! The operating system processes of a running emulator.

use std::process::ExitStatus;
use std::time::Duration;

use tokio::process::Child;

use crate::process::{Group, responds};

/// How long the emulator may take to stop after SIGTERM.
const GRACE: Duration = Duration::from_secs(5);

/// The emulator process and its group.
#[derive(Debug)]
pub(super) struct Running {
    child: Child,
    group: Option<Group>,
}

impl Running {
    pub(super) fn new(child: Child) -> Self {
        let group = child.id().and_then(Group::led_by);
        Self { child, group }
    }

    /// The process group of the emulator and its functions.
    pub(super) fn group(&self) -> Option<Group> {
        self.group
    }

    /// The emulator's pid, which is also the group's.
    pub(super) fn leader(&self) -> Option<u32> {
        self.child.id()
    }

    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Ends the emulator and its functions.
    pub(super) async fn end(self) {
        self.end_within(GRACE).await;
    }

    /// Asks it to end, and kills the rest after `grace`; returns whether the emulator ended by itself.
    pub(super) async fn end_within(mut self, grace: Duration) -> bool {
        let Some(group) = self.group else { return false };
        group.terminate();
        // The leader is our child: until `wait`, the group counts as alive.
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
