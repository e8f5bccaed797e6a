//! Runs a command until it ends or is cancelled.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::Command;

use super::Group;
use terminal::cancel::Cancel;

/// How long a command may take to end after SIGINT.
const GRACE: Duration = Duration::from_secs(3);

/// The result of a command that ended by itself.
#[derive(Debug)]
pub struct Captured {
    /// Its exit status.
    pub status: ExitStatus,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Captured {
    /// The last lines of both outputs, for an error message.
    #[must_use]
    pub fn tail(&self) -> String {
        let all: Vec<&str> = self.stdout.lines().chain(self.stderr.lines()).filter(|line| !line.is_empty()).collect();
        all[all.len().saturating_sub(15)..].join("\n")
    }
}

/// The command did not run until its end.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The program cannot be started.
    #[error("cannot start `{program}`; check that it is installed and on PATH")]
    Start {
        /// The program.
        program: String,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// The command's output or exit status cannot be read.
    #[error("cannot read the output of `{program}`")]
    Read {
        /// The program.
        program: String,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// It was cancelled.
    #[error("`{program}` was cancelled")]
    Cancelled {
        /// The program.
        program: String,
    },
}

/// Runs `command` and returns its output.
///
/// # Errors
///
/// When it cannot be started, or on cancellation, which ends the command. A failure of the command itself is in
/// [`Captured::status`].
pub async fn capture(command: &mut Command, cancel: &Cancel) -> Result<Captured, ProcessError> {
    let mut stdout = String::new();
    let mut captured = streamed(command, cancel, |line| {
        stdout.push_str(line);
        stdout.push('\n');
    })
    .await?;
    captured.stdout = stdout;
    Ok(captured)
}

/// Runs `command` and passes each line of its standard output to `line`; [`Captured::stdout`] stays empty.
///
/// # Errors
///
/// As [`capture`].
pub async fn streamed(
    command: &mut Command,
    cancel: &Cancel,
    mut line: impl FnMut(&str),
) -> Result<Captured, ProcessError> {
    let program = command.as_std().get_program().to_string_lossy().into_owned();
    let start = |source| ProcessError::Start { program: program.clone(), source };
    let lost = |source| ProcessError::Read { program: program.clone(), source };
    if cancel.is_cancelled() {
        return Err(ProcessError::Cancelled { program });
    }
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(start)?;
    let _standard_input = child.stdin.take();
    let group = child.id().and_then(Group::led_by);
    let pipes = child.stdout.take().zip(child.stderr.take());
    let Some((stdout, mut stderr)) = pipes else {
        return Err(lost(std::io::Error::other("its output is not piped")));
    };
    let mut errors = Vec::new();
    let run = async {
        let mut lines = BufReader::new(stdout).lines();
        let output = async {
            while let Some(text) = lines.next_line().await? {
                line(&text);
            }
            Ok::<(), std::io::Error>(())
        };
        let (output, standard_error) = futures::future::join(output, stderr.read_to_end(&mut errors)).await;
        output?;
        standard_error?;
        child.wait().await
    };
    let ended = tokio::select! {
        ended = run => Some(ended.map_err(lost)?),
        () = cancel.cancelled() => None,
    };
    let Some(status) = ended else {
        if let Some(group) = group {
            group.interrupt();
            let _ = tokio::time::timeout(GRACE, child.wait()).await;
            // Even if the command has ended: this ends what it started.
            group.kill();
        }
        let _ = child.wait().await;
        return Err(ProcessError::Cancelled { program });
    };
    Ok(Captured { status, stdout: String::new(), stderr: String::from_utf8_lossy(&errors).into_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[tokio::test]
    async fn output_and_exit_code_are_captured() {
        let captured = capture(&mut shell("echo one; echo two >&2; exit 3"), &Cancel::new()).await.unwrap();
        assert_eq!((captured.stdout.as_str(), captured.stderr.as_str()), ("one\n", "two\n"));
        assert_eq!(captured.status.code(), Some(3));
    }

    #[tokio::test]
    async fn a_missing_program_is_reported() {
        let error = capture(&mut Command::new("no-such-program"), &Cancel::new()).await.unwrap_err();
        assert!(error.to_string().contains("no-such-program"), "{error}");
    }

    #[tokio::test]
    async fn cancellation_ends_the_command_and_what_it_started() {
        let cancel = Cancel::new();
        let switch = cancel.clone();
        let mut leader = None;
        let result = streamed(&mut shell("echo $$; sleep 1000 & sleep 1000"), &cancel, |line| {
            leader = line.parse().ok();
            switch.cancel();
        })
        .await;
        assert!(matches!(result, Err(ProcessError::Cancelled { .. })), "{result:?}");
        let group = Group::led_by(leader.unwrap()).unwrap();
        assert!(group.gone_within(Duration::from_secs(5)).await);
    }
}
