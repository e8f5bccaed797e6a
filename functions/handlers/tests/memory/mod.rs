//! The ports in memory, with AWS's semantics: conditional writes, all-or-nothing transactions, and faults on demand.

mod gateway;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Mutex;
use std::time::Duration;

use order_contract::message::Message;
use order_domain::catalogue::Product;
use order_domain::charges::VatRate;
use order_domain::event::Event;
use order_domain::id::{OrderId, Sku};
use order_domain::money::{Currency, Money};
use order_domain::order::Order;
use order_domain::time::Timestamp;
use order_domain::transition::{Change, StockEffect};
use order_handlers::batch::Delivery;
use order_handlers::failure::{DeadLetterReason, Failure};
use order_handlers::ports::{
    Catalogue, Committed, DeadLetter, EventKey, Events, GatewayEvent, GatewayEventKind, Loaded, Notification,
    NotificationKey, Notifier, OpenOrders, Orders, Prices, Queue, Receipt, Refusal, Runtime, SentLog, Signed, Stock,
    Webhook, Webhooks,
};
use order_handlers::retry::RetryPolicy;
use payment_simulator::Engine;

pub const POLICY: RetryPolicy = RetryPolicy { base: Duration::from_secs(2), cap: Duration::from_secs(600) };

/// The operations that can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    Commit,
    /// The change is stored, but the answer is lost.
    CommitAnswer,
    Load,
    Forward,
    DeadLetter,
    Gateway,
    /// The gateway does it, but its answer is lost.
    GatewayAnswer,
    Panic,
    /// The call never ends.
    Hang,
    Publish,
    Record,
}

/// Free, reserved and sold units.
pub type Units = (i64, i64, i64);

#[derive(Default)]
pub struct Shop {
    pub orders: Mutex<HashMap<OrderId, Order>>,
    pub events: Mutex<BTreeMap<(OrderId, u64), Event>>,
    pub products: Mutex<BTreeMap<Sku, Product>>,
    pub stock: Mutex<BTreeMap<(Sku, u16), Units>>,
    pub forwarded: Mutex<Vec<Message>>,
    pub postponed: Mutex<Vec<(String, Duration)>>,
    pub dead_lettered: Mutex<Vec<DeadLetter>>,
    pub told: Mutex<Vec<String>>,
    pub sent: Mutex<HashMap<NotificationKey, Receipt>>,
    /// Notifications that are refused for good, by the start of their lines.
    pub refusals: Mutex<Vec<(&'static str, Refusal)>>,
    /// Channels and topics that are down, by the start of their lines.
    pub down: Mutex<BTreeSet<&'static str>>,
    pub counts: Mutex<BTreeMap<&'static str, usize>>,
    /// How long the invocation may still take.
    pub remaining: Mutex<Duration>,
    /// Items that cannot be read: an order's id, `<order>#<number>` of an event, a SKU, a currency.
    pub unreadable: Mutex<BTreeSet<String>>,
    faults: Mutex<Vec<(Fault, Option<OrderId>)>>,
    /// Orders whose card is declined from now on.
    pub declines: Mutex<BTreeSet<OrderId>>,
    /// Orders whose customer cancels while the gateway is asked.
    pub cancel_during_authorisation: Mutex<BTreeSet<OrderId>>,
    /// The requests to the gateway after the authorisation.
    pub asked: Mutex<Vec<String>>,
    pub engine: Mutex<Engine>,
    /// The time of the next check, by the order and its version.
    pub next_checks: Mutex<BTreeMap<(OrderId, u64), Timestamp>>,
    /// Whether every call to the gateway fails, and how many were made.
    pub gateway_is_down: Mutex<bool>,
    pub calls: Mutex<usize>,
    /// How far the clock has gone on.
    pub later: Mutex<Duration>,
}

impl Shop {
    /// A shop without stock.
    pub fn open() -> Self {
        let shop = Self::default();
        *shop.remaining.lock().unwrap() = Duration::from_secs(50);
        shop
    }

    pub fn with(sku: &str, shards: &[i64]) -> Self {
        let shop = Self::open();
        shop.stock(sku, shards);
        shop
    }

    pub fn stock(&self, sku: &str, shards: &[i64]) {
        let sku = Sku::new(sku).unwrap();
        let unit_price = Money::new(999, Currency::GBP);
        let stock_shards = u16::try_from(shards.len()).unwrap();
        let product =
            Product { sku: sku.clone(), name: "Tea".into(), unit_price, stock_shards, vat_rate: VatRate::Standard };
        self.products.lock().unwrap().insert(sku.clone(), product);
        for (shard, free) in (0..).zip(shards) {
            self.stock.lock().unwrap().insert((sku.clone(), shard), (*free, 0, 0));
        }
    }

