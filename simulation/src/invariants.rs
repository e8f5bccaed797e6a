//! The invariants, judged while a run goes on and at its end.

use std::collections::BTreeMap;

use order_contract::message::{ContactCommand, ContactRecipient};
use order_domain::event::EventType;
use order_domain::fingerprint::Fingerprint;
use order_domain::id::{OrderId, Sku};
use order_domain::notification::{Notice, topics_of};
use order_domain::order::{Order, OrderStatus, PaymentStatus, RejectionReason, ShipmentStatus};
use order_domain::stage::Stage;
use order_domain::transition::Change;
use order_domain::transition::overdue::RESERVATION_LIFETIME;
use order_handlers::failure::DeadLetterReason;
use order_handlers::ports::{EventKey, NotificationKey, Recipient};

use crate::dead_letters::event_in;
use crate::gateway::{Origin, Payment};
use crate::notifier::channels;
use crate::oracle::{self, Books, books};
use crate::plan::Invariant;
use crate::ports::LONGEST_INDEX_LAG;
use crate::table::{Units, Written};
use crate::workload::{Command, is_plentiful, is_refused, number_of};
use crate::world::{DeadLettered, QUEUED, State, World};

/// By how much clocks disagree, and a little more, in milliseconds.
const CLOCKS_DISAGREE: u64 = 10_000;
/// An outage that is not longer than this costs no order, in milliseconds.
pub(crate) const SHORT_OUTAGE: u64 = 3_600_000;

/// Judges a change that was just written.
pub(crate) fn judge_change(state: &mut State, change: &Change, written: &Written, now: u64) {
    let after = change.order();
    let order = number_of(&after.order_id);
    if let Some(event) = &written.overwritten {
        let what = format!("event {} ({}) was overwritten", event.sequence, event.event_type.name());
        state.broken(Invariant::EventImmutable, order, now, what);
    }
    let version = written.before.as_ref().map_or(0, |before| before.version);
    if after.version != version + 1 || change.event().sequence != after.version {
        let what = format!("version {version} was followed by version {}", after.version);
        state.broken(Invariant::HistoryGapless, order, now, what);
    }
    if let Some(before) = &written.before
        && let Some(what) = moves_back(before, after)
    {
        state.broken(Invariant::StatesForward, order, now, what);
    }
    if after.status == OrderStatus::OutOfStock
        && let Some(RejectionReason::OutOfStock { sku }) = &after.reason
        && is_plentiful(sku)
    {
        state.broken(Invariant::NeverOversold, order, now, format!("out of stock, although there is plenty of {sku}"));
    }
    for line in &after.lines {
        let shards = state.table.stock.range((line.sku.clone(), 0)..=(line.sku.clone(), u16::MAX));
        let below_zero = shards.map(|((_, shard), units)| (*shard, *units)).find(|(_, units)| is_negative(*units));
        if let Some((shard, units)) = below_zero {
            state.broken(Invariant::NeverOversold, order, now, format!("{}/{shard} has {units:?}", line.sku));
        }
    }
}

const fn is_negative(units: Units) -> bool {
    units.free < 0 || units.reserved < 0 || units.sold < 0
}

fn moves_back(before: &Order, after: &Order) -> Option<String> {
    use OrderStatus as O;
    use PaymentStatus as P;
    use ShipmentStatus as S;
    let order = before.status == after.status
        || matches!(
            (before.status, after.status),
            (O::Validated, O::Reserved | O::OutOfStock | O::Cancelled)
                | (O::Reserved, O::Confirmed | O::PaymentDeclined | O::Cancelled)
                | (O::Confirmed, O::Completed | O::Cancelled)
        );
    let payment = before.payment_status == after.payment_status
        || matches!(
            (before.payment_status, after.payment_status),
            (P::None, P::Authorised | P::Declined | P::Voided)
                | (P::Authorised, P::Captured | P::Voided)
                | (P::Captured, P::Refunded)
        );
    let shipment = before.shipment_status == after.shipment_status
        || matches!(
            (before.shipment_status, after.shipment_status),
            (S::None, S::Dispatched) | (S::Dispatched, S::Delivered | S::Returned) | (S::Delivered, S::Returned)
        );
    let same = before.fingerprint == after.fingerprint
        && before.total == after.total
        && before.created_at == after.created_at
        && before.refunded <= after.refunded
        && before.conflicts.is_subset(&after.conflicts);
    (!(order && payment && shipment && same)).then(|| {
        let states =
            |order: &Order| format!("{:?}/{:?}/{:?}", order.status, order.payment_status, order.shipment_status);
        format!("{} v{} became {} v{}", states(before), before.version, states(after), after.version)
    })
}

