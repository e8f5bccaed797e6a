//! What went wrong, by what is done about it. A *business* outcome (declined, out of stock) is no failure: it is a
//! transition of the order.

use std::error::Error;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

/// A cause, kept for the chain that is logged once, at the edge.
pub type Cause = Arc<dyn Error + Send + Sync>;

/// A failure, by its class.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Failure {
    /// May succeed later: a throttle, a timeout, a conflict, a dependency that is down or may not be called.
    /// The delivery is put back with a growing wait.
    #[error("{what}; it is retried later")]
    Transient {
        /// What failed, to which order or resource.
        what: String,
        /// Why.
        #[source]
        cause: Option<Cause>,
    },
    /// May not be tried before a time: what it needs is known to be down, or busy. As transient as the other, but the delivery waits
    /// at least that long, so that an outage costs few receives.
    #[error("{what}; it waits")]
    Waiting {
        /// What is not tried, for which order.
        what: String,
        /// For how long, at least; the queue's backoff can be longer.
        wait: Duration,
        /// Why.
        #[source]
        cause: Option<Cause>,
    },
    /// Nothing failed: it came too early, and is tried after a time.
    #[error("{what}; it is too early")]
    Early {
        /// What is not done yet, for which order.
        what: String,
        /// How long to wait, at least; the queue's backoff can be longer.
        wait: Duration,
        /// Why.
        #[source]
        cause: Option<Cause>,
    },
    /// Can never succeed: the delivery goes to the dead-letter queue at once, with its reason.
    #[error("{what}; it is moved to the dead-letter queue ({})", reason.name())]
    Permanent {
        /// What failed, to which order or resource.
        what: String,
        /// The reason by which dead letters are grouped.
        reason: DeadLetterReason,
        /// Why.
        #[source]
        cause: Option<Cause>,
    },
}

/// Why a delivery can never succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::VariantArray, strum::IntoStaticStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum DeadLetterReason {
    /// The body is no order document.
    NotAnOrder,
    /// The body is no command.
    NotACommand,
    /// No order is stored under the id.
    OrderUnknown,
    /// No event is stored under the order's id and the number.
    EventUnknown,
    /// The order's state does not allow the command.
    IllegalCommand,
    /// AWS or the gateway refuses the request itself, whenever it is made.
    RequestRefused,
    /// The stream's record is no event.
    NotAnEvent,
    /// What an order holds is not reserved in the inventory table.
    StockInconsistent,
    /// The work on the stream's record panics, also where it is done alone.
    WorkPanicked,
    /// The parcel is on its way, and its money can neither be taken nor be held anew: a person has to decide.
    MoneyLost,
    /// A customer's text cannot be written: its template is wrong. It is redriven once that is mended.
    TextUnwritable,
    /// The gateway could not give money back: a person has to, in another way.
    RefundFailed,
    /// Money that the gateway had given back came back, days later: a person has to give it back in another way.
    RefundReturned,
    /// What is stored cannot be read by this program: another version of it wrote the item, or somebody did by hand. Trying
    /// again reads the same; so a person mends it, or deploys, and redrives.
    ItemUnreadable,
}

impl DeadLetterReason {
    /// Every reason.
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

    /// Whether the order itself is in trouble, so that it has to say so: not where a command was merely refused, or there is
    /// no order, or none that can be read and so be changed.
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

    /// The name in the dead letter's attributes.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl Failure {
    /// Something overtook what it has to wait for.
    pub fn too_early(what: impl Into<String>, cause: Option<Cause>) -> Self {
        Self::Early { what: what.into(), wait: Duration::ZERO, cause }
    }

    /// A failure that may pass.
    pub fn transient(what: impl Into<String>, cause: impl Error + Send + Sync + 'static) -> Self {
        Self::Transient { what: what.into(), cause: Some(Arc::new(cause)) }
    }

    /// A failure that may pass and has no cause beyond its text.
    pub fn transient_because(what: impl Into<String>) -> Self {
        Self::Transient { what: what.into(), cause: None }
    }

    /// A failure that never passes.
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
