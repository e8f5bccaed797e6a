//! Every state that an order can be in, and what every command does there, found by trying them all.
//!
//! The transitions themselves are called, so that what this finds is what they do. A new command is one line in
//! [`COMMANDS`].

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};

use order_domain::catalogue::{PriceList, Product, price};
use order_domain::event::{CommandContext, Event, EventType};
use order_domain::fingerprint::Fingerprint;
use order_domain::order::{
    Authorisation, CancellationReason, Line, Order, OrderStatus, PaymentStatus, Shipment, ShipmentStatus,
};
use order_domain::request::PlaceOrder;
use order_domain::stock::StockPart;
use order_domain::transition::{Decision, MoneyDue, receive};

/// What the commands are about: an order for a product, and what is reported about it.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The order, of one line.
    pub request: PlaceOrder,
    /// Another order under the same id.
    pub other: PlaceOrder,
    /// The product of its line.
    pub product: Product,
    /// When, by whom and why it all happens.
    pub context: CommandContext,
    /// The same, so much later that whatever can expire has expired.
    pub long_after: CommandContext,
}

impl Sample {
    /// The first state of an order: priced, or rejected, since its product is not sold.
    fn first(&self) -> [Taken; 2] {
        let sold = BTreeMap::from([(self.product.sku.clone(), self.product.clone())]);
        [sold, BTreeMap::new()].map(|products| {
            let priced = price(&self.request, &PriceList { products, ..PriceList::default() });
            let change = receive(self.request.clone(), priced, self.context.at, &self.context);
            Taken { event: change.event().event_type, order: change.into_order() }
        })
    }

    fn authorisation(attempt: u32) -> Authorisation {
        Authorisation { payment_intent: format!("pi_{attempt}"), attempt, capture_before: None }
    }
}

struct Taken {
    event: EventType,
    order: Order,
}

/// Which of the three machines a command is mainly about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Machine {
    /// The order, up to its confirmation or its end.
    Order,
    /// The parcel.
    Shipment,
    /// The money.
    Payment,
}

/// A command: what happened, or is asked for.
#[derive(Clone, Copy)]
pub struct Command {
    /// What, as the heading of a column.
    pub name: &'static str,
    /// Which machine it is about.
    pub machine: Machine,
    run: fn(&Order, &Sample) -> Decision,
}

const fn command(machine: Machine, name: &'static str, run: fn(&Order, &Sample) -> Decision) -> Command {
    Command { name, machine, run }
}

/// Every command.
pub const COMMANDS: &[Command] = &[
    command(Machine::Order, "the same order again", |order, it| {
        order.placed_again(&Fingerprint::of(&it.request), &it.context)
    }),
    command(Machine::Order, "another order under its id", |order, it| {
        order.placed_again(&Fingerprint::of(&it.other), &it.context)
    }),
    command(Machine::Order, "stock reserved", |order, it| {
        let whole = |line: &Line| vec![StockPart { shard: 0, quantity: line.quantity }];
        order.reserve(&order.lines.iter().map(whole).collect::<Vec<_>>(), &it.context)
    }),
    command(Machine::Order, "out of stock", |order, it| order.out_of_stock(it.product.sku.clone(), &it.context)),
    command(Machine::Order, "payment authorised", |order, it| order.authorised(Sample::authorisation(1), &it.context)),
    command(Machine::Order, "payment declined", |order, it| order.declined("generic_decline".into(), &it.context)),
    command(Machine::Order, "reservation checked in time", |order, it| order.expired(&it.context)),
    command(Machine::Order, "reservation expired", |order, it| order.expired(&it.long_after)),
    command(Machine::Order, "cancellation", |order, it| {
        order.cancelled(CancellationReason::CustomerRequest, &it.context)
    }),
    command(Machine::Shipment, "dispatched", |order, it| {
        order.dispatched(Shipment { carrier: "Post".into(), tracking_number: "1".into() }, &it.context)
    }),
    command(Machine::Shipment, "delivered", |order, it| order.delivered(&it.context)),
    command(Machine::Shipment, "returned, all to refund", |order, it| order.returned(None, &it.context)),
    command(Machine::Shipment, "returned, a part to refund", |order, it| {
        order.returned(Some(order.total.amount / 2), &it.context)
    }),
    command(Machine::Shipment, "dispatched as another parcel", |order, it| {
        order.dispatched(Shipment { carrier: "Post".into(), tracking_number: "2".into() }, &it.context)
    }),
    command(Machine::Payment, "nothing held", |order, it| order.nothing_authorised(&it.context)),
    command(Machine::Payment, "captured", |order, it| order.captured(&it.context)),
    command(Machine::Payment, "re-authorised", |order, it| order.reauthorised(Sample::authorisation(2), &it.context)),
    command(Machine::Payment, "authorisation expired, and a new one declined", |order, it| {
        order.authorisation_expired("expired_card".into(), &it.long_after)
    }),
    command(Machine::Payment, "voided", |order, it| order.voided(&it.context)),
    command(Machine::Payment, "refunded", |order, it| {
        let in_all = match order.money_due() {
            Some(MoneyDue::Refund(due)) => order.refunded + due,
            _ => order.total.amount,
        };
        order.refunded(in_all, &it.context)
    }),
    command(Machine::Order, "a message went to a dead-letter queue", |order, it| {
        order.needs_attention("MONEY_LOST", &it.context)
    }),
];