pub(crate) fn stored(state: &State, number: u32) -> Option<&Order> {
    let id = order_domain::id::OrderId::new(format!("ord-{number}")).ok()?;
    state.table.orders.get(&id)
}

/// Whether an order's history says that a person has to review it.
pub(crate) fn says_so(state: &State, order: &Order) -> bool {
    let mut events = state.table.events.get(&order.order_id).into_iter().flat_map(BTreeMap::values);
    events.any(|event| event.event_type == EventType::OrderNeedsAttention)
}

/// The reconciler is about to re-queue an order. `swept_at`: when the index showed it, where a sweep does this.
pub(crate) fn judge_requeued(world: &World, id: &OrderId, swept_at: Option<u64>) {
    let now = world.now();
    let mut guard = world.state();
    let state = &mut *guard;
    state.statistics.requeued += 1;
    let Some(order) = state.table.orders.get(id) else { return };
    // A cancelled order with a possible unknown authorisation is left to the reconciler on purpose: no message may exist.
    let open = order.is_open() && !order.may_have_unknown_authorisation();
    let (number, version) = (number_of(id), order.version);
    let lost = |message: &DeadLettered| message.order == number && message.stage != Stage::Contact;
    let waits = QUEUED.iter().filter(|stage| !matches!(stage, Stage::Contact | Stage::Reconcile)).any(|stage| {
        let queue = state.queues.get(stage);
        queue.is_some_and(|queue| queue.messages().any(|message| message.order == number))
    });
    if open && !waits && !state.dead_lettered.iter().any(lost) {
        let what = format!("it is {} and no queue has a message for it", order.status);
        state.broken(Invariant::NeverStranded, number, now, what);
    }
    // No order is checked again before its time, once the index must know. A webhook asks at any time.
    let checked = state.checked.get(id).filter(|checked| checked.version == version).copied();
    if let Some((checked, swept_at)) = checked.zip(swept_at)
        && swept_at > checked.acknowledged_at + LONGEST_INDEX_LAG
        && world.clock(swept_at + CLOCKS_DISAGREE, 0) < checked.again_at
    {
        let what = format!("a sweep re-queues it, and another had moved its check to {}", checked.again_at);
        state.broken(Invariant::CheckedAgainLater, number, now, what);
    }
}

/// Judges the end of a run, when everything is at rest.
pub(crate) fn judge_end(world: &World, state: &mut State) {
    let now = world.now();
    state.gateway.expire(now);
    let mut found = Vec::new();
    for number in 0..world.orders {
        judge_order(world, state, number, &mut found);
    }
    judge_commands(state, &mut found);
    judge_stock(world, state, &mut found);
    judge_notices(state, &mut found);
    oracle::judge(world, state, &mut found);
    for (invariant, order, what) in found {
        state.broken(invariant, order, now, what);
    }
}

pub(crate) type Found = Vec<(Invariant, Option<u32>, String)>;

