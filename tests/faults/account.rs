//! The account of a scenario: every order is in its end state, with the right money, stock, history and events. Everything
//! else is a finding, which names its order.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::time::{Duration, Instant};

use deployed::client::History;
use order_domain::event::Event;
use order_domain::id::{OrderId, Sku};
use order_domain::notification::{Topic, topics_of};
use order_domain::order::{Order, OrderStatus, PaymentStatus, ShipmentStatus};
use order_domain::stock::StockLevel;
use orderctl::dead_letters::DeadLetter;
use payment_simulator::{LedgerSummary, Totals};
use scenario::demo::End;

use crate::listener::Heard;
use crate::orders::{Batch, Planned};
use crate::world::World;

/// How long the last messages and events may take once the orders are at their end. A copy of a command that did its work
/// long ago may still wait for a circuit or a retry, which hide a message for 10 minutes at most.
const PATIENCE: Duration = Duration::from_secs(660);
const PAUSE: Duration = Duration::from_millis(500);

/// The observations of a batch.
struct Seen {
    stored: HashMap<OrderId, Order>,
    histories: HashMap<OrderId, History>,
    heard: Heard,
    dead_lettered: Vec<(String, DeadLetter)>,
    ledger: LedgerSummary,
    stock: Vec<StockLevel>,
}

/// A batch, accounted for.
#[derive(Debug, Default)]
pub struct Account {
    /// Orders.
    orders: usize,
    /// How many ended in each state.
    ends: BTreeMap<String, usize>,
    /// Orders that are in no end state and in no dead-letter queue.
    pub lost: usize,
    /// Dead-lettered messages of the batch's orders.
    pub dead_letters: usize,
    /// Events that were published.
    events: usize,
    /// Events that a topic published more than once, a sentence each: a fault can be the reason.
    repeated: Vec<String>,
    /// How many copies too many there were.
    copies: usize,
    /// The findings, a sentence each.
    findings: Vec<String>,
}

impl Account {
    /// Waits until nothing is under way any more, and reads everything.
    pub async fn of(world: &World<'_>, batch: &Batch) -> Self {
        let deadline = Instant::now() + PATIENCE;
        let under_way = loop {
            let under_way = world.under_way().await;
            if under_way.is_empty() || Instant::now() >= deadline {
                break under_way;
            }
            tokio::time::sleep(PAUSE).await;
        };
        let stored = world.stored(batch).await.unwrap();
        let mut histories = HashMap::new();
        for id in stored.keys() {
            histories.extend(world.history(id).await.map(|history| (id.clone(), history)));
        }
        let heard = loop {
            let heard = world.heard().await;
            if histories.values().all(|history| unpublished(history, &heard).is_empty()) || Instant::now() >= deadline {
                break heard.clone();
            }
            drop(heard);
            tokio::time::sleep(PAUSE).await;
        };
        let mut stock = Vec::new();
        for (product, _) in &batch.products {
            stock.push(world.shop.stock_of(product).await);
        }
        let dead_lettered = world.dead_letters().await;
        let seen = Seen { stored, histories, heard, dead_lettered, ledger: world.ledger(), stock };
        let mut account = Self::new(batch, &seen);
        account
            .findings
            .extend(under_way.iter().map(|(queue, length)| format!("{queue} still holds {length} messages")));
        account
    }

