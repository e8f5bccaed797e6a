//! What a redrive or a discard is asked for, and what it says that it did.

use std::collections::BTreeMap;

use order_domain::id::OrderId;
use serde::Serialize;

use super::{DeadLetter, DeadLetterQueue};

/// Which letters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those of this reason.
    pub reason: Option<String>,
    /// Only those of this order.
    pub order: Option<OrderId>,
}

impl Filter {
    /// Whether it lets every letter pass.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.reason.is_none() && self.order.is_none()
    }

    /// Whether it lets this one pass.
    #[must_use]
    pub fn lets(&self, letter: &DeadLetter) -> bool {
        self.reason.as_ref().is_none_or(|reason| *reason == letter.reason)
            && self.order.as_ref().is_none_or(|order| Some(order) == letter.order_id.as_ref())
    }
}

/// What becomes of the letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// They go back to work.
    Redrive,
    /// They are deleted, and only the audit record tells of them: there is nothing that they could be good for.
    Discard,
}

/// How to redrive, or to discard.
#[derive(Debug, Clone)]
pub struct Options {
    /// What becomes of them.
    pub action: Action,
    /// Which letters.
    pub filter: Filter,
    /// Only count them.
    pub dry_run: bool,
    /// Letters a second, at most; events, for the stream's.
    pub rate: u32,
    /// Who does it, for the audit record.
    pub by: String,
}

/// How letters were redriven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Method {
    /// Each was received, sent to its source queue, and deleted.
    Letters,
    /// SQS moved them by itself (StartMessageMoveTask).
    MoveTask,
    /// The events that they stand for were read from the table and told.
    Replay,
    /// Each was received, written into the audit record without its body, and deleted.
    Discard,
}

/// What a redrive or a discard of one queue did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Redriven {
    /// Its audit record: the items `REDRIVE#<id>` of the orders table. None where no letter was to be moved.
    pub redrive_id: Option<String>,
    /// From where.
    pub from: String,
    /// To where; nowhere, for a discard.
    pub to: String,
    /// Who did it.
    pub by: String,
    /// How.
    pub method: Method,
    /// Nothing was moved: it was only counted.
    pub dry_run: bool,
    /// Letters moved or discarded, or that would be.
    pub moved: u64,
    /// Of those, by reason, where they were looked at.
    pub reasons: BTreeMap<String, u64>,
    /// Letters that the filters did not let pass.
    pub passed_over: u64,
    /// Letters that came after the beginning, and those that came back: redriving them again would go on for ever.
    pub too_young: u64,
    /// Letters that were to be moved and were not: they are still in the queue.
    pub failed: u64,
    /// Letters that were sent and not deleted: they are sent again by the next redrive, which the stages take as a
    /// repetition.
    pub not_deleted: u64,
    /// Events that were told, where the letters stand for events.
    pub events_told: Option<u64>,
    /// What went wrong.
    pub problem: Option<String>,
    /// It was stopped before the end.
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
            events_told: None,
            problem: None,
            interrupted: false,
        }
    }

    /// Whether every letter that was to be moved has been.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.failed == 0 && self.not_deleted == 0 && self.problem.is_none() && !self.interrupted
    }

    pub(super) fn count(&mut self, letter: &DeadLetter) {
        self.moved += 1;
        *self.reasons.entry(letter.reason.clone()).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::super::dead_letter::tests::message;
    use super::*;

    #[test]
    fn a_filter_lets_pass_what_has_its_reason_and_its_order() {
        let letter = DeadLetter::read(message(r#"{"orderId":"ord-1"}"#, &[("reason", "A")]));
        let filter = |reason: Option<&str>, order: Option<&str>| Filter {
            reason: reason.map(str::to_owned),
            order: order.map(|id| OrderId::new(id).unwrap()),
        };
        assert!(filter(None, None).lets(&letter) && filter(None, None).is_open());
        assert!(filter(Some("A"), Some("ord-1")).lets(&letter));
        assert!(!filter(Some("B"), Some("ord-1")).lets(&letter));
        assert!(!filter(None, Some("ord-2")).lets(&letter));
    }
}
