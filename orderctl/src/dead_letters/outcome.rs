//! The options of a redrive or a discard, and its result.

use std::collections::BTreeMap;

use order_domain::id::OrderId;
use serde::Serialize;

use super::{DeadLetter, DeadLetterQueue};

/// Selects messages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only messages with this reason.
    pub reason: Option<String>,
    /// Only messages for this order.
    pub order: Option<OrderId>,
}

impl Filter {
    /// Whether it selects every message.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.reason.is_none() && self.order.is_none()
    }

    /// Whether it selects this message.
    #[must_use]
    pub fn matches(&self, message: &DeadLetter) -> bool {
        self.reason.as_ref().is_none_or(|reason| *reason == message.reason)
            && self.order.as_ref().is_none_or(|order| Some(order) == message.order_id.as_ref())
    }
}

/// What happens to the messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// They return to their stage's source queue.
    Redrive,
    /// They are deleted; only the audit record remains.
    Discard,
}

/// How to redrive, or to discard.
#[derive(Debug, Clone)]
pub struct Options {
    /// What happens to the messages.
    pub action: Action,
    /// Selects the messages.
    pub filter: Filter,
    /// Count the messages and move none.
    pub dry_run: bool,
    /// Maximum messages per second; for notify-dlq, maximum events per second.
    pub rate: u32,
    /// The person who runs it, for the audit record.
    pub by: String,
}

/// How messages were redriven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Method {
    /// Each message was received, sent to its source queue, and deleted.
    Messages,
    /// SQS moved the messages (StartMessageMoveTask).
    MoveTask,
    /// The events that the messages refer to were read from the table and published again.
    Replay,
    /// Each message was received, recorded without its body, and deleted.
    Discard,
}

/// What a redrive or a discard of one queue did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Redriven {
    /// Id of the audit record: the items `REDRIVE#<id>` in the orders table. `None` when no message matched.
    pub redrive_id: Option<String>,
    /// The dead-letter queue.
    pub from: String,
    /// The destination; `nowhere` for a discard.
    pub to: String,
    /// The person who ran it.
    pub by: String,
    /// The method.
    pub method: Method,
    /// Whether the messages were only counted.
    pub dry_run: bool,
    /// Messages moved or discarded; in a dry run, messages that would be.
    pub moved: u64,
    /// Those messages by reason; empty when SQS moved them.
    pub reasons: BTreeMap<String, u64>,
    /// Messages that the filter excluded.
    pub passed_over: u64,
    /// Messages that arrived after the start, or came back. They stay, because redriving them again could loop for ever.
    pub too_young: u64,
    /// Messages that could not be moved; they are still in the queue.
    pub failed: u64,
    /// Messages that were sent but not deleted. The next redrive sends them again, which the stages tolerate.
    pub not_deleted: u64,
    /// Events that were published; only when notify-dlq is redriven.
    pub events_published: Option<u64>,
    /// What went wrong.
    pub problem: Option<String>,
    /// Whether it was stopped before the end.
    pub interrupted: bool,
}

impl Redriven {
    pub(super) fn nothing(queue: &DeadLetterQueue, to: &str, method: Method, options: &Options) -> Self {
        Self {
            redrive_id: None,
            from: queue.name.clone(),
            to: to.to_owned(),
            by: options.by.clone(),
            method,
            dry_run: options.dry_run,
            moved: 0,
            reasons: BTreeMap::new(),
            passed_over: 0,
            too_young: 0,
            failed: 0,
            not_deleted: 0,
            events_published: None,
            problem: None,
            interrupted: false,
        }
    }

    /// Whether every selected message was moved.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.failed == 0 && self.not_deleted == 0 && self.problem.is_none() && !self.interrupted
    }

    pub(super) fn count(&mut self, message: &DeadLetter) {
        self.moved += 1;
        *self.reasons.entry(message.reason.clone()).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::super::dead_letter::tests::message;
    use super::*;

    #[test]
    fn a_filter_selects_by_reason_and_by_order() {
        let message = DeadLetter::read(message(r#"{"orderId":"ord-1"}"#, &[("reason", "A")]));
        let filter = |reason: Option<&str>, order: Option<&str>| Filter {
            reason: reason.map(str::to_owned),
            order: order.map(|id| OrderId::new(id).unwrap()),
        };
        assert!(filter(None, None).matches(&message) && filter(None, None).is_open());
        assert!(filter(Some("A"), Some("ord-1")).matches(&message));
        assert!(!filter(Some("B"), Some("ord-1")).matches(&message));
        assert!(!filter(None, Some("ord-2")).matches(&message));
    }
}
