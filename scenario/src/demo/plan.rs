//! Which orders the demonstration sends, and how each has to end. Pure: the same number and run give the same plan.

use order_domain::money::Money;
use serde_json::{Value, json};

use super::end::End;
use super::shipping::Report;
use crate::accountant::{Asked, Availability, Card, Command, Outcome, Purchase, Sent, Timing, expect};
use crate::catalogue::{DELIVERY, SCARCE, Stocked, shop};

/// A kind of order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, strum::VariantArray)]
pub enum Kind {
    /// It is confirmed, and waits for the warehouse.
    Good,
    /// It is sent twice with the same body; the second changes nothing.
    SentTwice,
    /// Once confirmed, it is dispatched and delivered, and its money captured.
    Shipped,
    /// Once confirmed, the customer cancels it, and its authorisation is voided.
    Cancelled,
    /// It is dispatched, delivered and returned, and its money refunded.
    Returned,
    /// A required field is missing: the API refuses it.
    Incomplete,
    /// It names a product that is not in the catalogue.
    UnknownProduct,
    /// It expects another total than the catalogue's.
    WrongTotal,
    /// It asks for more than there is.
    OutOfStock,
    /// Its card is declined.
    Declined,
}

/// How an order has to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// 400, and no trace of it anywhere.
    RefusedAtTheEdge,
    /// 202, and later these states.
    Ends(End),
}

impl Kind {
    /// Every kind, in the order of the table of outcomes.
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The name in the table of outcomes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::SentTwice => "sent twice",
            Self::Shipped => "shipped",
            Self::Cancelled => "cancelled",
            Self::Returned => "sent back",
            Self::Incomplete => "field missing",
            Self::UnknownProduct => "unknown product",
            Self::WrongTotal => "wrong total",
            Self::OutOfStock => "out of stock",
            Self::Declined => "card declined",
        }
    }

    /// How an order of this kind has to end.
    #[must_use]
    pub const fn expected(self) -> Expected {
        match self {
            Self::Good | Self::SentTwice => Expected::Ends(End::CONFIRMED),
            Self::Shipped => Expected::Ends(End::COMPLETED),
            Self::Cancelled => Expected::Ends(End::CANCELLED),
            Self::Returned => Expected::Ends(End::REFUNDED),
            Self::Incomplete => Expected::RefusedAtTheEdge,
            Self::UnknownProduct | Self::WrongTotal => Expected::Ends(End::REJECTED),
            Self::OutOfStock => Expected::Ends(End::OUT_OF_STOCK),
            Self::Declined => Expected::Ends(End::DECLINED),
        }
    }

    /// The reports on a confirmed order of this kind, in this order.
    #[must_use]
    pub const fn reports(self) -> &'static [Report] {
        match self {
            Self::Shipped => &[Report::Dispatched, Report::Delivered],
            Self::Cancelled => &[Report::Cancellation],
            Self::Returned => &[Report::Dispatched, Report::Delivered, Report::Returned],
            _ => &[],
        }
    }

    /// The requests and commands for an order of this kind and document, in the accountant's terms.
    #[must_use]
    pub fn asked(self, document: &Value) -> Asked {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let items = document["items"].as_array().into_iter().flatten();
        let purchase = Purchase {
            lines: items.map(|item| (text(&item["sku"]), item["quantity"].as_u64().unwrap_or_default())).collect(),
            currency: text(&document["currency"]),
            expected_total: document["expectedTotal"].as_u64(),
            card: if self == Self::Declined { Card::Declined } else { Card::Good },
            availability: if self == Self::OutOfStock { Availability::TooFew } else { Availability::Enough },
        };
        let commands = self.reports().iter().map(|report| {
            Sent::surely(match report {
                Report::Dispatched => Command::Dispatched,
                Report::Delivered => Command::Delivered,
                Report::Returned => Command::Returned { refund: None },
                Report::Cancellation => Command::Cancelled,
            })
        });
        Asked {
            placed: vec![purchase],
            commands: commands.collect(),
            timing: Timing::OneAfterTheOther,
            ..Asked::default()
        }
    }

    /// How many of a hundred orders are of this kind; the rest is good.
    const fn share(self) -> usize {
        match self {
            Self::Good => 0,
            Self::Shipped => 6,
            Self::SentTwice | Self::Cancelled => 4,
            Self::Returned | Self::Incomplete | Self::OutOfStock | Self::Declined => 3,
            Self::UnknownProduct | Self::WrongTotal => 2,
        }
    }
}

