//! An outage of the emulator: it stops, saves its state, and resumes later at the same address.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::error::EmulatorError;
use super::process::Emulator;
use terminal::cancel::Cancel;

/// Time to save the state: tens of megabytes take seconds; a busy machine needs longer.
const WRITTEN_WITHIN: Duration = Duration::from_secs(60);

impl Emulator {
    /// Stops the emulator and the running functions at once; the emulator saves its state.
    ///
    /// # Errors
    ///
    /// When it does not save its state, or has to be killed, which loses the state.
    pub async fn halt(&self) -> Result<(), EmulatorError> {
        if self.launch().state().is_none() {
            return Err(EmulatorError::KeepsNoState);
        }
        let running = self.running().take();
        let Some(running) = running else { return Ok(()) };
        if running.end_within(WRITTEN_WITHIN).await {
            Ok(())
        } else {
            Err(EmulatorError::NotHalted { within: WRITTEN_WITHIN, path: self.log().to_owned() })
        }
    }

    /// Starts it again after [`halt`](Self::halt), at the same address and with its state. The records of the tables' streams
    /// are not part of the state: committed events that were not yet read need a replay.
    ///
    /// # Errors
    ///
    /// When it does not start, or when its state has another form.
    pub async fn resume(&self, cancel: &Cancel) -> Result<(), EmulatorError> {
        if self.running().is_some() {
            return Ok(());
        }
        let Some(state) = self.launch().state() else { return Err(EmulatorError::KeepsNoState) };
        forget_stream_positions(&state.join("lambda.json"))?;
        // Another start writes a new log.
        let before = self.log().with_extension("before-halt.log");
        std::fs::rename(self.log(), &before).map_err(|source| EmulatorError::Write { path: before, source })?;
        let running = self.launch().run(self.endpoint(), cancel).await?;
        *self.running() = Some(running);
        Ok(())
    }
}

/// The emulator saves the read positions of streams but not the streams: without this it would skip as many records of the
/// new stream as the old one had.
fn forget_stream_positions(path: &Path) -> Result<(), EmulatorError> {
    let failed = |source| EmulatorError::State { path: path.to_owned(), source };
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        // It saves only what was used: without functions there are no positions.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    let mut state: Value = serde_json::from_str(&text).map_err(|error| failed(error.into()))?;
    let positions = state.pointer_mut("/payload/dynamodb_stream_positions");
    let positions = positions.ok_or_else(|| failed(std::io::Error::other("it has no stream positions")))?;
    *positions = json!({});
    std::fs::write(path, state.to_string()).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_stream_positions_are_removed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lambda.json");
        let before = json!({ "__ministack_format__": 1, "payload": { "esms": { "a": 1 }, "dynamodb_stream_positions": { "a": 7 } } });
        std::fs::write(&path, before.to_string()).unwrap();
        forget_stream_positions(&path).unwrap();
        let after: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let expected =
            json!({ "__ministack_format__": 1, "payload": { "esms": { "a": 1 }, "dynamodb_stream_positions": {} } });
        assert_eq!(after, expected);
    }

    #[test]
    fn a_state_of_another_form_is_refused_and_a_missing_one_is_accepted() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lambda.json");
        forget_stream_positions(&path).unwrap();
        std::fs::write(&path, "{}").unwrap();
        assert!(matches!(forget_stream_positions(&path), Err(EmulatorError::State { .. })));
    }
}
