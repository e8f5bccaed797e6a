//! Deciding on an order and committing the decision, and the failures of both.

use std::sync::Arc;

use order_domain::id::OrderId;
use order_domain::order::Order;
use order_domain::transition::{Decision, Refusal};

use crate::failure::{DeadLetterReason, Failure};
use crate::ports::{Committed, Orders};

/// How often a stage decides after another writer was faster, before its message returns to the queue.
pub(crate) const ATTEMPTS: usize = 5;

/// The result of a decision on an order.
pub(crate) struct Decided {
    /// The order as it stands.
    pub order: Order,
    /// The order as it was, where the decision changed it. A redelivery changes nothing.
    pub changed_from: Option<Order>,
}

/// Decides on an order and commits the decision. After every faster writer it decides again.
pub(crate) async fn decide(
    database: &impl Orders,
    mut order: Order,
    decision: impl Fn(&Order) -> Decision,
) -> Result<Decided, Failure> {
    for _ in 0..ATTEMPTS {
        let change = match decision(&order) {
            Decision::Apply(change) => change,
            Decision::NoOp => return Ok(Decided { order, changed_from: None }),
            Decision::Reject(refusal) => return Err(refused(refusal)),
            Decision::Defer(refusal) => {
                let what = format!("a command overtook what order {} still waits for", refusal.order_id);
                return Err(Failure::too_early(what, Some(Arc::new(refusal))));
            }
        };
        match database.commit(&change).await? {
            Committed::Done => return Ok(Decided { order: change.into_order(), changed_from: Some(order) }),
            Committed::Stale(Some(newer)) => order = *newer,
            Committed::Stale(None) => return Err(unknown(&order.order_id)),
            Committed::StockShort(_) => return Err(inconsistent(&order.order_id)),
        }
    }
    Err(contended(&order.order_id))
}

/// The order's state does not allow the command, and never will.
pub(crate) fn refused(refusal: Refusal) -> Failure {
    let what = format!("order {} refused a command", refusal.order_id);
    Failure::permanent(DeadLetterReason::IllegalCommand, what, refusal)
}

/// The command's order is not stored, although every forwarder commits before it forwards.
pub(crate) fn unknown(order_id: &OrderId) -> Failure {
    Failure::Permanent {
        what: format!("no order {order_id} is stored"),
        reason: DeadLetterReason::OrderUnknown,
        cause: None,
    }
}

/// A reservation of the order is not in the inventory, because somebody changed the stock by hand.
pub(crate) fn inconsistent(order_id: &OrderId) -> Failure {
    Failure::Permanent {
        what: format!("the stock that order {order_id} holds is not reserved in the inventory table"),
        reason: DeadLetterReason::StockInconsistent,
        cause: None,
    }
}

/// Other writers were faster every time.
pub(crate) fn contended(order_id: &OrderId) -> Failure {
    Failure::transient_because(format!("order {order_id} was changed by others {ATTEMPTS} times in a row"))
}
