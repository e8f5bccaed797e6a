//! The orders of a scenario: of every kind, with products that no other scenario sells.

use std::collections::BTreeSet;

use order_domain::catalogue::Product;
use order_domain::id::{OrderId, Sku};
use order_domain::order::{Order, OrderStatus, ShipmentStatus};
use order_domain::request::Channel;
use order_domain::time::Timestamp;
use scenario::demo::End;
use serde_json::{Value, json};

use crate::order::{id, order_of, with};
use crate::shop::Shop;

/// Units of a product that does not run out.
const PLENTY: u64 = 10_000;

/// A kind of order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// It is confirmed.
    Good,
    /// It is sent twice.
    SentTwice,
    /// Once confirmed, it is dispatched and delivered.
    Shipped,
    /// Once confirmed, it is cancelled.
    Cancelled,
    /// Its card is declined.
    Declined,
    /// It asks for more than there is.
    OutOfStock,
    /// It names a product that does not exist.
    UnknownProduct,
}

/// A report on a confirmed order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    Dispatched,
    Delivered,
    Cancellation,
}

/// The kinds of twenty orders; the others are good.
const KINDS: [Kind; 20] = {
    let mut kinds = [Kind::Good; 20];
    kinds[1] = Kind::Shipped;
    kinds[3] = Kind::Declined;
    kinds[5] = Kind::Cancelled;
    kinds[7] = Kind::Shipped;
    kinds[9] = Kind::OutOfStock;
    kinds[11] = Kind::SentTwice;
    kinds[13] = Kind::Shipped;
    kinds[15] = Kind::UnknownProduct;
    kinds[17] = Kind::Cancelled;
    kinds
};

impl Kind {
    /// Where an order of this kind has to end.
    pub const fn end(self) -> End {
        match self {
            Self::Good | Self::SentTwice => End::CONFIRMED,
            Self::Shipped => End::COMPLETED,
            Self::Cancelled => End::CANCELLED,
            Self::Declined => End::DECLINED,
            Self::OutOfStock => End::OUT_OF_STOCK,
            Self::UnknownProduct => End::REJECTED,
        }
    }

    /// What is to be reported next on an order of this kind that stands there.
    pub fn next_report(self, order: &Order) -> Option<Report> {
        match (self, order.status, order.shipment_status) {
            (Self::Shipped, OrderStatus::Confirmed, ShipmentStatus::None) => Some(Report::Dispatched),
            (Self::Shipped, OrderStatus::Confirmed, ShipmentStatus::Dispatched) => Some(Report::Delivered),
            (Self::Cancelled, OrderStatus::Confirmed, _) => Some(Report::Cancellation),
            _ => None,
        }
    }
}

/// An order to send.
#[derive(Debug, Clone)]
pub struct Planned {
    pub kind: Kind,
    pub id: OrderId,
    pub document: Value,
}

impl Planned {
    /// Whether the pipeline has finished the order, in the right state.
    pub fn has_ended(&self, order: &Order) -> bool {
        End::of(order) == self.kind.end() && !order.is_open()
    }
}

/// The orders of a scenario, and what they are made of.
#[derive(Debug)]
pub struct Batch {
    pub orders: Vec<Planned>,
    /// Products, and how many units of each there were.
    pub products: Vec<(Product, u64)>,
    pub began: Timestamp,
}

impl Batch {
    /// So many orders, and what they ask for on the shelves.
    pub async fn of(shop: &Shop, count: usize) -> Self {
        let began = Timestamp::now();
        let products = [(PLENTY, 4), (PLENTY, 1), (1, 1)];
        let mut stocked = Vec::new();
        for (units, shards) in products {
            stocked.push((shop.stock(units, shards).await, units));
        }
        let [tea, mug, scarce] = [0, 1, 2].map(|number| &stocked[number].0.sku);
        let orders = (0..count).map(|number| planned(number, tea, mug, scarce)).collect();
        Self { orders, products: stocked, began }
    }

    /// The same, by customers with addresses of their own who want to be notified on these channels.
    pub fn notified_by(mut self, channels: &[Channel]) -> Self {
        for planned in &mut self.orders {
            planned.document["notify"] = json!(channels);
            planned.document["customer"]["email"] = json!(format!("{}@example.com", planned.id));
        }
        self
    }

    pub fn ids(&self) -> BTreeSet<OrderId> {
        self.orders.iter().map(|planned| planned.id.clone()).collect()
    }
}

fn planned(number: usize, tea: &Sku, mug: &Sku, scarce: &Sku) -> Planned {
    let kind = KINDS[number % KINDS.len()];
    let mut items = vec![json!({ "sku": tea, "quantity": number % 3 + 1 })];
    match kind {
        Kind::OutOfStock => items.push(json!({ "sku": scarce, "quantity": 2 })),
        Kind::UnknownProduct => items = vec![json!({ "sku": "NO-SUCH-SKU", "quantity": 1 })],
        _ if number.is_multiple_of(2) => items.push(json!({ "sku": mug, "quantity": 1 })),
        _ => {}
    }
    let mut document = with(order_of(tea.as_str()), json!({ "items": items }));
    if kind == Kind::Declined {
        document = with(document, json!({ "payment": { "method": "pm_card_chargeDeclined" } }));
    }
    Planned { kind, id: OrderId::new(id(&document)).unwrap(), document }
}
