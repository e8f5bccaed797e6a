//! The pipeline's stages, one file each.

pub mod fulfilment;
pub mod inventory;
pub mod notify;
pub mod payment;
pub mod query;
pub mod validate;

use order_domain::id::OrderId;

use crate::failure::{DeadLetterReason, Failure};

/// How often a stage decides anew after another writer was faster, before the queue's backoff takes over.
const ATTEMPTS: usize = 5;

/// The command's order is not stored, although every forwarder commits before it forwards.
fn unknown(order_id: &OrderId) -> Failure {
    Failure::Permanent {
        what: format!("no order {order_id} is stored"),
        reason: DeadLetterReason::OrderUnknown,
        cause: None,
    }
}

/// A reservation that the order holds is not in the inventory: somebody changed the stock by hand.
fn inconsistent(order_id: &OrderId) -> Failure {
    Failure::Permanent {
        what: format!("the stock that order {order_id} holds is not reserved in the inventory table"),
        reason: DeadLetterReason::StockInconsistent,
        cause: None,
    }
}

/// Other writers were faster every time.
fn contended(order_id: &OrderId) -> Failure {
    Failure::transient_because(format!("order {order_id} was changed by others {ATTEMPTS} times in a row"))
}
