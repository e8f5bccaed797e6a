//! Names one event of one order.

use serde::Serialize;

/// Prefix of the sequence number of a replayed record. A replayed record has no place in a shard. The function returns
/// the number in its answer, and writes it into a message that it dead-letters, so both name the event.
const ORIGIN: &str = "replay:";

/// One event: an order and the event's number in its history.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EventId {
    /// The order's id.
    pub order_id: String,
    /// The event's number in the order's history, from 1.
    pub sequence: u64,
}

impl EventId {
    /// The stream sequence number that a replayed record carries, e.g. `replay:ord-1:3`.
    #[must_use]
    pub fn sequence_number(&self) -> String {
        format!("{ORIGIN}{}:{}", self.order_id, self.sequence)
    }

    /// Reads [`sequence_number`](Self::sequence_number) back; `None` for a record that was not replayed.
    #[must_use]
    pub fn of_sequence_number(text: &str) -> Option<Self> {
        let (order_id, sequence) = text.strip_prefix(ORIGIN)?.rsplit_once(':')?;
        Some(Self { order_id: order_id.to_owned(), sequence: sequence.parse().ok()? })
    }
}
