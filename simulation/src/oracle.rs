//! A second accountant. It knows what the customers ordered, cancelled and returned, the list prices, and the gateway's books,
//! and shares no rule with the domain: a domain that never refunds, or that doubles every price, agrees with itself.
//!
//! From the order it takes only how its story ended (dispatched, returned, cancelled), which other invariants compare with the
//! reports.

use std::collections::BTreeMap;

use order_domain::event::EventType;
use order_domain::id::Sku;
use order_domain::order::{Order, OrderStatus, ShipmentStatus};
use order_domain::request::Channel;
use order_domain::stage::Stage;
use order_handlers::failure::DeadLetterReason;
use order_handlers::ports::Recipient;

use crate::invariants::{Found, stored};
use crate::plan::Invariant;
use crate::table::Table;
use crate::workload::{Bought, Command, PRODUCTS, fill_shelves, is_refused};
use crate::world::{State, World};

/// The gateway's books for one order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Books {
    /// How many payments were captured.
    pub(crate) payments: usize,
    /// Their sum, in minor units.
    pub(crate) captured: u64,
    /// What was refunded of it, in minor units.
    pub(crate) refunded: u64,
}

/// What the gateway has captured and refunded for an order.
pub(crate) fn books(state: &State, number: u32) -> Books {
    let money = state.gateway.of(number).map(|payment| payment.money()).filter(|(captured, _)| *captured > 0);
    money.fold(Books { payments: 0, captured: 0, refunded: 0 }, |books, (captured, refunded)| Books {
        payments: books.payments + 1,
        captured: books.captured + captured,
        refunded: books.refunded + refunded,
    })
}

/// Compares the ends of all orders with what was asked for.
pub(crate) fn judge(world: &World, state: &State, found: &mut Found) {
    let mut taken: BTreeMap<&str, u64> = BTreeMap::new();
    for number in 0..world.orders {
        let Some(order) = stored(state, number) else { continue };
        let requests = state.asked.bought.get(&number).into_iter().flatten();
        let mut requests = requests.filter(|(fingerprint, _)| order.fingerprint == *fingerprint);
        let Some((_, bought)) = requests.next() else { continue };
        if let Some(what) = money(state, number, order, bought) {
            found.push((Invariant::MoneyAsOrdered, Some(number), what));
        }
        if let Some(what) = uninformed(state, number, order, bought) {
            found.push((Invariant::CustomerInformed, Some(number), what));
        }
        let waits = matches!(order.status, OrderStatus::Reserved | OrderStatus::Confirmed);
        if waits || is_dispatched(order) {
            for (sku, units) in &bought.units {
                *taken.entry(sku).or_default() += units;
            }
        }
    }
    let mut shelves = Table::default();
    fill_shelves(&mut shelves, world.orders);
    for (sku, ..) in PRODUCTS {
        let expected = i64::try_from(taken.get(sku).copied().unwrap_or(0)).unwrap_or(i64::MAX);
        let counted: i64 =
            state.asked.counted.iter().filter(|((name, _), _)| *name == sku).map(|(_, units)| units).sum();
        let gone = free(&shelves, sku) + counted - free(&state.table, sku);
        if gone != expected {
            let what = format!("{gone} units of {sku} left the shelves, and {expected} were ordered");
            found.push((Invariant::StockAsOrdered, None, what));
        }
    }
}

fn is_dispatched(order: &Order) -> bool {
    order.shipment_status != ShipmentStatus::None
}

fn free(table: &Table, name: &str) -> i64 {
    let Ok(sku) = Sku::new(name) else { return 0 };
    table.stock.range((sku.clone(), 0)..=(sku, u16::MAX)).map(|(_, units)| units.free).sum()
}

/// What is wrong with an order's money, if anything.
fn money(state: &State, number: u32, order: &Order, bought: &Bought) -> Option<String> {
    let Books { captured, refunded, .. } = books(state, number);
    let total = bought.total;
    let dead_lettered = || state.dead_lettered.iter().filter(|message| message.order == Some(number));
    let lost = dead_lettered().any(|message| message.reason == Some(DeadLetterReason::MoneyLost.name()));
    let returns = state.asked.commands.iter().filter(|sent| sent.order == number && sent.command == Command::Returned);
    // Of several returns the largest refund counts. A dead-lettered one may have had its effect or not.
    let owed: Vec<u64> = returns.clone().map(|sent| sent.owed.min(total)).collect();
    let counts = returns.filter(|sent| dead_lettered().all(|message| message.message_id != sent.message_id));
    let least = counts.map(|sent| sent.owed.min(total)).max().unwrap_or(0);
    let is_right = match () {
        () if !is_dispatched(order) => captured == refunded,
        // The parcel is gone, and so is the money: a person has to review the order.
        () if lost => captured == 0 && refunded == 0,
        () if order.shipment_status != ShipmentStatus::Returned => captured == total && refunded == 0,
        // A parcel that is returned before the capture is not captured at all.
        () if captured == 0 => refunded == 0 && owed.contains(&total),
        () => captured == total && refunded >= least && owed.contains(&refunded),
    };
    (!is_right).then(|| {
        let end = (order.status, order.shipment_status);
        format!(
            "it costs {total}, returns owe {owed:?}; {captured} was captured, {refunded} refunded, it ended {end:?}"
        )
    })
}

/// The first step of which the customer was not notified, if any.
fn uninformed(state: &State, number: u32, order: &Order, bought: &Bought) -> Option<String> {
    // Its message may have killed every process.
    let lost =
        |stage| state.dead_lettered.iter().any(|message| message.stage == stage && message.order == Some(number));
    if lost(Stage::Contact) || lost(Stage::Notify) {
        return None;
    }
    let steps = [
        (order.confirmed_at.is_some(), EventType::OrderConfirmed),
        (is_dispatched(order), EventType::ShipmentDispatched),
        (order.shipment_status == ShipmentStatus::Delivered, EventType::ShipmentDelivered),
        (order.shipment_status == ShipmentStatus::Returned, EventType::ShipmentReturned),
        (order.status == OrderStatus::OutOfStock, EventType::OrderOutOfStock),
        (order.status == OrderStatus::PaymentDeclined, EventType::PaymentDeclined),
        (order.status == OrderStatus::Cancelled && !is_dispatched(order), EventType::OrderCancelled),
        (books(state, number).refunded > 0, EventType::PaymentRefunded),
    ];
    let wanted = [(Channel::Email, "EMAIL"), (Channel::Sms, "SMS"), (Channel::Push, "PUSH")];
    let wanted = wanted.into_iter().filter(|(_, name)| bought.notify.contains(name)).map(|(channel, _)| channel);
    for channel in wanted.filter(|channel| !is_refused(&order.customer, *channel)) {
        let delivered = || {
            state
                .notifications
                .delivered
                .keys()
                .filter(|(id, _, to)| *id == order.order_id && *to == Recipient::Customer(channel))
        };
        let events = state.table.events.get(&order.order_id);
        let is_notified = |step| {
            delivered().any(|(_, sequence, _)| {
                events.and_then(|events| events.get(sequence)).is_some_and(|event| event.event_type == step)
            })
        };
        if let Some((_, step)) = steps.into_iter().find(|(happened, step)| *happened && !is_notified(*step)) {
            return Some(format!("the customer was not notified of {} by {}", step.name(), channel.name()));
        }
    }
    None
}