/// An order to send.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedOrder {
    /// Its kind.
    pub kind: Kind,
    /// Its id.
    pub order_id: String,
    /// Its customer.
    pub customer_id: String,
    /// The number to which a text message has to go, where the customer wants one.
    pub text_to: Option<String>,
    /// Its total by the catalogue, in minor units.
    pub total: u64,
    /// How the accountant expects it to end; `None` where the API refuses it.
    pub outcome: Option<Outcome>,
    /// The request's body.
    pub document: Value,
}

impl PlannedOrder {
    /// The customer's e-mail address.
    pub fn address(&self) -> &str {
        self.document["customer"]["email"].as_str().unwrap_or_default()
    }

    /// How often it is sent.
    #[must_use]
    pub const fn times(&self) -> usize {
        if matches!(self.kind, Kind::SentTwice) { 2 } else { 1 }
    }
}

/// From this many orders on, every kind is among them.
const ENOUGH_FOR_EVERY_KIND: usize = 20;
/// Orders of one customer.
const ORDERS_PER_CUSTOMER: usize = 5;
/// Mobile numbers that Ofcom keeps free for drama: +44 7700 900000 to 900999.
const DRAMA_NUMBERS: usize = 1_000;

/// Plans `orders` orders. `run` becomes part of every id, so that two runs do not meet.
#[must_use]
pub fn plan(orders: usize, run: &str, catalogue: &[Stocked]) -> Vec<PlannedOrder> {
    kinds(orders).into_iter().enumerate().map(|(number, kind)| order(number, kind, run, catalogue)).collect()
}

/// The kinds of a plan, special ones spread evenly among the good.
fn kinds(orders: usize) -> Vec<Kind> {
    let mut special = Vec::new();
    for kind in Kind::ALL.iter().copied() {
        let least = usize::from(kind.share() > 0 && orders >= ENOUGH_FOR_EVERY_KIND);
        special.extend(std::iter::repeat_n(kind, (orders * kind.share() / 100).max(least)));
    }
    let mut kinds = vec![Kind::Good; orders];
    let count = special.len();
    for (index, kind) in special.into_iter().enumerate() {
        // Strided, so that orders of one kind do not stand together either.
        let place = (index * STRIDE) % count;
        kinds[(place * orders + orders / 2) / count] = kind;
    }
    kinds
}

/// A prime larger than any sensible number of special orders is coprime to all of them.
const STRIDE: usize = 1_000_003;

fn order(number: usize, kind: Kind, run: &str, catalogue: &[Stocked]) -> PlannedOrder {
    let order_id = format!("ord-demo-{run}-{number:05}");
    let customer_id = format!("cus-demo-{run}-{:05}", number / ORDERS_PER_CUSTOMER);
    let phone = format!("+447700900{:03}", number % DRAMA_NUMBERS);
    let wants_text = number.is_multiple_of(2);
    let (items, total) = items(number, kind, catalogue);
    let mut document = json!({
        "orderId": order_id,
        "customerId": customer_id,
        "customer": {
            "name": format!("Customer {number}"),
            "email": format!("customer{number}@example.com"),
            "phone": phone,
        },
        "notify": if wants_text { json!(["EMAIL", "SMS"]) } else { json!(["EMAIL"]) },
        "items": items,
        "shippingAddress": {
            "line1": format!("{} High Street", number % 200 + 1),
            "city": "Leeds",
            "postcode": "LS1 1AA",
            "country": "GB",
        },
        "currency": "GBP",
        "payment": { "method": if kind == Kind::Declined { declined_card(number) } else { "pm_card_visa" } },
        "expectedTotal": if kind == Kind::WrongTotal { total + 1 } else { total },
    });
    if kind == Kind::UnknownProduct {
        without(&mut document, "expectedTotal");
    }
    if kind == Kind::Incomplete {
        without(&mut document, ["items", "payment", "customerId"][number % 3]);
    }
    let text_to = (wants_text && kind != Kind::Incomplete).then_some(phone);
    let outcome = expect(&shop(catalogue, Some(DELIVERY)), &kind.asked(&document)).pop_first();
    let outcome = outcome.filter(|_| kind != Kind::Incomplete);
    PlannedOrder { kind, order_id, customer_id, text_to, total, outcome, document }
}

