//! The two tables on DynamoDB: conditional writes, transactions that are whole or not at all, and the order in which a
//! cancelled one names its reasons.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use order_domain::catalogue::PriceList;
use order_domain::event::Event;
use order_domain::id::{OrderId, Sku};
use order_domain::order::{Line, Order};
use order_domain::stock::StockPart;
use order_domain::time::Timestamp;
use order_domain::transition::{Change, StockEffect};
use order_handlers::ports::{Committed, NotificationKey, Recipient};

use crate::mutation::Mutation;

/// Units of a stock item. Signed, so that too few units show as a negative number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Units {
    pub(crate) free: i64,
    pub(crate) reserved: i64,
    pub(crate) sold: i64,
}

impl Units {
    pub(crate) const fn sum(self) -> i64 {
        self.free + self.reserved + self.sold
    }
}

/// An item that a transaction writes and that another may be writing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Item {
    Order(OrderId),
    Stock(Sku, u16),
}

/// An item that may become unreadable.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stored {
    Order(OrderId),
    Event(OrderId, u64),
    Product(Sku),
}

/// The effect of a transaction.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) before: Option<Order>,
    pub(crate) overwritten: Option<Event>,
}

/// The entry of an order in the index of open orders, which follows the table with a delay.
#[derive(Debug, Default)]
struct Indexed {
    shown: Option<Timestamp>,
    /// The later entries, each with the time from which the index shows it, in milliseconds of the run.
    coming: VecDeque<(u64, Option<Timestamp>)>,
}

impl Indexed {
    fn at(&mut self, now: u64) -> Option<Timestamp> {
        while let Some((_, next)) = self.coming.pop_front_if(|(at, _)| *at <= now) {
            self.shown = next;
        }
        self.shown
    }
}

/// Partitions of the index of open orders, and the orders of each that a sweep sees, as in `adapters::dynamodb`.
const OPEN_SHARDS: u32 = 8;
const DUE_PER_SHARD: usize = 25;

#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(crate) orders: BTreeMap<OrderId, Order>,
    pub(crate) events: BTreeMap<OrderId, BTreeMap<u64, Event>>,
    pub(crate) prices: PriceList,
    pub(crate) stock: BTreeMap<(Sku, u16), Units>,
    pub(crate) reservations: BTreeSet<(Sku, OrderId)>,
    /// When each order was stored first, in milliseconds of the run.
    pub(crate) stored_at: BTreeMap<OrderId, u64>,
    sent: BTreeSet<(OrderId, u64, Recipient)>,
    /// The time of each order's next check.
    next_checks: BTreeMap<OrderId, Timestamp>,
    open_orders: BTreeMap<OrderId, Indexed>,
    /// Items of transactions under way, and until when.
    under_way: BTreeMap<Item, u64>,
    /// Items that are or were unreadable, and until when.
    unreadable_until: BTreeMap<Stored, u64>,
}

impl Table {
    /// The items of a change, other than its event, which nobody else can be writing unless the order is written too.
    fn items(change: &Change) -> Vec<Item> {
        let order = change.order();
        let mut items = vec![Item::Order(order.order_id.clone())];
        if change.stock() != StockEffect::None {
            let of = |line: &Line, part: &StockPart| Item::Stock(line.sku.clone(), part.shard);
            items.extend(order.lines.iter().flat_map(|line| line.reserved_from.iter().map(move |part| of(line, part))));
        }
        items
    }

    /// Begins a transaction that takes until then; false when another one is under way on one of its items.
    pub(crate) fn begin(&mut self, change: &Change, now: u64, until: u64) -> bool {
        let items = Self::items(change);
        if items.iter().any(|item| self.under_way.get(item).is_some_and(|end| *end > now)) {
            return false;
        }
        if until > now {
            self.under_way.extend(items.into_iter().map(|item| (item, until)));
        }
        true
    }

    /// Writes a change whole, or says which condition it failed on, as `adapters::dynamodb` reads DynamoDB's answer.
    pub(crate) fn commit(&mut self, change: &Change, mutation: Option<Mutation>) -> (Committed, Option<Written>) {
        let order = change.order();
        let id = &order.order_id;
        let stored = self.orders.get(id);
        let careless =
            matches!(mutation, Some(Mutation::VersionConditionDropped | Mutation::VersionAndEventConditionsDropped));
        if !careless && stored.map(|order| order.version) != change.replaces_version() {
            return (Committed::Stale(stored.cloned().map(Box::new)), None);
        }
        let sequence = change.event().sequence;
        let event_exists = self.events.get(id).is_some_and(|events| events.contains_key(&sequence));
        if event_exists && mutation != Some(Mutation::VersionAndEventConditionsDropped) {
            return (Committed::Stale(None), None);
        }
        if let Some(line) = self.short_line(change, mutation) {
            return (Committed::StockShort(line), None);
        }
        self.move_stock(change, mutation);
        let overwritten = self.events.entry(id.clone()).or_default().insert(sequence, change.event().clone());
        let before = self.orders.insert(id.clone(), order.clone());
        (Committed::Done, Some(Written { before, overwritten }))
    }

