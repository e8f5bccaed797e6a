//! Bugs of the pipeline that the simulation found and that are not mended yet. What they cause is counted apart from
//! violations, so that a run fails for what is new; a test of each says when it is gone.

use order_domain::order::Order;
use order_domain::wiring::Stage;
use order_handlers::failure::DeadLetterReason;
use serde::Serialize;

use crate::fault::FaultProfile;
use crate::gateway::{Gateway, IntentStatus};
use crate::plan::Plan;
use crate::world::Letter;

/// A known bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// Two workers replace the same lapsed hold of a dispatched order, under the same key: both get the same hold. One of
    /// them stores it; the other sees that there is nothing to store, takes the hold for one that the order does not know,
    /// and gives it up. Where it was captured meanwhile, that ends in the dead-letter queue as `REQUEST_REFUSED`.
    OwnHoldGivenUp,
}

impl Finding {
    /// Every finding.
    pub const ALL: [Self; 1] = [Self::OwnHoldGivenUp];

    /// A run that shows it.
    #[must_use]
    pub fn example(self) -> Plan {
        match self {
            Self::OwnHoldGivenUp => Plan::new(2, 100, FaultProfile::heavy()),
        }
    }
}

/// The known bug that put a letter into a dead-letter queue, if one did.
pub(crate) fn behind(letter: &Letter, order: Option<&Order>, gateway: &Gateway) -> Option<Finding> {
    let held = order?.authorisation.as_ref()?;
    let captured = gateway.intents.get(&held.payment_intent)?.status == IntentStatus::Succeeded;
    let refused = letter.stage == Stage::Fulfilment && letter.reason == Some(DeadLetterReason::RequestRefused.name());
    (refused && captured && held.attempt > 1).then_some(Finding::OwnHoldGivenUp)
}
