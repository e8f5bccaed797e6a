//! Query: answers the API's reads.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use order_domain::event::Event;
use order_domain::id::{CustomerId, OrderId};
use order_domain::order::Order;
use serde::Serialize;
use serde_json::{Value, json};

use crate::failure::{Failure, chain};
use crate::ports::{Cursor, NotificationRecord, Reads, SentHistory};

/// Orders on one page where the client names no limit.
pub const DEFAULT_LIMIT: u16 = 20;
/// Most orders on one page.
pub const MAX_LIMIT: u16 = 100;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// `GET /orders/{orderId}`
    Order(String),
    /// `GET /orders/{orderId}/history`
    History(String),
    /// `GET /customers/{customerId}/orders?limit=…&cursor=…`
    CustomerOrders {
        /// Whose.
        customer: String,
        /// How many.
        limit: Option<String>,
        /// From where.
        cursor: Option<String>,
    },
}

/// The answer, ready for HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The document; `application/problem+json` (RFC 9457) where the status is an error.
    pub body: Value,
    /// Seconds after which to ask again.
    pub retry_after: Option<u32>,
}

/// The reading stage.
#[derive(Debug)]
pub struct Query<D> {
    /// Orders and their history.
    pub database: D,
}

impl<D: Reads + SentHistory> Query<D> {
    /// Answers a question.
    pub async fn answer(&self, question: Question) -> Answer {
        let answered = match question {
            Question::Order(id) => self.order(&id).await,
            Question::History(id) => self.history(&id).await,
            Question::CustomerOrders { customer, limit, cursor } => {
                self.customer_orders(&customer, limit, cursor).await
            }
        };
        answered.unwrap_or_else(|failure| {
            tracing::error!(error = %chain(&failure), "a read failed");
            let detail = "The order store cannot be read now. Orders are still accepted; ask again.";
            Answer { retry_after: Some(2), ..problem(503, "Service Unavailable", detail) }
        })
    }

    async fn order(&self, id: &str) -> Result<Answer, Failure> {
        let Ok(id) = OrderId::new(id) else { return Ok(no_id("orderId", &OrderId::pattern())) };
        Ok(match self.database.order(&id).await? {
            Some(order) => ok(view(&order)),
            None => not_yet(&id),
        })
    }

    async fn history(&self, id: &str) -> Result<Answer, Failure> {
        let Ok(id) = OrderId::new(id) else { return Ok(no_id("orderId", &OrderId::pattern())) };
        let (events, told) = futures::try_join!(self.database.history(&id), self.database.told(&id))?;
        if events.is_empty() {
            return Ok(not_yet(&id));
        }
        let (mut readable, mut unreadable) = (Vec::new(), Vec::new());
        for (number, event) in events {
            match event {
                Ok(event) => readable.push(with_notifications(&event, &told)),
                Err(failure) => {
                    tracing::error!(error = %chain(&failure), "a history is shown without an event");
                    unreadable.push(number);
                }
            }
        }
        Ok(ok(with_unreadable(json!({ "orderId": id, "events": readable }), &unreadable)))
    }

    async fn customer_orders(
        &self,
        customer: &str,
        limit: Option<String>,
        cursor: Option<String>,
    ) -> Result<Answer, Failure> {
        let Ok(customer) = CustomerId::new(customer) else {
            return Ok(no_id("customerId", &CustomerId::pattern()));
        };
        let limit = match limit.map(|text| text.parse::<u16>()) {
            None => DEFAULT_LIMIT,
            Some(Ok(limit @ 1..=MAX_LIMIT)) => limit,
            Some(_) => return Ok(problem(400, "Bad Request", &format!("limit must be 1 to {MAX_LIMIT}"))),
        };
        let cursor = match cursor.as_deref().map(read_cursor) {
            None => None,
            Some(Some(cursor)) => Some(cursor),
            Some(None) => return Ok(problem(400, "Bad Request", "cursor must be the `next` of the page before")),
        };
        let page = self.database.customer_orders(&customer, limit, cursor.as_ref()).await?;
        for (_, failure) in &page.unreadable {
            tracing::error!(error = %chain(failure), "a list of orders is shown without an order");
        }
        let unreadable: Vec<_> = page.unreadable.iter().map(|(id, _)| id).collect();
        let shown = json!({ "orders": page.orders, "next": page.next.as_ref().map(write_cursor) });
        Ok(ok(with_unreadable(shown, &unreadable)))
    }
}

/// What a client sees of an order: not the payment token, not what only serves the pipeline.
fn view(order: &Order) -> Value {
    json!({
        "orderId": order.order_id,
        "customerId": order.customer_id,
        "status": order.status,
        "paymentStatus": order.payment_status,
        "shipmentStatus": order.shipment_status,
        "reason": order.reason,
        "lines": order.lines.iter().map(|line| json!({
            "sku": line.sku, "name": line.name, "quantity": line.quantity, "unitPrice": line.unit_price,
        })).collect::<Vec<_>>(),
        "delivery": order.delivery,
        "total": order.total,
        "vat": order.vat,
        "shipment": order.shipment,
        "cancellation": order.cancellation,
        "refunded": order.refunded,
        "attention": order.attention,
        "shippingAddress": order.shipping_address,
        "notify": order.notify,
        "version": order.version,
        "createdAt": order.created_at,
        "updatedAt": order.updated_at,
        "confirmedAt": order.confirmed_at,
    })
}

/// An event, with what its customer was told of it. Topics are left out: they are for other systems.
fn with_notifications(event: &Event, told: &[NotificationRecord]) -> Value {
    let told: Vec<&NotificationRecord> = told.iter().filter(|told| told.sequence == event.sequence).collect();
    let mut shown = json!(event);
    shown["notifications"] = json!(told);
    shown
}

/// What is stored and cannot be read is named: whoever asks must not take the rest for all. Usually there is none, and no field.
fn with_unreadable<T: Serialize>(mut shown: Value, unreadable: &[T]) -> Value {
    if !unreadable.is_empty() {
        shown["unreadable"] = json!(unreadable);
    }
    shown
}

fn ok(body: Value) -> Answer {
    Answer { status: 200, body, retry_after: None }
}

/// Between the API's 202 and the first stage an order is in the queue only.
fn not_yet(id: &OrderId) -> Answer {
    let detail = format!("No order {id} is stored. If it was accepted a moment ago, ask again.");
    Answer { retry_after: Some(1), ..problem(404, "Not Found", &detail) }
}

fn no_id(name: &str, pattern: &str) -> Answer {
    problem(400, "Bad Request", &format!("{name} must match {pattern}"))
}

fn problem(status: u16, title: &str, detail: &str) -> Answer {
    let body = json!({ "type": "about:blank", "title": title, "status": status, "detail": detail });
    Answer { status, body, retry_after: None }
}

fn write_cursor(cursor: &Cursor) -> String {
    // Two strings always serialise.
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(cursor).unwrap_or_default())
}

fn read_cursor(text: &str) -> Option<Cursor> {
    let cursor: Cursor = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
    // Every place in the index ends with its order.
    cursor.sort.ends_with(&format!("#{}", cursor.order_id)).then_some(cursor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_was_and_anything_else_is_none() {
        let cursor = Cursor { order_id: OrderId::new("ord-1").unwrap(), sort: "2026#ord-1".into() };
        assert_eq!(read_cursor(&write_cursor(&cursor)), Some(cursor));
        for wrong in ["", "x", "e30", "bnVsbA", "💥", "eyJvIjoiMSIsInMiOiIifQ"] {
            assert_eq!(read_cursor(wrong), None, "{wrong}");
        }
    }
}
