//! The two tables.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;

use order_contract::api::answers::CustomerOrder;
use order_domain::catalogue::PriceList;
use order_domain::event::Event;
use order_domain::id::{CustomerId, OrderId, Sku};
use order_domain::money::Currency;
use order_domain::order::Order;
use order_domain::request::PlaceOrder;
use order_domain::time::Timestamp;
use order_domain::transition::Change;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Committed {
    /// It is stored: the order, its event and its stock.
    Done,
    /// Another version is stored (or none, where one was expected): decide again.
    Stale(Option<Box<Order>>),
    /// A stock item that this line, counted from 0, is to be taken from has too little.
    StockShort(usize),
}

/// What is stored, of what was asked for. An item that cannot be read is the failure of whoever needs it, and of nobody else
/// who asked in the same call.
pub type Loaded<K, T> = HashMap<K, Result<T, Failure>>;

/// One of what was loaded, where it is stored.
///
/// # Errors
/// When it cannot be read.
pub fn readable<'a, K: Eq + Hash, T>(loaded: &'a Loaded<K, T>, key: &K) -> Result<Option<&'a T>, Failure> {
    loaded.get(key).map(Result::as_ref).transpose().map_err(Clone::clone)
}

/// What the catalogue says of what was asked for.
#[derive(Debug, Clone, Default)]
pub struct Prices {
    /// What can be read of it.
    pub readable: PriceList,
    /// Products that cannot be read.
    pub unreadable_products: BTreeMap<Sku, Failure>,
    /// Currencies whose rule for delivery cannot be read.
    pub unreadable_delivery: BTreeMap<Currency, Failure>,
}

impl Prices {
    /// The prices for a request.
    ///
    /// # Errors
    /// When it needs one that cannot be read: what is there and cannot be read is not sold at another price, nor is it unknown.
    pub fn of(&self, request: &PlaceOrder) -> Result<&PriceList, Failure> {
        let product = request.items.iter().find_map(|item| self.unreadable_products.get(&item.sku));
        let unreadable = product.or_else(|| self.unreadable_delivery.get(&request.currency));
        unreadable.map_or(Ok(&self.readable), |failure| Err(failure.clone()))
    }
}

/// Products and prices.
pub trait Catalogue: Send + Sync {
    /// The products that exist, of those asked for, and what delivery costs in the currencies.
    fn price_list(
        &self,
        skus: &BTreeSet<Sku>,
        currencies: &BTreeSet<Currency>,
    ) -> impl Future<Output = Result<Prices, Failure>> + Send;
}

/// Orders and their history.
pub trait Orders: Send + Sync {
    /// The orders that are stored, of those asked for, as of now: for a batch.
    fn load_each(
        &self,
        ids: &BTreeSet<OrderId>,
    ) -> impl Future<Output = Result<Loaded<OrderId, Order>, Failure>> + Send;

    /// The same, where nothing can be done without all of them: one that cannot be read fails the whole.
    fn load(&self, ids: &BTreeSet<OrderId>) -> impl Future<Output = Result<HashMap<OrderId, Order>, Failure>> + Send {
        async move { self.load_each(ids).await?.into_iter().map(|(id, order)| Ok((id, order?))).collect() }
    }

    /// Stores a change whole, or not at all.
    fn commit(&self, change: &Change) -> impl Future<Output = Result<Committed, Failure>> + Send;
}

/// An event's name: its order, and its number in the order's history.
pub type EventKey = (OrderId, u64);

/// Single events of orders.
pub trait Events: Send + Sync {
    /// The events that are stored, of those asked for, as of now.
    fn events(
        &self,
        keys: &BTreeSet<EventKey>,
    ) -> impl Future<Output = Result<Loaded<EventKey, Event>, Failure>> + Send;
}

/// Where stock lies.
pub trait Stock: Send + Sync {
    /// Each shard of the SKU's stock with its free units.
    fn free_units(&self, sku: &Sku) -> impl Future<Output = Result<Vec<(u16, u32)>, Failure>> + Send;
}

/// The orders that may have stopped moving.
pub trait OpenOrders: Send + Sync {
    /// Some of the orders whose next check is due, those that wait longest first.
    fn due(&self, now: Timestamp) -> impl Future<Output = Result<Vec<OrderId>, Failure>> + Send;

    /// Moves the order's next check, unless the order changed meanwhile and has another.
    fn defer_check(&self, order: &Order, at: Timestamp) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Moves the next check of an order that cannot be read, so that nobody knows its version, unless it is not due any more.
    fn defer_unreadable_check(
        &self,
        id: &OrderId,
        now: Timestamp,
        until: Timestamp,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// Where a page of a customer's orders begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// The last order of the page before.
    #[serde(rename = "o")]
    pub order_id: OrderId,
    /// Its place in the index.
    #[serde(rename = "s")]
    pub sort: String,
}

/// One page of a list.
#[derive(Debug, Clone)]
pub struct Page {
    /// The orders, newest first.
    pub orders: Vec<CustomerOrder>,
    /// Those that cannot be read.
    pub unreadable: Vec<(OrderId, Failure)>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
}

/// What the API's reads need.
pub trait Reads: Send + Sync {
    /// One order.
    fn order(&self, id: &OrderId) -> impl Future<Output = Result<Option<Order>, Failure>> + Send;

    /// An order's events by their numbers; none when there is no such order. One that cannot be read hides no other.
    fn history(
        &self,
        id: &OrderId,
    ) -> impl Future<Output = Result<BTreeMap<u64, Result<Event, Failure>>, Failure>> + Send;

    /// A customer's orders, newest first.
    fn customer_orders(
        &self,
        customer: &CustomerId,
        limit: u16,
        from: Option<&Cursor>,
    ) -> impl Future<Output = Result<Page, Failure>> + Send;
}