fn judge_order(world: &World, state: &mut State, number: u32, found: &mut Found) {
    let mut broken = |invariant, what: String| found.push((invariant, Some(number), what));
    let is_dead_lettered =
        state.dead_lettered.iter().any(|message| message.order == Some(number) && message.stage == Stage::Validate);
    let placed = state.asked.placed.get(&number).map_or(&[][..], Vec::as_slice);
    let Some(order) = stored(state, number) else {
        *state.statistics.ended.entry("NOT_STORED").or_default() += 1;
        if !is_dead_lettered && !placed.is_empty() {
            broken(
                Invariant::OrderAccountedFor,
                "it was accepted, and it is neither stored nor dead-lettered".to_owned(),
            );
        }
        return;
    };
    let order = order.clone();
    // The order says that a person has to review it.
    let needs_attention = order.attention.is_some();
    *state.statistics.ended.entry(order.status.name()).or_default() += 1;
    if order.is_open() && !needs_attention {
        let what = format!(
            "it stands at {} with payment {:?}, shipment {:?}, and nothing will move it",
            order.status, order.payment_status, order.shipment_status
        );
        broken(Invariant::OrderAccountedFor, what);
    }
    judge_conflicts(state, number, &order, &mut broken);
    judge_history(state, &order, &mut broken);
    judge_money(state, number, &order, &mut broken);
    judge_authorisation(state, number, &order, &mut broken);
    judge_expiry(world, state, &order, &mut broken);
}

/// Every other request under the id is recorded, and the stored order is one of the requests.
fn judge_conflicts(state: &State, number: u32, order: &Order, broken: &mut impl FnMut(Invariant, String)) {
    let dead_lettered: Vec<&str> = state.dead_lettered.iter().map(|message| message.message_id.as_str()).collect();
    let placed = state.asked.placed.get(&number).map_or(&[][..], Vec::as_slice);
    let known = |fingerprint: &Fingerprint| order.fingerprint == *fingerprint || order.conflicts.contains(fingerprint);
    for (fingerprint, message_id) in placed {
        if !known(fingerprint) && !dead_lettered.contains(&message_id.as_str()) {
            broken(Invariant::ConflictRecorded, format!("{message_id} asked for something else, unrecorded"));
        }
    }
    if !placed.iter().any(|(fingerprint, _)| order.fingerprint == *fingerprint) {
        broken(Invariant::ConflictRecorded, "its content is that of no request".to_owned());
    }
}

fn judge_history(state: &State, order: &Order, broken: &mut impl FnMut(Invariant, String)) {
    let Some(events) = state.table.events.get(&order.order_id) else {
        return broken(Invariant::HistoryGapless, "it has no history".to_owned());
    };
    if !events.keys().copied().eq(1..=order.version) {
        let numbers: Vec<u64> = events.keys().copied().collect();
        broken(Invariant::HistoryGapless, format!("version {} has the events {numbers:?}", order.version));
    }
    let last = events.values().next_back();
    let recorded = last.map(|event| (event.status, event.payment_status, event.shipment_status, event.refunded));
    if recorded != Some((order.status, order.payment_status, order.shipment_status, order.refunded)) {
        broken(Invariant::HistoryGapless, format!("its last event says {recorded:?}, it is {}", order.status));
    }
}

fn judge_money(state: &mut State, number: u32, order: &Order, broken: &mut impl FnMut(Invariant, String)) {
    let Books { payments, captured, refunded } = books(state, number);
    if payments > 1 || captured > order.total.amount {
        broken(Invariant::CapturedOnce, format!("{captured} was captured for a total of {}", order.total.amount));
    }
    let taken = matches!(order.payment_status, PaymentStatus::Captured | PaymentStatus::Refunded);
    let expected = if taken { (order.total.amount, order.refunded) } else { (0, 0) };
    if (captured, refunded) != expected {
        let what = format!(
            "the gateway captured {captured} and refunded {refunded}; the order is {:?} with {} refunded",
            order.payment_status, order.refunded
        );
        broken(Invariant::MoneyMatches, what);
    }
    let may_be_authorised = usize::from(order.status == OrderStatus::Confirmed && !taken);
    let own = order.authorisation.as_ref().map(|own| own.payment_intent.as_str());
    let of = state.gateway.of(number).filter(Payment::is_authorised);
    let surplus: Vec<Origin> = of
        .filter(|payment| may_be_authorised == 0 || own != Some(payment.intent.id.as_str()))
        .map(|payment| payment.origin.clone())
        .collect();
    for origin in surplus {
        // Another worker settled the order while an authorisation was to replace the expired one: only the invocation that
        // asked for it knows.
        let died = state.notifications.unrecorded.contains(&origin.by);
        let how = if state.asked.webhooks_lost.contains(&number) && (died || !origin.answered) {
            // The webhook would have reported it.
            Some("webhook-lost")
        } else if origin.attempt == 1 {
            None
        } else if !origin.answered {
            Some("unanswered")
        } else if died {
            Some("crash")
        } else {
            None
        };
        match how {
            Some(how) => *state.statistics.authorisations_left.entry(how).or_default() += 1,
            None => {
                let what = format!("attempt {} is still authorised, and the order is {}", origin.attempt, order.status);
                broken(Invariant::NoForgottenAuthorisation, what);
            }
        }
    }
}

