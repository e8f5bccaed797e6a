//! What the API answers: the types that write, read and describe each document.
//!
//! What an order does not have is `null`. A field that is left out instead says so.

use std::collections::BTreeSet;

use order_domain::event::Event;
use order_domain::id::{CustomerId, OrderId, Sku};
use order_domain::money::Money;
use order_domain::order::{
    Attention, CancellationReason, Line, Order, OrderStatus, PaymentStatus, RejectionReason, Shipment, ShipmentStatus,
};
use order_domain::request::{Address, Channel};
use order_domain::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The receipt of a document: it is stored in its queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Accepted {
    /// Always `RECEIVED`.
    pub status: ReceiptStatus,
    /// The id of the queue's message.
    pub receipt: String,
}

/// The status of a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReceiptStatus {
    /// The document is stored and will be processed.
    Received,
}

/// An order, without the payment token and what only serves the pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderView {
    /// The order.
    pub order_id: OrderId,
    /// Who ordered.
    pub customer_id: CustomerId,
    /// Where the order stands.
    pub status: OrderStatus,
    /// Where its payment stands.
    pub payment_status: PaymentStatus,
    /// Where its parcel is.
    pub shipment_status: ShipmentStatus,
    /// Why it ended, where it ended badly.
    pub reason: Option<RejectionReason>,
    /// What is ordered; empty where the order was rejected before it could be priced.
    pub lines: Vec<LineView>,
    /// What delivery costs.
    pub delivery: Money,
    /// What it costs, delivery included.
    pub total: Money,
    /// The tax that the total includes, in minor units.
    pub vat: u64,
    /// Who carries it, from its dispatch on.
    pub shipment: Option<Shipment>,
    /// Why it is to be cancelled, if cancellation was requested.
    pub cancellation: Option<CancellationReason>,
    /// What was refunded to the customer, in minor units.
    pub refunded: u64,
    /// Why a person has to check it, until it changes again.
    pub attention: Option<Attention>,
    /// Where it goes.
    pub shipping_address: Address,
    /// The channels on which the customer wants to be notified.
    pub notify: BTreeSet<Channel>,
    /// Rises by one with every change: the number of the last event.
    pub version: u64,
    /// When the API accepted it.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
    /// When it was confirmed.
    pub confirmed_at: Option<Timestamp>,
}

/// One line of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LineView {
    /// The product.
    pub sku: Sku,
    /// Its name when it was ordered.
    pub name: String,
    /// How many.
    pub quantity: u32,
    /// The price of one when it was ordered.
    pub unit_price: Money,
}

/// An order's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct History {
    /// The order.
    pub order_id: OrderId,
    /// Its events, oldest first.
    pub events: Vec<HistoryEvent>,
    /// Numbers of events that are stored and cannot be read now; left out when there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<u64>,
}

/// An event, and how the customer was notified of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HistoryEvent {
    /// The event.
    #[serde(flatten)]
    pub event: Event,
    /// How the customer was notified of the event; empty where nothing was sent, or not yet.
    pub notifications: Vec<NotificationRecord>,
}

impl std::ops::Deref for HistoryEvent {
    type Target = Event;
    fn deref(&self) -> &Event {
        &self.event
    }
}

/// A notification of a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotificationRecord {
    /// The channel.
    pub channel: Channel,
    /// Whether the channel took it.
    pub outcome: NotificationOutcome,
    /// Why it was refused, at once (e.g. `INVALID_NUMBER`) or later (e.g. `BOUNCED`); left out when it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub reason: Option<String>,
    /// When; left out when it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Timestamp")]
    pub at: Option<Timestamp>,
}

/// Whether a channel took a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum NotificationOutcome {
    /// It was handed to the channel.
    Sent,
    /// It was refused for good, at once or after the channel had taken it: it is never retried.
    Refused,
}

/// One page of a customer's orders.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustomerOrders {
    /// The orders, newest first.
    pub orders: Vec<CustomerOrder>,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
    /// Ids of orders that are stored and cannot be read now; left out when there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<OrderId>,
}

/// An order in a customer's list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomerOrder {
    /// The order.
    pub order_id: OrderId,
    /// Where it stands.
    pub status: OrderStatus,
    /// Where its payment stands.
    pub payment_status: PaymentStatus,
    /// Where its parcel is.
    pub shipment_status: ShipmentStatus,
    /// What it costs.
    pub total: Money,
    /// When the API accepted it.
    pub created_at: Timestamp,
}

/// An error (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProblemDocument {
    /// Always `about:blank`: the status says what kind of error it is.
    #[serde(rename = "type")]
    pub kind: String,
    /// What happened, in a few words.
    pub title: String,
    /// The HTTP status; left out where API Gateway does not know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u16")]
    pub status: Option<u16>,
    /// What happened, in a sentence.
    pub detail: String,
    /// API Gateway's id of the request; left out where the request reached the function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub instance: Option<String>,
}

impl ProblemDocument {
    /// The media type of errors.
    pub const MEDIA_TYPE: &str = "application/problem+json";

    /// An error with a status.
    #[must_use]
    pub fn new(status: u16, title: &str, detail: &str) -> Self {
        let (title, detail) = (title.to_owned(), detail.to_owned());
        Self { kind: "about:blank".to_owned(), title, status: Some(status), detail, instance: None }
    }
}

