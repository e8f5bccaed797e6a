//! Signals to a whole process group.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process_group};

/// How often a wait looks again.
const POLL: Duration = Duration::from_millis(20);

/// A process group, by the pid of the process that leads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    leader: Pid,
}

impl Group {
    /// The group led by process `pid`, which was started as the leader of its own group.
    #[must_use]
    pub fn led_by(pid: u32) -> Option<Self> {
        Some(Self { leader: Pid::from_raw(i32::try_from(pid).ok()?)? })
    }

    /// Asks every process of the group to end what it is doing (SIGINT), as Ctrl-C does.
    pub fn interrupt(self) {
        self.send(Signal::INT);
    }

    /// Asks every process of the group to end (SIGTERM).
    pub fn terminate(self) {
        self.send(Signal::TERM);
    }

    /// Ends every process of the group (SIGKILL).
    pub fn kill(self) {
        self.send(Signal::KILL);
    }

    /// Whether any process of the group is left, one that has ended but was not waited for included.
    #[must_use]
    pub fn is_alive(self) -> bool {
        test_kill_process_group(self.leader).is_ok()
    }

    /// Asks the group to end, waits up to `grace`, then kills what is left. The caller waits for its own children.
    pub async fn stop(self, grace: Duration) {
        self.terminate();
        if !self.gone_within(grace).await {
            self.kill();
            // A killed process is gone as soon as the kernel gets to it.
            self.gone_within(Duration::from_secs(2)).await;
        }
    }

    /// Whether every process of the group is gone, at the latest after `limit`.
    pub async fn gone_within(self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        while self.is_alive() {
            if Instant::now() >= deadline {
                return false;
            }
            tokio::time::sleep(POLL).await;
        }
        true
    }

    fn send(self, signal: Signal) {
        // ESRCH: the group is gone, which is what every signal sent here is for.
        if kill_process_group(self.leader, signal).is_err() {
            let _ = kill_process(self.leader, signal);
        }
    }
}
