//! Kills the processes of the functions that the emulator runs.

use rustix::process::{Pid, Signal, kill_process};

use super::process::Emulator;
use super::running::Running;

/// The executable in a function's package, which the emulator runs.
const EXECUTABLE: &str = "bootstrap";

impl Emulator {
    /// Kills every process that runs a function now (SIGKILL), idle or busy, like a failing machine; returns their number.
    /// The emulator starts new ones as it needs them.
    #[must_use]
    pub fn kill_functions(&self) -> usize {
        let Some(group) = self.running().as_ref().and_then(Running::leader) else { return 0 };
        let pids = processes().into_iter().filter(|process| process.group == group && process.name == EXECUTABLE);
        let killed = pids.filter(|process| {
            let pid = i32::try_from(process.pid).ok().and_then(Pid::from_raw);
            pid.is_some_and(|pid| kill_process(pid, Signal::KILL).is_ok())
        });
        killed.count()
    }
}

/// A process of this machine.
#[derive(Debug, PartialEq, Eq)]
struct Process {
    pid: u32,
    group: u32,
    name: String,
}

/// Every process that this user can see.
fn processes() -> Vec<Process> {
    if cfg!(target_os = "linux") {
        let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let stats = pids.filter_map(|pid| std::fs::read_to_string(format!("/proc/{pid}/stat")).ok());
        return stats.filter_map(|stat| of_stat(&stat)).collect();
    }
    let listed = std::process::Command::new("ps").args(["-A", "-o", "pid=,pgid=,comm="]).output();
    let listed = listed.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    listed.lines().filter_map(of_listing).collect()
}

/// Reads `/proc/<pid>/stat`: pid, name in brackets, state, parent, group. The name may contain any character.
fn of_stat(stat: &str) -> Option<Process> {
    let (pid, rest) = stat.split_once(" (")?;
    let (name, rest) = rest.rsplit_once(") ")?;
    let mut fields = rest.split_whitespace();
    let ended = ["Z", "X"].contains(&fields.next()?);
    let group = fields.nth(1)?.parse().ok()?;
    (!ended).then_some(Process { pid: pid.parse().ok()?, group, name: name.to_owned() })
}

/// Reads a line of `ps`: pid, group, and the command with its path.
fn of_listing(line: &str) -> Option<Process> {
    let (pid, rest) = line.trim().split_once(char::is_whitespace)?;
    let (group, command) = rest.trim().split_once(char::is_whitespace)?;
    let name = command.trim().rsplit('/').next()?.to_owned();
    Some(Process { pid: pid.parse().ok()?, group: group.parse().ok()?, name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_with_any_name_is_read_unless_it_has_ended() {
        let process = |name: &str| Process { pid: 7, group: 5, name: name.into() };
        assert_eq!(of_stat("7 (bootstrap) S 6 5 5 0 -1"), Some(process("bootstrap")));
        assert_eq!(of_stat("7 (a) (b) S 6 5 5 0 -1"), Some(process("a) (b")));
        assert_eq!(of_stat("7 (bootstrap) Z 6 5 5 0 -1"), None);
        assert_eq!(of_listing("    7     5 /tmp/a b/bootstrap"), Some(process("bootstrap")));
    }

    #[test]
    fn this_process_is_among_them() {
        assert!(processes().iter().any(|process| process.pid == std::process::id()));
    }
}