    /// Advances the clock.
    pub fn pass(&self, time: Duration) {
        *self.later.lock().unwrap() += time;
    }

    /// The next use fails, of this order or of any.
    pub fn fail(&self, fault: Fault, order: Option<&str>) {
        self.faults.lock().unwrap().push((fault, order.map(|id| OrderId::new(id).unwrap())));
    }

    /// An item as a call reads it, by its name: an order's id, `<order>#<number>` of an event.
    fn read<T: Clone>(&self, name: &str, item: &T) -> Result<T, Failure> {
        if self.unreadable.lock().unwrap().contains(name) { Err(unreadable(name)) } else { Ok(item.clone()) }
    }

    fn fails(&self, fault: Fault, order: Option<&OrderId>) -> bool {
        let mut faults = self.faults.lock().unwrap();
        let found = faults.iter().position(|(kind, only)| *kind == fault && (only.is_none() || only.as_ref() == order));
        found.map(|position| faults.remove(position)).is_some()
    }

    pub fn order(&self, id: &str) -> Order {
        self.orders.lock().unwrap()[&OrderId::new(id).unwrap()].clone()
    }

    /// Free, reserved and sold units, over all stock items.
    pub fn units(&self, sku: &str) -> Units {
        let stock = self.stock.lock().unwrap();
        let of = stock.iter().filter(|((name, _), _)| name.as_str() == sku);
        of.fold((0, 0, 0), |sum, (_, units)| (sum.0 + units.0, sum.1 + units.1, sum.2 + units.2))
    }

    pub fn history(&self, id: &str) -> Vec<Event> {
        let events = self.events.lock().unwrap();
        events.values().filter(|event| event.order_id.as_str() == id).cloned().collect()
    }
}

fn broken(what: &str) -> Failure {
    Failure::transient_because(format!("{what} is down"))
}

/// An item that cannot be read.
fn unreadable(what: &str) -> Failure {
    let what = format!("{what} cannot be read");
    Failure::Permanent { what, reason: DeadLetterReason::ItemUnreadable, cause: None }
}

impl Catalogue for &Shop {
    async fn price_list(&self, skus: &BTreeSet<Sku>, currencies: &BTreeSet<Currency>) -> Result<Prices, Failure> {
        if self.fails(Fault::Load, None) {
            return Err(broken("the catalogue"));
        }
        let (products, unreadable_items) = (self.products.lock().unwrap(), self.unreadable.lock().unwrap());
        let mut prices = Prices::default();
        for (sku, product) in products.iter().filter(|(sku, _)| skus.contains(sku)) {
            if unreadable_items.contains(sku.as_str()) {
                prices.unreadable_products.insert(sku.clone(), unreadable(sku.as_str()));
            } else {
                prices.readable.products.insert(sku.clone(), product.clone());
            }
        }
        let delivery = currencies.iter().filter(|currency| unreadable_items.contains(currency.to_string().as_str()));
        prices.unreadable_delivery = delivery.map(|currency| (*currency, unreadable("delivery"))).collect();
        Ok(prices)
    }
}

impl Orders for &Shop {
    async fn load_each(&self, ids: &BTreeSet<OrderId>) -> Result<Loaded<OrderId, Order>, Failure> {
        if self.fails(Fault::Load, None) {
            return Err(broken("the orders table"));
        }
        let orders = self.orders.lock().unwrap();
        Ok(ids.iter().filter_map(|id| Some((id.clone(), self.read(id.as_str(), orders.get(id)?)))).collect())
    }

