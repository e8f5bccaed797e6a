//! Which process is meant, across the life of the one that started it: a pid alone may have been given to another since.

use serde::{Deserialize, Serialize};

/// A process, by its pid and the moment it was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Its pid; it leads a process group of its own.
    pub pid: u32,
    /// When it was started, in the system's own words.
    started: String,
}

impl Identity {
    /// The process that has this pid now.
    #[must_use]
    pub fn of(pid: u32) -> Option<Self> {
        Some(Self { pid, started: started(pid)? })
    }

    /// Whether the very same process still runs.
    #[must_use]
    pub fn is_running(&self) -> bool {
        started(self.pid).is_some_and(|started| started == self.started)
    }
}

/// The start time of a process that has not ended.
fn started(pid: u32) -> Option<String> {
    if cfg!(target_os = "linux") {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        return started_in(&stat);
    }
    let output = std::process::Command::new("ps").args(["-o", "lstart=", "-p", &pid.to_string()]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    if text.is_empty() { None } else { Some(text) }
}

/// The start time in a line of `/proc/<pid>/stat`: field 22. The second field, the name, may hold anything.
fn started_in(stat: &str) -> Option<String> {
    let mut fields = stat.get(stat.rfind(')')? + 1..)?.split_whitespace();
    let ended = ["Z", "X"].contains(&fields.next()?);
    if ended { None } else { fields.nth(18).map(str::to_owned) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_running_and_is_itself() {
        let identity = Identity::of(std::process::id()).unwrap();
        assert!(identity.is_running());
    }

    #[test]
    fn another_process_with_the_same_pid_is_not_the_one_meant() {
        let identity = Identity { pid: std::process::id(), started: "another time".into() };
        assert!(!identity.is_running());
    }

    #[test]
    fn the_start_time_is_found_behind_any_name() {
        let numbers: Vec<String> = (4..=30).map(|field| field.to_string()).collect();
        assert_eq!(started_in(&format!("7 (a) b (c) S {}", numbers.join(" "))).as_deref(), Some("22"));
        assert_eq!(started_in(&format!("7 (a) Z {}", numbers.join(" "))), None);
    }
}
