//! Failures, by their handling. A *business* outcome (declined, out of stock) is not a failure: it is a transition of the
//! order.

use std::error::Error;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

/// A cause, kept for the chain that is logged once, at the edge.
pub type Cause = Arc<dyn Error + Send + Sync>;

/// A failure, by its handling.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Failure {
    /// May succeed later: a throttle, a timeout, a conflict, a dependency that is down or may not be called.
    /// The delivery returns to the queue with a growing wait.
    #[error("{what}; it is retried later")]
    Transient {
        /// What failed, to which order or resource.
        what: String,
        /// The cause, if another error led to it.
        #[source]
        cause: Option<Cause>,
    },
    /// A dependency is known to be down or busy. Transient too, but the delivery waits at least for a given time, so that an
    /// outage costs few receives.
    #[error("{what}; it waits")]
    Waiting {
        /// What is not tried, for which order.
        what: String,
        /// For how long, at least; the queue's backoff can be longer.
        wait: Duration,
        /// The cause, if another error led to it.
        #[source]
        cause: Option<Cause>,
    },
    /// The message came too early and is retried after a time. Nothing failed.
    #[error("{what}; it is too early")]
    Early {
        /// What is not done yet, for which order.
        what: String,
        /// How long to wait, at least; the queue's backoff can be longer.
        wait: Duration,
        /// The cause, if another error led to it.
        #[source]
        cause: Option<Cause>,
    },
    /// Can never succeed: the delivery goes to the dead-letter queue at once, with its reason.
    #[error("{what}; it is moved to the dead-letter queue ({})", reason.name())]
    Permanent {
        /// What failed, to which order or resource.
        what: String,
        /// The reason of the dead-lettered message.
        reason: DeadLetterReason,
        /// The cause, if another error led to it.
        #[source]
        cause: Option<Cause>,
    },
}

/// Why a delivery can never succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::VariantArray, strum::IntoStaticStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum DeadLetterReason {
    /// The body is not an order document.
    NotAnOrder,
    /// The body is not a command.
    NotACommand,
    /// No order is stored under the id.
    OrderUnknown,
    /// No event is stored under the order's id and the number.
    EventUnknown,
    /// The order's state does not allow the command.
    IllegalCommand,
    /// AWS or the gateway refuses the request itself, whenever it is made.
    RequestRefused,
    /// The stream's record is not an event.
    NotAnEvent,
    /// An order's reservation is not in the inventory table.
    StockInconsistent,
    /// The stage panics on the stream's record, even when it processes only that one.
    WorkPanicked,
    /// The order is dispatched, and its money can neither be captured nor re-authorised: a person has to decide.
    MoneyLost,
    /// A customer's text cannot be written, because its template is wrong. An operator redrives the message after the fix.
    TextUnwritable,
    /// The gateway could not refund money: a person has to refund it in another way.
    RefundFailed,
    /// A refund came back to the gateway days later: a person has to refund it in another way.
    RefundReturned,
    /// A stored item cannot be read, because another version of the program or a person wrote it. A retry reads the same, so
    /// a person fixes the item or deploys, and redrives the message.
    ItemUnreadable,
}

impl DeadLetterReason {
    /// All reasons.
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

    /// Whether the order gets a mark for attention. It does not if only a command was refused, or if the order does not exist
    /// or cannot be read.
    #[must_use]
    pub const fn concerns_the_order(self) -> bool {
        match self {
            Self::RequestRefused
            | Self::StockInconsistent
            | Self::MoneyLost
            | Self::RefundFailed
            | Self::RefundReturned => true,
            Self::NotAnOrder
            | Self::NotACommand
            | Self::NotAnEvent
            | Self::TextUnwritable
            | Self::OrderUnknown
            | Self::EventUnknown
            | Self::IllegalCommand
            | Self::WorkPanicked
            | Self::ItemUnreadable => false,
        }
    }

    /// The name in the attributes of the dead-lettered message.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl Failure {
    /// A failure of a message that overtook an earlier one.
    pub fn too_early(what: impl Into<String>, cause: Option<Cause>) -> Self {
        Self::Early { what: what.into(), wait: Duration::ZERO, cause }
    }

    /// A transient failure.
    pub fn transient(what: impl Into<String>, cause: impl Error + Send + Sync + 'static) -> Self {
        Self::Transient { what: what.into(), cause: Some(Arc::new(cause)) }
    }

    /// A transient failure without another error as its cause.
    pub fn transient_because(what: impl Into<String>) -> Self {
        Self::Transient { what: what.into(), cause: None }
    }

    /// A permanent failure.
    pub fn permanent(
        reason: DeadLetterReason,
        what: impl Into<String>,
        cause: impl Error + Send + Sync + 'static,
    ) -> Self {
        Self::Permanent { what: what.into(), reason, cause: Some(Arc::new(cause)) }
    }
}

/// An error and everything under it, in one line.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        // Writing into a String cannot fail.
        let _ = write!(text, ": {cause}");
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_explained_to_whoever_finds_a_dead_letter() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/failures/permanent.md");
        let page = std::fs::read_to_string(page).unwrap();
        for reason in DeadLetterReason::ALL.iter().copied() {
            assert!(page.contains(&format!("`{}`", reason.name())), "{} is not in permanent.md", reason.name());
        }
    }
}
