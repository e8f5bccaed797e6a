//! Every message in a dead-letter queue belongs there, for the reason that it names.

use order_contract::api::ShipmentUpdate;
use order_contract::message::FulfilmentCommand;
use order_domain::event::{Cause, CommandContext};
use order_domain::id::OrderId;
use order_domain::order::Order;
use order_domain::request::PlaceOrder;
use order_domain::stage::Stage;
use order_domain::transition::Decision;
use order_handlers::failure::DeadLetterReason;
use order_handlers::ports::EventKey;

use crate::invariants::{SHORT_OUTAGE, says_so, stored};
use crate::plan::Invariant;
use crate::table::Stored;
use crate::world::{DeadLettered, State};

/// For how long an invocation may still believe that an order is not stored: the longest function's time.
const WHILE_STORED: u64 = 130_000;
/// For how long a report may be early before it is refused, less what clocks disagree by, in milliseconds.
const PATIENCE: u64 = 2 * 3600 * 1000 - 10_000;

/// A message was just moved to a dead-letter queue.
pub(crate) fn judge_dead_lettered(state: &mut State, message: &DeadLettered, now: u64) {
    let reason = message.reason;
    let is = |expected: DeadLetterReason| reason == Some(expected.name());
    let stored = message.order.and_then(|number| stored(state, number));
    let justified = if reason.is_none() {
        state.asked.poisoned.contains(&message.message_id) || outlasted(state, message, now)
    } else if is(DeadLetterReason::NotAnOrder) {
        message.stage == Stage::Validate && PlaceOrder::from_json(&message.body).is_err()
    } else if is(DeadLetterReason::NotACommand) {
        serde_json::from_str::<FulfilmentCommand>(&message.body).is_err() && message.stage == Stage::Fulfilment
    } else if is(DeadLetterReason::OrderUnknown) {
        // A stage forwards only what is committed; but the world may report on an order before it is stored, or while it is.
        message.stage == Stage::Fulfilment
            && stored.is_none_or(|order| now < state.stored_at(&order.order_id).saturating_add(WHILE_STORED))
    } else if is(DeadLetterReason::IllegalCommand) {
        let too_old = message.sent_at.is_some_and(|sent_at| now >= sent_at + PATIENCE);
        stored.is_some_and(|order| match step(order, &message.body) {
            Some(Decision::Reject(_)) => true,
            Some(Decision::Defer(_)) => too_old,
            _ => false,
        })
    } else if is(DeadLetterReason::NotAnEvent) {
        state.asked.unreadable.contains(&message.message_id)
    } else if is(DeadLetterReason::ItemUnreadable) {
        needed(message).iter().any(|item| state.table.was_unreadable_since(item, now.saturating_sub(WHILE_STORED)))
    } else if is(DeadLetterReason::WorkPanicked) {
        event_in(&message.body).is_some_and(|event| state.asked.panicked.contains(&event))
    } else if is(DeadLetterReason::MoneyLost) {
        message.order.is_some_and(|order| state.gateway.refused_again.contains(&order))
    } else if is(DeadLetterReason::RefundReturned) {
        message.order.is_some_and(|order| state.asked.refunds_returned.contains(&order))
    } else {
        // REQUEST_REFUSED and STOCK_INCONSISTENT never have a cause here: nobody changes the table's reserved units by hand.
        false
    };
    let troubles = [
        DeadLetterReason::MoneyLost,
        DeadLetterReason::RequestRefused,
        DeadLetterReason::StockInconsistent,
        DeadLetterReason::RefundReturned,
    ];
    if troubles.into_iter().any(is) && !stored.is_some_and(|order| says_so(state, order)) {
        let what =
            format!("{} is dead-lettered because of the order, and the order does not say so", message.message_id);
        state.broken(Invariant::AttentionSet, message.order, now, what);
    } else if !justified {
        let invariant = if reason.is_none() { Invariant::NothingLostByQueues } else { Invariant::DeadLetterJustified };
        let stands = stored.map_or_else(|| "not stored".to_owned(), |order| order.status.to_string());
        let what = format!(
            "{} of {}-queue is in its dead-letter queue ({}), and the order is {stands}",
            message.message_id,
            message.stage.name(),
            reason.unwrap_or("too many receives")
        );
        state.broken(invariant, message.order, now, what);
    }
}

/// The items that the processing of a message needs.
fn needed(message: &DeadLettered) -> Vec<Stored> {
    let id = message.order.and_then(|number| OrderId::new(format!("ord-{number}")).ok());
    let mut items: Vec<Stored> = id.map(Stored::Order).into_iter().collect();
    match message.stage {
        Stage::Validate => {
            let request = PlaceOrder::from_json(&message.body).ok();
            let products = request.into_iter().flat_map(|request| request.items);
            items.extend(products.map(|item| Stored::Product(item.sku)));
        }
        Stage::Contact => items.extend(event_in(&message.body).map(|(id, sequence)| Stored::Event(id, sequence))),
        _ => {}
    }
    items
}

/// The event that a document names.
pub(crate) fn event_in(document: &str) -> Option<EventKey> {
    let document: serde_json::Value = serde_json::from_str(document).ok()?;
    Some((OrderId::new(document.get("orderId")?.as_str()?).ok()?, document.get("sequence")?.as_u64()?))
}

/// The order's decision on a report; none where the document is not a report.
fn step(order: &Order, body: &str) -> Option<Decision> {
    let (at, actor) = (order.updated_at, Stage::Fulfilment);
    let context = CommandContext { at, actor, cause: Cause::RecordShipment, message_id: String::new() };
    match serde_json::from_str(body).ok()? {
        FulfilmentCommand::RecordShipment { shipment: update } => Some(match update {
            ShipmentUpdate::Dispatched { shipment, .. } => order.dispatched(shipment, &context),
            ShipmentUpdate::Delivered { .. } => order.delivered(&context),
            ShipmentUpdate::Returned { refund, .. } => order.returned(refund, &context),
        }),
        FulfilmentCommand::CancelOrder { cancellation, .. } => Some(order.cancelled(cancellation.reason, &context)),
        FulfilmentCommand::ExpireReservation { .. } => Some(order.expired(&context)),
        FulfilmentCommand::SettleMoney { .. }
        | FulfilmentCommand::Reauthorise { .. }
        | FulfilmentCommand::CancelPayment { .. }
        | FulfilmentCommand::ReportFailedRefund { .. } => None,
    }
}

/// Whether the gateway was down for so much of a message's life that its receives were used up: an outage of more than an
/// hour is longer than the queues are made for, and the reconciler recovers its orders.
fn outlasted(state: &State, message: &DeadLettered, now: u64) -> bool {
    let Some(sent_at) = message.sent_at else { return false };
    let asks = matches!(message.stage, Stage::Payment | Stage::Fulfilment);
    let down = |(from, until): &(u64, u64)| until.min(&now).saturating_sub(*from.max(&sent_at)) > SHORT_OUTAGE;
    asks && state.gateway.outages.iter().any(down)
}
