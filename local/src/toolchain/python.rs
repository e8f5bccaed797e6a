//! Finds the Python that creates the virtual environment.

use tokio::process::Command;

use super::ToolchainError;
use crate::process::{ProcessError, capture};
use terminal::cancel::Cancel;

/// The emulator needs Python 3.11.
const MINIMUM: (u32, u32) = (3, 11);

/// Names to try, the user's default first.
const NAMES: [&str; 6] = ["python3", "python3.14", "python3.13", "python3.12", "python3.11", "python"];

/// The first Python on PATH that is new enough.
///
/// # Errors
///
/// When there is none, or when cancelled.
pub async fn find(cancel: &Cancel) -> Result<&'static str, ToolchainError> {
    for name in NAMES {
        let mut command = Command::new(name);
        command.args(["-c", "import sys; print(sys.version_info[0], sys.version_info[1])"]);
        match capture(&mut command, cancel).await {
            Ok(captured) if captured.status.success() => {
                if version(&captured.stdout).is_some_and(|version| version >= MINIMUM) {
                    return Ok(name);
                }
            }
            Ok(_) | Err(ProcessError::Start { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(ToolchainError::NoPython { tried: NAMES.map(str::to_owned).into() })
}

fn version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.trim().split_once(' ')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(version("3 9\n").unwrap() < MINIMUM);
        assert!(version("3 11\n").unwrap() >= MINIMUM);
        assert_eq!(version("Python 2.7"), None);
    }
}