    fn new(batch: &Batch, seen: &Seen) -> Self {
        let mut account = Self { orders: batch.orders.len(), ..Self::default() };
        for planned in &batch.orders {
            let dead_lettered =
                || seen.dead_lettered.iter().filter(|(_, message)| message.order_id.as_ref() == Some(&planned.id));
            account.dead_letters += dead_lettered().count();
            // Every fault here passes: no message may be dead-lettered.
            account.findings.extend(
                dead_lettered()
                    .map(|(queue, message)| format!("{}: dead-lettered in {queue} ({})", planned.id, message.reason)),
            );
            let order = seen.stored.get(&planned.id);
            let stands = order.map_or("never stored".to_owned(), |order| End::of(order).to_string());
            if order.is_some_and(|order| planned.has_ended(order)) {
                *account.ends.entry(stands).or_default() += 1;
            } else if let Some((queue, message)) = dead_lettered().next() {
                *account.ends.entry(format!("{stands}, in {queue} ({})", message.reason)).or_default() += 1;
            } else {
                account.lost += 1;
                let end = planned.kind.end();
                account.findings.push(format!("{} ({:?}): LOST, {stands} instead of {end}", planned.id, planned.kind));
            }
            let findings = order.map_or_else(Vec::new, |order| findings(planned, order, seen));
            account
                .findings
                .extend(findings.into_iter().map(|what| format!("{} ({:?}): {what}", planned.id, planned.kind)));
            for event in seen.histories.get(&planned.id).into_iter().flat_map(|history| &history.events) {
                account.events += 1;
                for topic in topics_of(event.event_type) {
                    let copies = copies(event, *topic, &seen.heard);
                    if copies > 1 {
                        account.copies += copies - 1;
                        account.repeated.push(format!(
                            "{} ({:?}): {} published {copies} times its event {} ({})",
                            planned.id,
                            planned.kind,
                            topic.name(),
                            event.sequence,
                            event.event_type.name(),
                        ));
                    }
                }
            }
        }
        // Their order is unknown.
        let of_no_order = seen.dead_lettered.iter().filter(|(_, message)| message.order_id.is_none());
        account.findings.extend(
            of_no_order.map(|(queue, message)| format!("{queue} has a message without an order ({})", message.reason)),
        );
        account.findings.extend(stock(batch, seen));
        let keys = seen.ledger.charges_by_idempotency_key.iter().filter(|(_, charges)| **charges > 1);
        account.findings.extend(keys.map(|(key, charges)| format!("the gateway charged {charges} times under {key}")));
        account
    }

    /// Requires that every topic published every event exactly once: for scenarios in which no fault can have repeated one. An
    /// event that a topic never published is a finding anyway.
    pub fn each_published_once(mut self) -> Self {
        self.findings.append(&mut self.repeated);
        self
    }

    /// Prints the scenario in a line, and fails when something is wrong.
    pub fn close(self, scenario: &str, faults: &[(&str, u64)], took: Duration) {
        let faults: Vec<String> = faults.iter().map(|(fault, count)| format!("{count} {fault}")).collect();
        println!("{scenario}: {self}; faults: {}; {} s", faults.join(", "), took.as_secs());
        assert!(
            self.findings.is_empty(),
            "{scenario}: {} findings\n  {}",
            self.findings.len(),
            self.findings.join("\n  ")
        );
    }
}

impl fmt::Display for Account {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { orders, lost, dead_letters, events, copies, .. } = self;
        let ends: Vec<String> = self.ends.iter().map(|(end, count)| format!("{count} {end}")).collect();
        write!(formatter, "lost: {lost}; {orders} orders accepted ({}); ", ends.join(", "))?;
        write!(formatter, "{dead_letters} dead-lettered messages; {events} events, {copies} copies more than needed")
    }
}

