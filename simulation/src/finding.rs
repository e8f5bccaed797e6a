//! Bugs of the pipeline that the simulation found and that are not mended yet. What they cause is counted apart from
//! violations, so that a run fails for what is new; a test of each says when it is gone.

use order_domain::order::{Order, PaymentStatus, ShipmentStatus};
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
    /// The parcel comes back, for all of its price, between the gateway's capture and the commit of it. The order then says
    /// that a hold is to be given up, the gateway says that the money was taken, and the refund ends in the dead-letter
    /// queue as `REQUEST_REFUSED`.
    ReturnedWhileCaptured,
    /// A capture takes so long that the parcel is back and its hold given up before the gateway answers. The stage takes the
    /// hold that was given up for a lapsed one and makes another, which it cannot record on the order and forgets.
    HeldAnewAfterVoid,
}

impl Finding {
    /// Every finding.
    pub const ALL: [Self; 2] = [Self::ReturnedWhileCaptured, Self::HeldAnewAfterVoid];

    /// A small run that shows it, without any fault.
    #[must_use]
    pub const fn example(self) -> Plan {
        let seed = match self {
            Self::ReturnedWhileCaptured => 6,
            Self::HeldAnewAfterVoid => 1_747,
        };
        Plan::new(seed, 2, FaultProfile::none())
    }
}

/// The known bug that put a letter into a dead-letter queue, if one did.
pub(crate) fn behind(letter: &Letter, order: Option<&Order>, gateway: &Gateway) -> Option<Finding> {
    let (number, order) = (letter.order?, order?);
    let captured = gateway.of(number).any(|intent| intent.status == IntentStatus::Succeeded);
    let returned = order.shipment_status == ShipmentStatus::Returned;
    let recorded = order.payment_status != PaymentStatus::Authorised;
    let refused = letter.reason == Some(DeadLetterReason::RequestRefused.name());
    (refused && captured && returned && !recorded).then_some(Finding::ReturnedWhileCaptured)
}

/// The known bug behind money that is held for an order and should not be, if there is one.
pub(crate) fn behind_hold(number: u32, order: &Order, gateway: &Gateway) -> Option<Finding> {
    let with = |status| gateway.of(number).filter(move |intent| intent.status == status).count();
    let voided = order.payment_status == PaymentStatus::Voided && order.shipment_status == ShipmentStatus::Returned;
    let anew = with(IntentStatus::RequiresCapture) == 1 && with(IntentStatus::Canceled) > 0;
    (voided && anew).then_some(Finding::HeldAnewAfterVoid)
}