    async fn commit(&self, change: &Change) -> Result<Committed, Failure> {
        let id = change.order().order_id.clone();
        assert!(!self.fails(Fault::Panic, Some(&id)), "a fault of the test");
        if self.fails(Fault::Hang, Some(&id)) {
            std::future::pending::<()>().await;
        }
        if self.fails(Fault::Commit, Some(&id)) {
            return Err(broken("the orders table"));
        }
        let mut orders = self.orders.lock().unwrap();
        let stored = orders.get(&id);
        if stored.map(|order| order.version) != change.replaces_version() {
            let stored = stored.map(|order| self.read(id.as_str(), order)).transpose()?;
            return Ok(Committed::Stale(stored.map(Box::new)));
        }
        let mut stock = self.stock.lock().unwrap();
        let mut after = stock.clone();
        for (position, line) in change.order().lines.iter().enumerate() {
            for part in &line.reserved_from {
                let quantity = i64::from(part.quantity);
                let units = after.entry((line.sku.clone(), part.shard)).or_default();
                match change.stock() {
                    StockEffect::Release | StockEffect::Sell if units.1 < quantity => {
                        return Ok(Committed::StockShort(position));
                    }
                    StockEffect::Reserve if units.0 < quantity => return Ok(Committed::StockShort(position)),
                    StockEffect::Reserve => *units = (units.0 - quantity, units.1 + quantity, units.2),
                    StockEffect::Release => *units = (units.0 + quantity, units.1 - quantity, units.2),
                    StockEffect::Sell => *units = (units.0, units.1 - quantity, units.2 + quantity),
                    StockEffect::None => {}
                }
            }
        }
        *stock = after;
        let key = (id.clone(), change.event().sequence);
        let overwritten = self.events.lock().unwrap().insert(key, change.event().clone());
        assert_eq!(overwritten, None, "an event was overwritten");
        orders.insert(id.clone(), change.order().clone());
        if self.fails(Fault::CommitAnswer, Some(&id)) {
            return Err(broken("the way back from the orders table"));
        }
        Ok(Committed::Done)
    }
}

impl Events for &Shop {
    async fn events(&self, keys: &BTreeSet<EventKey>) -> Result<Loaded<EventKey, Event>, Failure> {
        let events = self.events.lock().unwrap();
        let read = |key: &EventKey| {
            let name = format!("{}#{}", key.0, key.1);
            Some((key.clone(), self.read(&name, events.get(key)?)))
        };
        Ok(keys.iter().filter_map(read).collect())
    }
}

impl Stock for &Shop {
    async fn free_units(&self, sku: &Sku) -> Result<Vec<(u16, u32)>, Failure> {
        let stock = self.stock.lock().unwrap();
        let shards = stock.iter().filter(|((name, _), _)| name == sku);
        Ok(shards.map(|((_, shard), units)| (*shard, u32::try_from(units.0).unwrap())).collect())
    }
}

impl Queue for &Shop {
    async fn forward(&self, commands: &[Message]) -> Vec<Result<(), Failure>> {
        let mut answers = Vec::new();
        for command in commands {
            answers.push(if self.fails(Fault::Forward, Some(command.order_id())) {
                Err(broken("the next queue"))
            } else {
                self.forwarded.lock().unwrap().push(command.clone());
                Ok(())
            });
        }
        answers
    }

    async fn postpone(&self, waits: &[(&str, Duration)]) -> Result<(), Failure> {
        self.postponed.lock().unwrap().extend(waits.iter().map(|(handle, wait)| ((*handle).to_owned(), *wait)));
        Ok(())
    }

    async fn dead_letter(&self, message: &DeadLetter) -> Result<(), Failure> {
        if self.fails(Fault::DeadLetter, None) {
            return Err(broken("the dead-letter queue"));
        }
        self.dead_lettered.lock().unwrap().push(message.clone());
        Ok(())
    }
}

impl OpenOrders for &Shop {
    async fn due(&self, now: Timestamp) -> Result<Vec<OrderId>, Failure> {
        if self.fails(Fault::Load, None) {
            return Err(broken("the orders table"));
        }
        let orders = self.orders.lock().unwrap();
        let checks = self.next_checks.lock().unwrap();
        let check = |order: &Order| {
            let moved = checks.get(&(order.order_id.clone(), order.version)).copied();
            moved.or_else(|| order.next_check_at())
        };
        Ok(orders
            .values()
            .filter(|order| check(order).is_some_and(|at| at <= now))
            .map(|o| o.order_id.clone())
            .collect())
    }

    async fn defer_check(&self, order: &Order, at: Timestamp) -> Result<(), Failure> {
        self.next_checks.lock().unwrap().insert((order.order_id.clone(), order.version), at);
        Ok(())
    }

