//! Records that can never be published are quarantined, so that they do not delay the records behind them in their shard.

use order_domain::event::Event;
use serde_json::json;

use super::Record;
use crate::failure::{DeadLetterReason, chain};
use crate::ports::{DeadLetter, Queue};

/// A quarantined record, with the reason.
pub(super) struct Quarantined<'r> {
    /// The record's place in its shard.
    pub sequence_number: &'r str,
    /// The event, if it can be read.
    pub event: Option<&'r Event>,
    pub reason: DeadLetterReason,
    pub error: String,
}

impl<'r> Quarantined<'r> {
    /// A record that is not an event.
    pub fn no_event(record: &'r Record) -> Option<Self> {
        let error = record.event.as_ref().err()?.clone();
        let sequence_number = &record.sequence_number;
        Some(Self { sequence_number, event: None, reason: DeadLetterReason::NotAnEvent, error })
    }

    /// A record on which the stage panics, even when it processes only that one.
    pub fn panicking(record: &'r Record) -> Self {
        Self {
            sequence_number: &record.sequence_number,
            event: record.event.as_ref().ok(),
            reason: DeadLetterReason::WorkPanicked,
            error: "the stage panics on this record, even when it processes only that one: the function's log has the panic's text".to_owned(),
        }
    }

    /// The message has only the event's key: a redrive reads the event from the table.
    fn message(&self) -> DeadLetter {
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

/// Moves records to the dead-letter queue. Returns those that it did not accept.
pub(super) async fn quarantine<'r>(
    queue: &impl Queue,
    records: impl IntoIterator<Item = Quarantined<'r>>,
) -> Vec<&'r str> {
    let mut not_taken = Vec::new();
    for record in records {
        let Quarantined { sequence_number, reason, error, .. } = &record;
        match queue.dead_letter(&record.message()).await {
            Ok(()) => {
                let reason = reason.name();
                tracing::error!(sequence_number, reason, error, "a record was moved to the dead-letter queue");
            }
            Err(failure) => {
                tracing::error!(sequence_number, error = %chain(&failure), "the dead-letter queue did not take a record");
                not_taken.push(record.sequence_number);
            }
        }
    }
    not_taken
}