/// An order that waits for its dispatch has an authorisation, unless nobody can know that it expired.
fn judge_authorisation(state: &State, number: u32, order: &Order, broken: &mut impl FnMut(Invariant, String)) {
    let Some(own) = order.authorisation.as_ref().filter(|_| order.is_authorised_for_dispatch()) else { return };
    let expired = state.gateway.payment(&own.payment_intent).is_none_or(|payment| !payment.is_authorised());
    // The message or webhook that leads to a re-authorisation killed every process, or came while the order was unreadable.
    let lost = state.dead_lettered.iter().any(|message| {
        let unreadable = message.reason == Some(DeadLetterReason::ItemUnreadable.name());
        message.order == Some(number) && (message.reason.is_none() || unreadable)
    });
    let lost = lost || state.asked.webhooks_lost.contains(&number);
    if expired && !lost {
        broken(Invariant::AuthorisationKept, "it waits for its dispatch, and has no authorisation".to_owned());
    }
}

/// A reservation expires only when it could not be paid for: an hour's outage, a crash or a lost message costs no order.
fn judge_expiry(world: &World, state: &State, order: &Order, broken: &mut impl FnMut(Invariant, String)) {
    let expired = order.reason == Some(RejectionReason::ReservationExpired);
    let Some(reserved_at) = order.reserved_at.filter(|_| expired) else { return };
    let expired_at = reserved_at.after(RESERVATION_LIFETIME);
    let outlasted = state.gateway.outages.iter().any(|(from, until)| {
        until - from > SHORT_OUTAGE && world.clock(*from, 0) < expired_at && world.clock(*until, 0) > reserved_at
    });
    if !outlasted && !says_so(state, order) {
        let what = "its reservation expired, and nothing kept anybody from paying".to_owned();
        broken(Invariant::ExpiryExplained, what);
    }
}

/// Every report has had its effect.
fn judge_commands(state: &State, found: &mut Found) {
    let dead_lettered: Vec<&str> = state.dead_lettered.iter().map(|message| message.message_id.as_str()).collect();
    for (order, message_id) in &state.asked.malformed {
        if !dead_lettered.contains(&message_id.as_str()) {
            let what = format!("{message_id} was not an order, and it is not dead-lettered");
            found.push((Invariant::OrderAccountedFor, Some(*order), what));
        }
    }
    for sent in &state.asked.commands {
        let Some(order) = stored(state, sent.order) else { continue };
        let obeyed = match sent.command {
            Command::Dispatched => order.shipment_status != ShipmentStatus::None,
            Command::Delivered => {
                matches!(order.shipment_status, ShipmentStatus::Delivered | ShipmentStatus::Returned)
            }
            // Of several reports the largest refund counts.
            Command::Returned => {
                order.shipment_status == ShipmentStatus::Returned
                    && order.refund_due >= sent.owed.min(order.total.amount)
            }
            Command::Cancelled => {
                order.cancellation.is_some()
                    || matches!(
                        order.status,
                        OrderStatus::Cancelled
                            | OrderStatus::Rejected
                            | OrderStatus::OutOfStock
                            | OrderStatus::PaymentDeclined
                    )
            }
            Command::Nonsense => false,
        };
        if !obeyed && !dead_lettered.contains(&sent.message_id.as_str()) {
            let what = format!("{} ({:?}) had no effect: it is {}", sent.message_id, sent.command, order.status);
            found.push((Invariant::CommandObeyed, Some(sent.order), what));
        }
    }
}