/// The states of the three machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    /// Where the order stands.
    pub order: OrderStatus,
    /// Where its payment stands.
    pub payment: PaymentStatus,
    /// Where its parcel is.
    pub shipment: ShipmentStatus,
}

impl State {
    fn of(order: &Order) -> Self {
        Self { order: order.status, payment: order.payment_status, shipment: order.shipment_status }
    }

    /// States sort as an order meets them.
    const fn rank(self) -> (u8, u8, u8) {
        (self.order as u8, self.payment as u8, self.shipment as u8)
    }
}

impl PartialOrd for State {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for State {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.rank().cmp(&other.rank())
    }
}

/// What a command does in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// The order changes, and an event records it.
    Becomes(State, EventType),
    /// It was obeyed before, or there is nothing to do.
    Nothing,
    /// It is not legal, and never will be.
    Refused,
    /// It is not legal yet, and is tried again.
    TooEarly,
}

/// Everything that was found.
#[derive(Debug, Clone, Default)]
pub struct Explored {
    /// The states that an order begins in, with the event that records it.
    pub first: BTreeSet<(State, EventType)>,
    /// For each reachable state the answers to each of [`COMMANDS`], in their order. Several answers where it also
    /// depends on what else is known of the order, such as how much is still to be refunded.
    pub answers: BTreeMap<State, Vec<BTreeSet<Answer>>>,
    /// An event of every change that was found.
    pub events: Vec<Event>,
}

/// Tries every command in every state, from the first ones on.
#[must_use]
pub fn explore(sample: &Sample) -> Explored {
    let mut explored = Explored::default();
    let mut seen = HashSet::new();
    let mut waiting = VecDeque::new();
    for Taken { event, order } in sample.first() {
        explored.first.insert((State::of(&order), event));
        waiting.push_back(order);
    }
    while let Some(order) = waiting.pop_front() {
        if !seen.insert(what_decides(&order)) {
            continue;
        }
        let answers =
            explored.answers.entry(State::of(&order)).or_insert_with(|| vec![BTreeSet::new(); COMMANDS.len()]);
        for (command, answers) in COMMANDS.iter().zip(answers) {
            answers.insert(match (command.run)(&order, sample) {
                Decision::Apply(change) => {
                    let event = change.event().clone();
                    let next = change.into_order();
                    let answer = Answer::Becomes(State::of(&next), event.event_type);
                    explored.events.push(event);
                    waiting.push_back(next);
                    answer
                }
                Decision::NoOp => Answer::Nothing,
                Decision::Reject(_) => Answer::Refused,
                Decision::Defer(_) => Answer::TooEarly,
            });
        }
    }
    explored
}

/// Orders that differ in their version and in the time of their last change alone answer alike; without this, there would
/// be no end.
fn what_decides(order: &Order) -> String {
    // An order is text, numbers and lists: it always has a form as JSON.
    serde_json::to_string(&Order { version: 0, updated_at: order.created_at, ..order.clone() }).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use order_domain::charges::VatRate;
    use order_domain::event::Cause;
    use order_domain::id::Sku;
    use order_domain::money::{Currency, Money};
    use order_domain::stage::Stage;
    use order_domain::time::Timestamp;

    fn sample() -> Sample {
        let request = |quantity: u32| {
            let text = r#"{"orderId":"ord-1","customerId":"cus-1","customer":{"name":"A","email":"a@b.cd"},
                "items":[{"sku":"TEA","quantity":1}],"currency":"GBP","payment":{"method":"pm_a"},
                "shippingAddress":{"line1":"1","city":"L","postcode":"L1","country":"GB"}}"#;
            PlaceOrder::from_json(&text.replace(":1}]", &format!(":{quantity}}}]"))).unwrap()
        };
        let at = Timestamp::from_unix_seconds(1_764_000_000).unwrap();
        let context = CommandContext { at, actor: Stage::Validate, cause: Cause::PlaceOrder, message_id: "m-1".into() };
        let long_after = CommandContext { at: Timestamp::from_unix_seconds(1_800_000_000).unwrap(), ..context.clone() };
        let unit_price = Money::new(1000, Currency::GBP);
        let product = Product {
            sku: Sku::new("TEA").unwrap(),
            name: "Tea".into(),
            unit_price,
            stock_shards: 1,
            vat_rate: VatRate::Standard,
        };
        Sample { request: request(1), other: request(2), product, context, long_after }
    }

    #[test]
    fn every_command_is_answered_in_every_state_that_an_order_can_be_in() {
        let explored = explore(&sample());
        assert!(explored.answers.len() >= 15, "{:?}", explored.answers.keys());
        for (state, answers) in &explored.answers {
            assert!(answers.iter().all(|answers| !answers.is_empty()), "{state:?}");
        }
        let completed = State {
            order: OrderStatus::Completed,
            payment: PaymentStatus::Captured,
            shipment: ShipmentStatus::Delivered,
        };
        assert!(explored.answers.contains_key(&completed));
    }

    #[test]
    fn an_order_that_has_ended_stays_where_it_ended() {
        for (state, answers) in explore(&sample()).answers {
            let next = answers.into_iter().flatten().filter_map(|answer| match answer {
                Answer::Becomes(next, _) => Some(next.order),
                _ => None,
            });
            let ended = !state.order.may_still_be_dispatched();
            assert!(
                next.into_iter().all(|next| next as u8 >= state.order as u8 && (!ended || next == state.order)),
                "{state:?}"
            );
        }
    }
}
