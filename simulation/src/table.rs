//! The two tables on DynamoDB: conditional writes, transactions that are whole or not at all, and the order in which a
//! cancelled one names its reasons.

use std::collections::{BTreeMap, BTreeSet};

use order_domain::catalogue::Product;
use order_domain::event::Event;
use order_domain::id::{OrderId, Sku};
use order_domain::order::Order;
use order_domain::transition::{Change, StockEffect};
use order_handlers::ports::{Addressee, Committed, Sending};

use crate::mutation::Mutation;

/// Units of a stock item. Signed, so that a mistake shows as what it is.
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

/// What a transaction did.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) before: Option<Order>,
    pub(crate) overwritten: Option<Event>,
}

#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(crate) orders: BTreeMap<OrderId, Order>,
    pub(crate) events: BTreeMap<OrderId, BTreeMap<u64, Event>>,
    pub(crate) products: BTreeMap<Sku, Product>,
    pub(crate) stock: BTreeMap<(Sku, u16), Units>,
    pub(crate) reservations: BTreeSet<(Sku, OrderId)>,
    /// When each order was stored first, in milliseconds of the run.
    pub(crate) stored_at: BTreeMap<OrderId, u64>,
    sent: BTreeSet<(OrderId, u64, Addressee)>,
    /// Items of transactions that are under way, and until when.
    under_way: BTreeMap<Item, u64>,
}

impl Table {
    /// The items of a change, other than its event, which nobody else can be writing unless the order is written too.
    fn items(change: &Change) -> Vec<Item> {
        let order = change.order();
        let mut items = vec![Item::Order(order.order_id.clone())];
        if change.stock() != StockEffect::None {
            let shard = |line: &order_domain::order::Line| Some(Item::Stock(line.sku.clone(), line.reserved_from?));
            items.extend(order.lines.iter().filter_map(shard));
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
            let Some(shard) = line.reserved_from else { return false };
            let units = self.stock.get(&(line.sku.clone(), shard)).copied().unwrap_or_default();
            let reserved = self.reservations.contains(&(line.sku.clone(), order.order_id.clone()));
            let quantity = i64::from(line.quantity);
            match change.stock() {
                StockEffect::None => false,
                StockEffect::Reserve if mutation == Some(Mutation::StockConditionDropped) => reserved,
                StockEffect::Reserve => units.free < quantity || reserved,
                StockEffect::Release | StockEffect::Sell => units.reserved < quantity || !reserved,
            }
        })
    }

    fn move_stock(&mut self, change: &Change, mutation: Option<Mutation>) {
        let order = change.order();
        for line in &order.lines {
            let Some(shard) = line.reserved_from else { continue };
            let mut quantity = i64::from(line.quantity);
            let key = (line.sku.clone(), order.order_id.clone());
            let units = self.stock.entry((line.sku.clone(), shard)).or_default();
            match change.stock() {
                StockEffect::None => {}
                StockEffect::Reserve => {
                    units.free -= quantity;
                    units.reserved += quantity;
                    self.reservations.insert(key);
                }
                StockEffect::Release => {
                    let declined = order.payment_status == order_domain::order::PaymentStatus::Declined;
                    match mutation {
                        Some(Mutation::DeclineKeepsStock) if declined => continue,
                        Some(Mutation::StockReleasedTwice) if !declined => quantity *= 2,
                        _ => {}
                    }
                    units.free += quantity;
                    units.reserved -= quantity;
                    self.reservations.remove(&key);
                }
                StockEffect::Sell => {
                    units.reserved -= quantity;
                    units.sold += quantity;
                    self.reservations.remove(&key);
                }
            }
        }
    }

    /// A stock item of the SKU that has the quantity free, as a query finds it.
    pub(crate) fn shard_with(&self, sku: &Sku, quantity: u32) -> Option<u16> {
        let shards = self.stock.range((sku.clone(), 0)..=(sku.clone(), u16::MAX));
        shards.filter(|(_, units)| units.free >= i64::from(quantity)).map(|((_, shard), _)| *shard).next()
    }

    pub(crate) fn was_sent(&self, sending: &Sending) -> bool {
        self.sent.contains(&(sending.order_id.clone(), sending.sequence, sending.addressee))
    }

    pub(crate) fn record_sent(&mut self, sending: &Sending) {
        self.sent.insert((sending.order_id.clone(), sending.sequence, sending.addressee));
    }

    /// Every event, oldest first for each order.
    pub(crate) fn all_events(&self) -> impl Iterator<Item = &Event> {
        self.events.values().flat_map(BTreeMap::values)
    }
}