fn judge_stock(world: &World, state: &State, found: &mut Found) {
    let mut in_orders: BTreeMap<(&Sku, u16), Units> = BTreeMap::new();
    for order in state.table.orders.values() {
        for line in &order.lines {
            for part in &line.reserved_from {
                let units = in_orders.entry((&line.sku, part.shard)).or_default();
                match (order.status, order.shipment_status) {
                    (_, ShipmentStatus::Dispatched | ShipmentStatus::Delivered | ShipmentStatus::Returned) => {
                        units.sold += i64::from(part.quantity);
                    }
                    (OrderStatus::Reserved | OrderStatus::Confirmed, _) => units.reserved += i64::from(part.quantity),
                    _ => {}
                }
            }
        }
    }
    let mut shelves = crate::table::Table::default();
    crate::workload::fill_shelves(&mut shelves, world.orders);
    for ((sku, shard), units) in &state.table.stock {
        let initial = shelves.stock.get(&(sku.clone(), *shard)).copied().unwrap_or_default();
        let expected = in_orders.get(&(sku, *shard)).copied().unwrap_or_default();
        let counted = state.asked.counted.get(&(sku.as_str(), *shard)).copied().unwrap_or(0);
        if units.sum() != initial.sum() + counted || units.reserved != expected.reserved || units.sold != expected.sold
        {
            let what = format!("{sku}/{shard} began with {initial:?} and has {units:?}; the orders have {expected:?}");
            found.push((Invariant::StockConserved, None, what));
        }
    }
}

fn judge_notices(state: &State, found: &mut Found) {
    // The notifications of messages that killed every process or could not be read.
    let dead_lettered = |stage| state.dead_lettered.iter().filter(move |message| message.stage == stage);
    let not_notified: Vec<ContactCommand> =
        dead_lettered(Stage::Contact).filter_map(|message| serde_json::from_str(&message.body).ok()).collect();
    // Events that notify quarantined: a redrive publishes them.
    let quarantined: BTreeMap<EventKey, Option<&str>> =
        dead_lettered(Stage::Notify).filter_map(|message| Some((event_in(&message.body)?, message.reason))).collect();
    for event in state.table.all_events() {
        let Some(order) = state.table.orders.get(&event.order_id) else { continue };
        let reason = quarantined.get(&(event.order_id.clone(), event.sequence)).copied().flatten();
        let lost = |recipient| {
            let (order_id, sequence) = (event.order_id.clone(), event.sequence);
            // The topics need only the event: they are notified although the order is unreadable.
            let of_customer = matches!(recipient, ContactRecipient::Channel(_));
            reason == Some(DeadLetterReason::WorkPanicked.name())
                || reason == Some(DeadLetterReason::ItemUnreadable.name()) && of_customer
                || not_notified.contains(&ContactCommand { order_id, sequence, recipient })
        };
        let recorded = |recipient| {
            state.table.was_sent(&NotificationKey {
                order_id: event.order_id.clone(),
                sequence: event.sequence,
                recipient,
            })
        };
        let notified = |recipient| {
            state.notifications.delivered.contains_key(&(event.order_id.clone(), event.sequence, recipient))
                && recorded(recipient)
        };
        let topics =
            topics_of(event.event_type).iter().map(|topic| (Recipient::Topic(*topic), ContactRecipient::Topic(*topic)));
        let mut missing: Vec<&str> = topics
            .filter(|(recipient, contact)| !notified(*recipient) && !lost(*contact))
            .map(|(recipient, _)| recipient.name())
            .collect();
        if Notice::of(event.event_type).is_some() {
            let customer = channels().to_customer_of(order).filter(|channel| {
                let recipient = Recipient::Customer(*channel);
                // A refusal is recorded as one.
                let done =
                    if is_refused(&order.customer, *channel) { recorded(recipient) } else { notified(recipient) };
                !done && !lost(ContactRecipient::Channel(*channel))
            });
            missing.extend(customer.map(|channel| channel.name()));
        }
        if !missing.is_empty() {
            let (sequence, name) = (event.sequence, event.event_type.name());
            let what = format!("event {sequence} ({name}) was never sent to {}", missing.join(", "));
            found.push((Invariant::NotifiedAtLeastOnce, number_of(&event.order_id), what));
        }
    }
}