impl From<Order> for OrderView {
    fn from(order: Order) -> Self {
        Self {
            order_id: order.order_id,
            customer_id: order.customer_id,
            status: order.status,
            payment_status: order.payment_status,
            shipment_status: order.shipment_status,
            reason: order.reason,
            lines: order.lines.into_iter().map(LineView::from).collect(),
            delivery: order.delivery,
            total: order.total,
            vat: order.vat,
            shipment: order.shipment,
            cancellation: order.cancellation,
            refunded: order.refunded,
            attention: order.attention,
            shipping_address: order.shipping_address,
            notify: order.notify,
            version: order.version,
            created_at: order.created_at,
            updated_at: order.updated_at,
            confirmed_at: order.confirmed_at,
        }
    }
}

impl From<Line> for LineView {
    fn from(line: Line) -> Self {
        Self { sku: line.sku, name: line.name, quantity: line.quantity, unit_price: line.unit_price }
    }
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;
    use serde_json::{Value, json};

    use super::*;

    /// Reads the text, and writes it again, character by character; returns it as a document.
    fn pinned<T: Serialize + DeserializeOwned>(text: &str) -> T {
        let read: T = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), text);
        read
    }

    const AT: &str = "2025-11-24T16:00:00.000Z";

    #[test]
    fn a_receipt_and_a_problem_are_written_as_they_are_read() {
        pinned::<Accepted>(r#"{"status":"RECEIVED","receipt":"m-1"}"#);
        let text = r#"{"type":"about:blank","title":"Not Found","status":404,"detail":"No order."}"#;
        assert_eq!(pinned::<ProblemDocument>(text), ProblemDocument::new(404, "Not Found", "No order."));
        pinned::<ProblemDocument>(r#"{"type":"about:blank","title":"Forbidden","detail":"No.","instance":"r-1"}"#);
    }

    #[test]
    fn an_order_is_shown_without_its_token_and_what_it_does_not_have_is_null() {
        let money = json!({ "amount": 1000, "currency": "GBP" });
        let address = json!({ "line1": "1 High Street", "city": "Leeds", "postcode": "LS1 1AA", "country": "GB" });
        let order: Order = serde_json::from_value(json!({
            "orderId": "ord-1", "customerId": "cus-1", "customer": { "name": "A", "email": "a@example.com" },
            "notify": ["EMAIL"], "shippingAddress": address, "paymentMethod": "pm_card",
            "lines": [{ "sku": "TEA", "name": "Tea", "quantity": 1, "unitPrice": money, "stockShards": 1 }],
            "delivery": money, "total": money, "status": "VALIDATED", "paymentStatus": "NONE", "shipmentStatus": "NONE",
            "version": 1, "fingerprint": "0".repeat(64), "createdAt": AT, "updatedAt": AT,
        }))
        .unwrap();
        let expected = json!({
            "orderId": "ord-1", "customerId": "cus-1", "status": "VALIDATED", "paymentStatus": "NONE",
            "shipmentStatus": "NONE", "reason": null,
            "lines": [{ "sku": "TEA", "name": "Tea", "quantity": 1, "unitPrice": money }],
            "delivery": money, "total": money, "vat": 0, "shipment": null, "cancellation": null, "refunded": 0,
            "attention": null, "shippingAddress": address, "notify": ["EMAIL"], "version": 1, "createdAt": AT,
            "updatedAt": AT, "confirmedAt": null,
        })
        .to_string();
        assert_eq!(pinned::<OrderView>(&expected), OrderView::from(order));
    }

    #[test]
    fn a_history_leaves_out_what_is_readable_and_what_a_notification_does_not_have() {
        let event = json!({
            "orderId": "ord-1", "customerId": "cus-1", "sequence": 3, "eventType": "ORDER_CONFIRMED", "at": AT,
            "actor": "payment", "cause": "AUTHORISE_PAYMENT", "messageId": "m-1", "status": "CONFIRMED",
            "paymentStatus": "AUTHORISED", "shipmentStatus": "NONE", "total": { "amount": 1, "currency": "GBP" },
            "refundDue": 0, "refunded": 0,
            "notifications": [
                { "channel": "EMAIL", "outcome": "SENT", "at": AT },
                { "channel": "SMS", "outcome": "REFUSED", "reason": "INVALID_NUMBER" },
            ],
        });
        let mut history = json!({ "orderId": "ord-1", "events": [event] });
        assert_eq!(pinned::<History>(&history.to_string()).events[0].sequence, 3);
        history["unreadable"] = json!([4]);
        pinned::<History>(&history.to_string());
    }

    #[test]
    fn a_page_has_a_next_even_if_there_is_none() {
        assert_eq!(pinned::<CustomerOrders>(r#"{"orders":[],"next":null}"#), CustomerOrders::default());
        let order = json!({
            "orderId": "ord-1", "status": "CONFIRMED", "paymentStatus": "AUTHORISED", "shipmentStatus": "NONE",
            "total": { "amount": 1, "currency": "GBP" }, "createdAt": AT,
        });
        let page: Value = json!({ "orders": [order], "next": "abc", "unreadable": ["ord-2"] });
        pinned::<CustomerOrders>(&page.to_string());
    }
}
