//! The facts of an event and its order that the templates can use.

use order_domain::event::Event;
use order_domain::id::Sku;
use order_domain::money::{Currency, Money};
use order_domain::order::{Order, OrderStatus, RejectionReason};
use serde::Serialize;
use serde_json::Value;

use super::clean::one_line;

/// Longest name of a customer, carrier or parcel in a text, in characters.
const LONGEST_NAME: usize = 60;
/// Longest name of a product in a text, in characters.
const LONGEST_PRODUCT: usize = 120;

/// The templates' variables. An unknown fact is left out: a template that uses it without a check fails, so no message
/// is sent with a hole in it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Facts {
    pub retailer: String,
    /// Where a customer finds help: an e-mail address or a web page.
    support: String,
    /// The same as the target of a link.
    support_link: String,
    pub order: String,
    total: String,
    /// The sum of all refunds of the order so far.
    refunded: String,
    /// The price of delivery, unless it is free.
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery: Option<String>,
    /// The tax that the total includes, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    vat: Option<String>,
    undelivered: bool,
    lines: Vec<Line>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracking: Option<String>,
    /// The reason's code, such as `PRICE_MISMATCH`; empty without a reason, so that templates can compare it.
    reason: String,
    /// The product that the reason is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<String>,
    /// The currency that an item is not sold in.
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<String>,
    /// The total that the customer was shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<String>,
    /// The total at today's prices.
    #[serde(skip_serializing_if = "Option::is_none")]
    actual: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
struct Line {
    name: String,
    quantity: u32,
    price: String,
}

impl Facts {
    /// The facts. Names that other people wrote become one line each, and `letters` converts them to a channel's alphabet.
    pub fn of(event: &Event, order: &Order, retailer: &str, support: &str, letters: fn(&str) -> String) -> Self {
        let clean = |text: &str, most| Some(letters(&one_line(text, most))).filter(|text| !text.is_empty());
        let currency = event.total.currency;
        let (item, expected, actual) = match &event.reason {
            Some(RejectionReason::PriceMismatch { expected, actual }) => {
                (None, Some(money(Money::new(*expected, currency))), Some(money(Money::new(*actual, currency))))
            }
            Some(RejectionReason::OutOfStock { sku } | RejectionReason::UnknownSku { sku }) => {
                (clean(name_of(sku, order), LONGEST_PRODUCT), None, None)
            }
            _ => (None, None, None),
        };
        let lines = order.lines.iter().map(|line| Line {
            name: clean(&line.name, LONGEST_PRODUCT).unwrap_or_else(|| line.sku.to_string()),
            quantity: line.quantity,
            price: money(Money::new(line.unit_price.amount.saturating_mul(line.quantity.into()), currency)),
        });
        Self {
            retailer: retailer.to_owned(),
            support: support.to_owned(),
            support_link: if support.starts_with("https://") {
                support.to_owned()
            } else {
                format!("mailto:{support}")
            },
            order: event.order_id.to_string(),
            total: money(event.total),
            refunded: money(Money::new(event.refunded, currency)),
            delivery: Some(order.delivery).filter(|delivery| delivery.amount > 0).map(money),
            vat: Some(Money::new(order.vat, currency)).filter(|vat| vat.amount > 0).map(money),
            undelivered: event.status == OrderStatus::Cancelled,
            lines: lines.collect(),
            name: clean(&order.customer.name, LONGEST_NAME),
            carrier: event.shipment.as_ref().and_then(|shipment| clean(&shipment.carrier, LONGEST_NAME)),
            tracking: event.shipment.as_ref().and_then(|shipment| clean(&shipment.tracking_number, LONGEST_NAME)),
            reason: event.reason.as_ref().and_then(code_of).unwrap_or_default(),
            item,
            currency: match &event.reason {
                Some(RejectionReason::CurrencyNotSold { currency }) => Some(currency.to_string()),
                _ => None,
            },
            expected,
            actual,
        }
    }
}

fn name_of<'a>(sku: &'a Sku, order: &'a Order) -> &'a str {
    order.lines.iter().find(|line| line.sku == *sku).map_or(sku.as_str(), |line| &line.name)
}

/// The reason's code as it is stored.
fn code_of(reason: &RejectionReason) -> Option<String> {
    serde_json::to_value(reason).ok()?.get("code").and_then(Value::as_str).map(str::to_owned)
}

/// The amount as people write it: with a sign where the currency is unmistakable.
fn money(money: Money) -> String {
    let amount = format!("{}.{:02}", money.amount / 100, money.amount % 100);
    match money.currency {
        Currency::GBP => format!("£{amount}"),
        currency => format!("{currency} {amount}"),
    }
}
