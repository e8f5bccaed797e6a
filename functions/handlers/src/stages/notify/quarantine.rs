//! Records that can never be told: they are put aside, so that nobody who comes after them in their shard waits.

use order_domain::event::Event;
use serde_json::json;

use super::Record;
use crate::failure::{DeadLetterReason, chain};
use crate::ports::{DeadLetter, Queue};

/// A record that is put aside, and why.
pub(super) struct Quarantined<'r> {
    /// Its place in its shard.
    pub sequence_number: &'r str,
    /// What was written, where it can be read.
    pub event: Option<&'r Event>,
    pub reason: DeadLetterReason,
    pub error: String,
}

impl<'r> Quarantined<'r> {
    /// A record that is no event.
    pub fn no_event(record: &'r Record) -> Option<Self> {
        let error = record.event.as_ref().err()?.clone();
        let sequence_number = &record.sequence_number;
        Some(Self { sequence_number, event: None, reason: DeadLetterReason::NotAnEvent, error })
    }

    /// A record the work on which panics, although it is done alone.
    pub fn panicking(record: &'r Record) -> Self {
        Self {
            sequence_number: &record.sequence_number,
            event: record.event.as_ref().ok(),
            reason: DeadLetterReason::WorkPanicked,
            error: "the work on it panics, also when it is done alone: the function's log has the message".to_owned(),
        }
    }

    /// A dead letter holds no event, only where it is: a redrive reads it from the table.
    fn letter(&self) -> DeadLetter {
        let mut body = json!({ "sequenceNumber": self.sequence_number });
        if let Some(event) = self.event {
            body["orderId"] = json!(event.order_id);
            body["sequence"] = json!(event.sequence);
        }
        DeadLetter {
            body: body.to_string(),
            reason: self.reason.name(),
            error: self.error.clone(),
            message_id: self.sequence_number.to_owned(),
            trace: None,
            signed: None,
        }
    }
}

/// Puts records into the dead-letter queue; those that it did not take.
pub(super) async fn put_aside<'r>(
    queue: &impl Queue,
    records: impl IntoIterator<Item = Quarantined<'r>>,
) -> Vec<&'r str> {
    let mut not_taken = Vec::new();
    for aside in records {
        let Quarantined { sequence_number, reason, error, .. } = &aside;
        match queue.dead_letter(&aside.letter()).await {
            Ok(()) => {
                let reason = reason.name();
                tracing::error!(sequence_number, reason, error, "a record was moved to the dead-letter queue");
            }
            Err(failure) => {
                tracing::error!(sequence_number, error = %chain(&failure), "the dead-letter queue did not take a record");
                not_taken.push(aside.sequence_number);
            }
        }
    }
    not_taken
}
