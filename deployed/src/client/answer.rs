//! What the order API answers, as a client sees it.

use std::time::Duration;

use order_domain::event::Event;
use order_domain::id::{CustomerId, OrderId};
use order_domain::money::Money;
use order_domain::order::{Attention, OrderStatus, PaymentStatus, RejectionReason, ShipmentStatus};
use order_domain::request::Channel;
use order_domain::time::Timestamp;
use serde::Deserialize;

/// The answer to an order that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Placed {
    /// It is in the queue and will not be lost.
    Accepted(Accepted),
    /// It was refused, and nothing was done.
    Refused(Problem),
}

/// The receipt of an accepted order.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Accepted {
    /// Always `RECEIVED`.
    pub status: String,
    /// The queue's message id.
    pub receipt: String,
}

/// A refusal, read from `application/problem+json` as far as it is that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// HTTP status.
    pub status: u16,
    /// What happened, in a few words.
    pub title: Option<String>,
    /// What happened, in a sentence.
    pub detail: Option<String>,
    /// The whole body.
    pub body: String,
    /// When to ask again, where the API says so.
    pub retry_after: Option<Duration>,
}

impl Problem {
    pub(super) fn read(status: u16, retry_after: Option<Duration>, body: String) -> Self {
        let document: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
        let text = |field: &str| document.get(field).and_then(serde_json::Value::as_str).map(str::to_owned);
        Self { status, title: text("title").or_else(|| text("message")), detail: text("detail"), body, retry_after }
    }
}

/// An answer to a question about something that may not be there (yet).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found<T> {
    /// It is there.
    Found(T),
    /// It is not, or the question was refused.
    Problem(Problem),
}

impl<T> Found<T> {
    /// What was found.
    #[must_use]
    pub fn found(self) -> Option<T> {
        match self {
            Self::Found(value) => Some(value),
            Self::Problem(_) => None,
        }
    }
}

/// `GET /orders/{orderId}`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
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
    /// What it costs.
    pub total: Money,
    /// What was given back to the customer, in minor units.
    pub refunded: u64,
    /// Why a person has to look at it.
    pub attention: Option<Attention>,
    /// How often it changed.
    pub version: u64,
    /// When the API accepted it.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
    /// When it was confirmed.
    pub confirmed_at: Option<Timestamp>,
}

/// `GET /orders/{orderId}/history`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct History {
    /// The order.
    pub order_id: OrderId,
    /// Its events, oldest first.
    pub events: Vec<HistoryEvent>,
}

/// An event, and how the customer was told of it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct HistoryEvent {
    /// The event.
    #[serde(flatten)]
    pub event: Event,
    /// What became of each of the customer's channels.
    #[serde(default)]
    pub notifications: Vec<NotificationView>,
}

impl std::ops::Deref for HistoryEvent {
    type Target = Event;
    fn deref(&self) -> &Event {
        &self.event
    }
}

/// How a customer was told.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct NotificationView {
    /// The channel.
    pub channel: Channel,
    /// `SENT` or `REFUSED`.
    pub outcome: String,
    /// Why it was refused, where it was.
    #[serde(default)]
    pub reason: Option<String>,
}

/// `GET /customers/{customerId}/orders`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CustomerOrders {
    /// One page of the customer's orders, newest first.
    pub orders: Vec<OrderSummary>,
    /// The cursor of the next page, where there is one.
    pub next: Option<String>,
}

/// An order in a customer's list.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderSummary {
    /// The order.
    pub order_id: OrderId,
    /// Where it stands.
    pub status: OrderStatus,
    /// What it costs.
    pub total: Money,
    /// When the API accepted it.
    pub created_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_document_is_read_and_anything_else_is_kept_as_it_is() {
        let body = r#"{"type":"about:blank","title":"Bad Request","status":400,"detail":"items is missing"}"#;
        let problem = Problem::read(400, None, body.into());
        assert_eq!(problem.title.as_deref(), Some("Bad Request"));
        assert_eq!(problem.detail.as_deref(), Some("items is missing"));
        let plain = Problem::read(502, None, "Bad gateway".into());
        assert_eq!((plain.title, plain.body.as_str()), (None, "Bad gateway"));
    }
}
