//! The ports in memory, with AWS's semantics: conditional writes, all-or-nothing transactions, and faults on demand.

mod gateway;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Mutex;
use std::time::Duration;

use gateway::Payment;
use order_domain::catalogue::Product;
use order_domain::event::Event;
use order_domain::id::{OrderId, Sku};
use order_domain::message::Message;
use order_domain::money::{Currency, Money};
use order_domain::order::Order;
use order_domain::time::Timestamp;
use order_domain::transition::{Change, StockEffect};
use order_handlers::batch::Delivery;
use order_handlers::failure::Failure;
use order_handlers::ports::{
    Catalogue, Committed, DeadLetter, Notification, Notifier, Orders, Queue, Receipt, Runtime, Sending, SentLog, Stock,
};
use order_handlers::retry::RetryPolicy;

pub const POLICY: RetryPolicy = RetryPolicy { base: Duration::from_secs(2), cap: Duration::from_secs(600) };

/// What may be told to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    Commit,
    /// The change is stored, but the answer is lost.
    CommitAnswer,
    Load,
    Forward,
    Bury,
    Gateway,
    /// The gateway holds the amount, fails, and repeats that failure under the attempt's key for ever.
    GatewayAnswer,
    Panic,
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
    pub buried: Mutex<Vec<DeadLetter>>,
    pub authorised: Mutex<BTreeMap<OrderId, u32>>,
    /// What the gateway's books say, oldest first.
    pub payments: Mutex<BTreeMap<OrderId, Vec<Payment>>>,
    pub told: Mutex<Vec<String>>,
    pub sent: Mutex<HashSet<Sending>>,
    pub counts: Mutex<BTreeMap<&'static str, usize>>,
    /// How long the invocation may still take.
    pub remaining: Mutex<Duration>,
    faults: Mutex<Vec<(Fault, Option<OrderId>)>>,
    pub declines: Mutex<BTreeSet<OrderId>>,
    /// Orders whose customer cancels while the gateway is asked.
    pub cancel_during_authorisation: Mutex<BTreeSet<OrderId>>,
    /// Holds that have lapsed, by the order's attempt.
    pub lapsed: Mutex<BTreeSet<(OrderId, u32)>>,
    /// What the gateway was asked for after the authorisation.
    pub asked: Mutex<Vec<String>>,
}

impl Shop {
    /// With empty shelves.
    pub fn open() -> Self {
        let shop = Self::default();
        *shop.remaining.lock().unwrap() = Duration::from_secs(30);
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
        let product = Product { sku: sku.clone(), name: "Tea".into(), unit_price, stock_shards };
        self.products.lock().unwrap().insert(sku.clone(), product);
        for (shard, free) in (0..).zip(shards) {
            self.stock.lock().unwrap().insert((sku.clone(), shard), (*free, 0, 0));
        }
    }

    /// The next use fails, of this order or of any.
    pub fn fail(&self, fault: Fault, order: Option<&str>) {
        self.faults.lock().unwrap().push((fault, order.map(|id| OrderId::new(id).unwrap())));
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

impl Catalogue for &Shop {
    async fn products(&self, skus: &BTreeSet<Sku>) -> Result<BTreeMap<Sku, Product>, Failure> {
        if self.fails(Fault::Load, None) {
            return Err(broken("the catalogue"));
        }
        let products = self.products.lock().unwrap();
        Ok(products.iter().filter(|(sku, _)| skus.contains(sku)).map(|(s, p)| (s.clone(), p.clone())).collect())
    }
}

impl Orders for &Shop {
    async fn load(&self, ids: &BTreeSet<OrderId>) -> Result<HashMap<OrderId, Order>, Failure> {
        if self.fails(Fault::Load, None) {
            return Err(broken("the orders table"));
        }
        let orders = self.orders.lock().unwrap();
        Ok(ids.iter().filter_map(|id| orders.get(id).map(|order| (id.clone(), order.clone()))).collect())
    }

    async fn commit(&self, change: &Change) -> Result<Committed, Failure> {
        let id = change.order().order_id.clone();
        assert!(!self.fails(Fault::Panic, Some(&id)), "a fault of the test");
        if self.fails(Fault::Commit, Some(&id)) {
            return Err(broken("the orders table"));
        }
        let mut orders = self.orders.lock().unwrap();
        let stored = orders.get(&id);
        if stored.map(|order| order.version) != change.replaces_version() {
            return Ok(Committed::Stale(stored.cloned().map(Box::new)));
        }
        let mut stock = self.stock.lock().unwrap();
        let mut after = stock.clone();
        for (position, line) in change.order().lines.iter().enumerate() {
            let Some(shard) = line.reserved_from else { continue };
            let quantity = i64::from(line.quantity);
            let units = after.entry((line.sku.clone(), shard)).or_default();
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

impl Stock for &Shop {
    async fn shard_with(&self, sku: &Sku, quantity: u32) -> Result<Option<u16>, Failure> {
        let stock = self.stock.lock().unwrap();
        let mut enough = stock.iter().filter(|((name, _), units)| name == sku && units.0 >= i64::from(quantity));
        Ok(enough.next().map(|((_, shard), _)| *shard))
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

    async fn bury(&self, letter: &DeadLetter) -> Result<(), Failure> {
        if self.fails(Fault::Bury, None) {
            return Err(broken("the dead-letter queue"));
        }
        self.buried.lock().unwrap().push(letter.clone());
        Ok(())
    }
}

impl Notifier for &Shop {
    async fn send(&self, notifications: &[Notification]) -> Vec<Result<Receipt, Failure>> {
        let tell = |notification: &Notification| {
            let (order, text) = match notification {
                Notification::Publish(topic, event) => {
                    (Some(&event.order_id), format!("{}: {}", topic.name(), event.event_type.name()))
                }
                Notification::Text { phone, text } => (None, format!("{phone}: {text}")),
            };
            if self.fails(Fault::Publish, order) {
                return Err(broken("SNS"));
            }
            self.told.lock().unwrap().push(text);
            Ok(Receipt::Sent)
        };
        notifications.iter().map(tell).collect()
    }
}

impl SentLog for &Shop {
    async fn sent(&self, sendings: &[Sending]) -> Result<HashSet<Sending>, Failure> {
        let sent = self.sent.lock().unwrap();
        Ok(sendings.iter().filter(|sending| sent.contains(sending)).cloned().collect())
    }

    async fn record(&self, sent: &[(Sending, Receipt)]) -> Result<(), Failure> {
        if self.fails(Fault::Record, None) {
            return Err(broken("the orders table"));
        }
        self.sent.lock().unwrap().extend(sent.iter().map(|(sending, _)| sending.clone()));
        Ok(())
    }
}

impl Runtime for Shop {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_seconds(1_764_000_001).unwrap()
    }
    fn chance(&self) -> f64 {
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
        "items":[{{"sku":"{sku}","quantity":{quantity}}}],"currency":"GBP","payment":{{"method":"pm_a"}},
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
        body: body.into(),
    }
}
