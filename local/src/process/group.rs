//! Signals to a whole process group.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process_group};

/// Wait between two checks.
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

    /// Sends SIGINT to every process of the group, as Ctrl-C does.
    pub fn interrupt(self) {
        self.send(Signal::INT);
    }

    /// Sends SIGTERM to every process of the group.
    pub fn terminate(self) {
        self.send(Signal::TERM);
    }

    /// Sends SIGKILL to every process of the group.
    pub fn kill(self) {
        self.send(Signal::KILL);
    }

    /// Whether any process of the group exists, including ended ones without a `wait`.
    #[must_use]
    pub fn is_alive(self) -> bool {
        test_kill_process_group(self.leader).is_ok()
    }

    /// Sends SIGTERM, waits up to `grace`, then kills the rest. The caller waits for its own children.
    pub async fn stop(self, grace: Duration) {
        self.terminate();
        if !self.gone_within(grace).await {
            self.kill();
            // The kernel ends a killed process soon, not at once.
            self.gone_within(Duration::from_secs(2)).await;
        }
    }

    /// Waits up to `limit` until the group has no process; returns whether it has none.
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
        // ESRCH: the group has ended, which is the purpose of every signal here.
        if kill_process_group(self.leader, signal).is_err() {
            let _ = kill_process(self.leader, signal);
        }
    }
}