fn items(number: usize, kind: Kind, catalogue: &[Stocked]) -> (Value, u64) {
    if kind == Kind::UnknownProduct {
        return (json!([{ "sku": "UNICORN-LIVE", "quantity": 1 }]), 0);
    }
    let (scarce, plenty): (Vec<_>, Vec<_>) =
        catalogue.iter().partition(|stocked| stocked.product.sku.as_str() == SCARCE);
    let mut lines: Vec<(&Stocked, u64)> = (0..=number % 3)
        .filter_map(|line| plenty.get((number + line) % plenty.len().max(1)))
        .map(|stocked| (*stocked, (number / 3 % 3 + 1) as u64))
        .collect();
    if kind == Kind::OutOfStock {
        // One unit more than there is, next to lines with enough stock: no line may be reserved.
        lines.extend(scarce.first().map(|stocked| (*stocked, stocked.units + 1)));
    }
    let goods = lines.iter().map(|(stocked, quantity)| stocked.product.unit_price.amount * quantity).sum();
    let total = goods + DELIVERY.of(Money::new(goods, DELIVERY.currency)).amount;
    let items = lines.iter().map(|(stocked, quantity)| json!({ "sku": stocked.product.sku, "quantity": quantity }));
    (items.collect(), total)
}

fn declined_card(number: usize) -> &'static str {
    ["pm_card_chargeDeclined", "pm_card_chargeDeclinedInsufficientFunds", "pm_card_authenticationRequired"][number % 3]
}

fn without(document: &mut Value, field: &str) {
    if let Some(fields) = document.as_object_mut() {
        fields.shift_remove(field);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use order_domain::catalogue::price;
    use order_domain::request::PlaceOrder;

    use super::*;
    use crate::catalogue::products;

    fn hundred() -> Vec<PlannedOrder> {
        plan(100, "test", &products().unwrap())
    }

    #[test]
    fn a_hundred_orders_hold_every_kind_in_its_share() {
        let plan = hundred();
        assert_eq!(plan.len(), 100);
        for kind in Kind::ALL.iter().copied().filter(|kind| *kind != Kind::Good) {
            assert_eq!(plan.iter().filter(|order| order.kind == kind).count(), kind.share(), "{}", kind.name());
        }
    }

    #[test]
    fn reports_lead_from_confirmed_to_the_expected_end() {
        for kind in Kind::ALL.iter().copied() {
            let goes_on = matches!(kind.expected(), Expected::Ends(end) if end.changes() > End::CONFIRMED.changes());
            assert_eq!(!kind.reports().is_empty(), goes_on, "{}", kind.name());
        }
    }

    #[test]
    fn a_small_plan_holds_one_of_each_and_a_tiny_one_is_good() {
        let catalogue = products().unwrap();
        let kinds = |orders| plan(orders, "test", &catalogue).iter().map(|order| order.kind).collect::<BTreeSet<_>>();
        assert_eq!(kinds(20).len(), Kind::ALL.len());
        assert_eq!(kinds(3), BTreeSet::from([Kind::Good]));
        assert!(plan(0, "test", &catalogue).is_empty());
    }

    #[test]
    fn a_large_plan_keeps_every_special_order() {
        let plan = plan(5_000, "test", &products().unwrap());
        assert_eq!(plan.iter().filter(|order| order.kind != Kind::Good).count(), 5_000 * 30 / 100);
        assert_eq!(plan.iter().map(|order| &order.order_id).collect::<BTreeSet<_>>().len(), 5_000);
    }

    #[test]
    fn every_document_is_an_order_but_the_incomplete_ones() {
        for order in hundred() {
            let read = PlaceOrder::from_json(&order.document.to_string());
            assert_eq!(read.is_ok(), order.kind != Kind::Incomplete, "{}: {read:?}", order.order_id);
        }
    }

    #[test]
    fn the_accountant_expects_the_end_and_the_messages_of_every_kind() {
        for order in hundred() {
            let Some(outcome) = order.outcome else {
                assert_eq!(order.kind.expected(), Expected::RefusedAtTheEdge);
                continue;
            };
            let Expected::Ends(end) = order.kind.expected() else { panic!("{} has to be refused", order.kind.name()) };
            let states = [outcome.status, outcome.payment, outcome.shipment];
            assert_eq!(states, end.names(), "{}", order.kind.name());
            assert_eq!(outcome.notices.len(), end.texts(), "{}", order.kind.name());
        }
    }

    #[test]
    fn the_catalogue_prices_every_order_as_its_kind_expects() {
        let prices = super::super::perfect::prices();
        for order in hundred().into_iter().filter(|order| order.kind != Kind::Incomplete) {
            let priced = price(&PlaceOrder::from_json(&order.document.to_string()).unwrap(), &prices);
            match priced {
                Ok(priced) => assert_eq!(priced.total.amount, order.total, "{}", order.order_id),
                Err(reason) => {
                    assert_eq!(order.kind.expected(), Expected::Ends(End::REJECTED), "{}: {reason:?}", order.order_id)
                }
            }
        }
    }
}