/// The findings of a stored order.
fn findings(planned: &Planned, order: &Order, seen: &Seen) -> Vec<String> {
    let mut findings = Vec::new();
    let numbers: Option<Vec<u64>> =
        seen.histories.get(&planned.id).map(|history| history.events.iter().map(|event| event.sequence).collect());
    if numbers != Some((1..=order.version).collect()) {
        findings.push(format!("its history has the events {numbers:?} and not 1 to {}", order.version));
    }
    if planned.has_ended(order) {
        let mut happened: Vec<&str> = seen
            .histories
            .get(&planned.id)
            .map_or_else(Vec::new, |history| history.events.iter().map(|event| event.event_type.name()).collect());
        let mut expected: Vec<&str> = planned.kind.end().events().into_iter().map(|event| event.name()).collect();
        happened.sort_unstable();
        expected.sort_unstable();
        if happened != expected {
            findings.push(format!("its events are {happened:?} and not {expected:?}"));
        }
    }
    let unpublished =
        seen.histories.get(&planned.id).map_or_else(Vec::new, |history| unpublished(history, &seen.heard));
    findings.extend(
        unpublished.into_iter().map(|(event, topic)| format!("{} did not publish its event {event}", topic.name())),
    );
    let payments = seen.ledger.orders.get(planned.id.as_str());
    let (charges, money) = payments.map_or((0, Totals::default()), |payments| (payments.charges, payments.totals));
    let (owed_charges, owed) = owed(order);
    if (charges, money) != (owed_charges, owed) {
        let stands = order.payment_status;
        findings.push(format!("it is {stands:?}, and the gateway has {charges} charges with {money:?}, not {owed:?}"));
    }
    findings
}

/// The numbers of an order's events that no topic published.
pub fn unheard(order: &Order, heard: &Heard) -> Vec<u64> {
    let heard = heard.get(&order.order_id);
    let published = |number: u64| heard.is_some_and(|heard| heard.keys().any(|(known, _)| *known == number));
    (1..=order.version).filter(|number| !published(*number)).collect()
}

/// The numbers of an order's events, with the topics that should have published them and did not.
fn unpublished(history: &History, heard: &Heard) -> Vec<(u64, Topic)> {
    let due =
        history.events.iter().flat_map(|event| topics_of(event.event_type).iter().map(move |topic| (event, *topic)));
    due.filter(|(event, topic)| copies(event, *topic, heard) == 0)
        .map(|(event, topic)| (event.sequence, topic))
        .collect()
}

/// How often a topic published an event.
fn copies(event: &Event, topic: Topic, heard: &Heard) -> usize {
    heard.get(&event.order_id).and_then(|heard| heard.get(&(event.sequence, topic))).copied().unwrap_or_default()
}

/// The charges and sums that the gateway must have of an order.
fn owed(order: &Order) -> (usize, Totals) {
    let total = order.total.amount;
    let charged = Totals { authorised: total, ..Totals::default() };
    match order.payment_status {
        PaymentStatus::None | PaymentStatus::Declined => (0, Totals::default()),
        PaymentStatus::Authorised => (1, Totals { held: total, ..charged }),
        PaymentStatus::Captured => (1, Totals { captured: total, ..charged }),
        PaymentStatus::Refunded => (1, Totals { captured: total, refunded: order.refunded, ..charged }),
        PaymentStatus::Voided => (1, Totals { voided: total, ..charged }),
    }
}

/// The differences between the stock and the orders.
fn stock(batch: &Batch, seen: &Seen) -> Vec<String> {
    let mut findings = Vec::new();
    for ((product, units), level) in batch.products.iter().zip(&seen.stock) {
        let taken = |is: fn(&Order) -> bool| -> u64 {
            seen.stored.values().filter(|order| is(order)).map(|order| quantity(order, &product.sku)).sum()
        };
        let sold = taken(|order| order.shipment_status != ShipmentStatus::None);
        let reserved = taken(|order| {
            let holds = matches!(order.status, OrderStatus::Reserved | OrderStatus::Confirmed);
            holds && order.shipment_status == ShipmentStatus::None
        });
        let expected = StockLevel { free: units.saturating_sub(reserved + sold), reserved, sold };
        if *level != expected {
            findings.push(format!("of {units} {} there are {level:?}, and the orders say {expected:?}", product.sku));
        }
    }
    findings
}

fn quantity(order: &Order, sku: &Sku) -> u64 {
    order.lines.iter().filter(|line| line.sku == *sku).map(|line| u64::from(line.quantity)).sum()
}