    fn short_line(&self, change: &Change, mutation: Option<Mutation>) -> Option<usize> {
        let order = change.order();
        order.lines.iter().position(|line| {
            if line.reserved_from.is_empty() || change.stock() == StockEffect::None {
                return false;
            }
            let reserved = self.reservations.contains(&(line.sku.clone(), order.order_id.clone()));
            let short = line.reserved_from.iter().any(|part| {
                let units = self.stock.get(&(line.sku.clone(), part.shard)).copied().unwrap_or_default();
                let quantity = i64::from(part.quantity);
                match change.stock() {
                    StockEffect::None => false,
                    StockEffect::Reserve if mutation == Some(Mutation::StockConditionDropped) => false,
                    StockEffect::Reserve => units.free < quantity,
                    StockEffect::Release | StockEffect::Sell => units.reserved < quantity,
                }
            });
            short || reserved == (change.stock() == StockEffect::Reserve)
        })
    }

    fn move_stock(&mut self, change: &Change, mutation: Option<Mutation>) {
        let order = change.order();
        for line in &order.lines {
            if line.reserved_from.is_empty() || change.stock() == StockEffect::None {
                continue;
            }
            let key = (line.sku.clone(), order.order_id.clone());
            if change.stock() == StockEffect::Reserve {
                self.reservations.insert(key);
            } else {
                self.reservations.remove(&key);
            }
            for (place, part) in line.reserved_from.iter().enumerate() {
                let mut quantity = i64::from(part.quantity);
                let units = self.stock.entry((line.sku.clone(), part.shard)).or_default();
                match change.stock() {
                    StockEffect::None => {}
                    StockEffect::Reserve => {
                        units.free -= quantity;
                        units.reserved += quantity;
                    }
                    StockEffect::Release => {
                        let declined = order.payment_status == order_domain::order::PaymentStatus::Declined;
                        match mutation {
                            Some(Mutation::DeclineKeepsStock) if declined => continue,
                            Some(Mutation::StockReleasedTwice) if !declined => quantity *= 2,
                            Some(Mutation::PartOfLineKept) if place > 0 => continue,
                            _ => {}
                        }
                        units.free += quantity;
                        units.reserved -= quantity;
                    }
                    StockEffect::Sell => {
                        units.reserved -= quantity;
                        units.sold += quantity;
                    }
                }
            }
        }
    }

    /// Each shard of the SKU's stock with its free units, as a query finds them.
    pub(crate) fn free_units(&self, sku: &Sku) -> Vec<(u16, u32)> {
        let shards = self.stock.range((sku.clone(), 0)..=(sku.clone(), u16::MAX));
        shards.map(|((_, shard), units)| (*shard, u32::try_from(units.free).unwrap_or(0))).collect()
    }

    /// Writes an order's next check; the index shows it from `shown_at` on.
    pub(crate) fn set_next_check(&mut self, id: &OrderId, check: Option<Timestamp>, shown_at: u64) {
        match check {
            Some(check) => self.next_checks.insert(id.clone(), check),
            None => self.next_checks.remove(id),
        };
        if check.is_none() && !self.open_orders.contains_key(id) {
            return;
        }
        let indexed = self.open_orders.entry(id.clone()).or_default();
        let after = indexed.coming.back().map_or(0, |(at, _)| *at);
        indexed.coming.push_back((after.max(shown_at), check));
    }

    /// Moves an order's next check, unless it changed meanwhile or has none.
    pub(crate) fn defer_check(&mut self, order: &Order, at: Timestamp, shown_at: u64) {
        let same = self.orders.get(&order.order_id).is_some_and(|stored| stored.version == order.version);
        if same && self.next_checks.contains_key(&order.order_id) {
            self.set_next_check(&order.order_id, Some(at), shown_at);
        }
    }

    /// Moves the next check of an order that nobody can read, if it is due.
    pub(crate) fn defer_unreadable_check(&mut self, id: &OrderId, now: Timestamp, until: Timestamp, shown_at: u64) {
        if self.next_checks.get(id).is_some_and(|check| *check <= now) {
            self.set_next_check(id, Some(until), shown_at);
        }
    }

    /// Nobody can read the item until then.
    pub(crate) fn damage(&mut self, item: Stored, until: u64) {
        self.unreadable_until.insert(item, until);
    }

    /// The item can be read again: it was written again, or repaired.
    pub(crate) fn repair(&mut self, item: &Stored, now: u64) {
        if let Some(until) = self.unreadable_until.get_mut(item) {
            *until = now.min(*until);
        }
    }

    /// Whether nobody could read the item at some moment since then.
    pub(crate) fn was_unreadable_since(&self, item: &Stored, then: u64) -> bool {
        self.unreadable_until.get(item).is_some_and(|until| *until > then)
    }

    /// The orders whose check is due, as the index shows them.
    pub(crate) fn due(&mut self, at: Timestamp, now: u64) -> Vec<OrderId> {
        let mut shards = [const { Vec::new() }; OPEN_SHARDS as usize];
        for (id, indexed) in &mut self.open_orders {
            if let Some(check) = indexed.at(now).filter(|check| *check <= at) {
                let shard = crate::workload::number_of(id).unwrap_or(0) % OPEN_SHARDS;
                shards[shard as usize].push((check, id.clone()));
            }
        }
        for shard in &mut shards {
            shard.sort();
            shard.truncate(DUE_PER_SHARD);
        }
        shards.into_iter().flatten().map(|(_, id)| id).collect()
    }

    pub(crate) fn was_sent(&self, sending: &NotificationKey) -> bool {
        self.sent.contains(&(sending.order_id.clone(), sending.sequence, sending.recipient))
    }

    pub(crate) fn record_sent(&mut self, sending: &NotificationKey) {
        self.sent.insert((sending.order_id.clone(), sending.sequence, sending.recipient));
    }

    /// Every event, oldest first for each order.
    pub(crate) fn all_events(&self) -> impl Iterator<Item = &Event> {
        self.events.values().flat_map(BTreeMap::values)
    }
}