    async fn defer_unreadable_check(&self, id: &OrderId, _: Timestamp, until: Timestamp) -> Result<(), Failure> {
        let version = self.orders.lock().unwrap()[id].version;
        self.next_checks.lock().unwrap().insert((id.clone(), version), until);
        Ok(())
    }
}

impl Webhooks for &Shop {
    async fn verify(&self, payload: &str, signed: &Signed) -> Result<Webhook, Failure> {
        if signed.signature != "genuine" {
            return Ok(Webhook::Refused("no signature fits".into()));
        }
        let (kind, order) = payload.split_once(' ').unwrap();
        let kind = match kind {
            "canceled" => GatewayEventKind::Canceled,
            "held" => GatewayEventKind::Authorised,
            "refund-failed" => GatewayEventKind::RefundFailed { refund: "re_1".into() },
            _ => GatewayEventKind::Other,
        };
        let order_id = OrderId::new(order).ok();
        let payment_intent = self.payments_of(order).into_iter().next().unwrap_or_default();
        Ok(Webhook::Genuine(GatewayEvent { kind, order_id, payment_intent }))
    }
}

/// Topics and channels, each notification as one line.
fn line(notification: &Notification) -> String {
    match notification {
        Notification::Publish(topic, event) => format!("{}: {}", topic.name(), event.event_type.name()),
        Notification::Sms { phone, text } => format!("SMS {phone}: {text}"),
        Notification::Mail { to, mail, .. } => format!("EMAIL {to}: {}", mail.subject),
        Notification::Push { endpoint, push } => format!("PUSH {endpoint}: {}", push.body),
    }
}

impl Notifier for &Shop {
    async fn send(&self, notifications: &[Notification]) -> Vec<Result<Receipt, Failure>> {
        let order_of = |notification: &Notification| match notification {
            Notification::Publish(_, event) => Some(event.order_id.clone()),
            _ => None,
        };
        if notifications.iter().any(|notification| self.fails(Fault::Hang, order_of(notification).as_ref())) {
            std::future::pending::<()>().await;
        }
        let tell = |notification: &Notification| {
            let order = order_of(notification);
            let order = order.as_ref();
            let line = line(notification);
            assert!(!self.fails(Fault::Panic, order), "a fault of the test");
            let is_down = self.down.lock().unwrap().iter().any(|start| line.starts_with(start));
            if is_down || self.fails(Fault::Publish, order) {
                return Err(broken("SNS"));
            }
            let refusals = self.refusals.lock().unwrap();
            if let Some((_, refusal)) = refusals.iter().find(|(start, _)| line.starts_with(start)) {
                return Ok(Receipt::Refused(*refusal));
            }
            self.told.lock().unwrap().push(line);
            Ok(Receipt::Sent)
        };
        notifications.iter().map(tell).collect()
    }
}

impl SentLog for &Shop {
    async fn sent(&self, sendings: &[NotificationKey]) -> Result<HashSet<NotificationKey>, Failure> {
        let sent = self.sent.lock().unwrap();
        Ok(sendings.iter().filter(|sending| sent.contains_key(sending)).cloned().collect())
    }

    async fn record(&self, sent: &[(NotificationKey, Receipt)], _: Timestamp) -> Result<(), Failure> {
        if self.fails(Fault::Record, None) {
            return Err(broken("the orders table"));
        }
        let mut log = self.sent.lock().unwrap();
        for (sending, receipt) in sent {
            // A refusal stays.
            let known = log.entry(sending.clone()).or_insert(*receipt);
            if *receipt != Receipt::Sent {
                *known = *receipt;
            }
        }
        Ok(())
    }
}

impl Runtime for Shop {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_seconds(1_764_000_001).unwrap().after(*self.later.lock().unwrap())
    }
    fn random(&self) -> f64 {
        0.5
    }
    fn remaining(&self) -> Duration {
        *self.remaining.lock().unwrap()
    }
    fn count(&self, metric: &'static str, how_many: usize) {
        *self.counts.lock().unwrap().entry(metric).or_default() += how_many;
    }
    fn time(&self, _: &'static str, _: Duration) {}
}

pub fn body(id: &str, sku: &str, quantity: u32) -> String {
    format!(
        r#"{{"orderId":"{id}","customerId":"cus-1",
        "customer":{{"name":"Ada","email":"ada@example.com","phone":"+447700900001"}},"notify":["SMS"],
        "items":[{{"sku":"{sku}","quantity":{quantity}}}],"currency":"GBP","payment":{{"method":"pm_card_visa"}},
        "shippingAddress":{{"line1":"1 High Street","city":"Leeds","postcode":"LS1 1AA","country":"GB"}}}}"#
    )
}

pub fn delivery(message_id: &str, body: impl Into<String>) -> Delivery {
    Delivery {
        message_id: message_id.into(),
        receipt_handle: format!("handle of {message_id}"),
        receive_count: 1,
        sent_at: Timestamp::from_unix_seconds(1_764_000_000).unwrap(),
        trace: None,
        signed: None,
        body: body.into(),
    }
}
