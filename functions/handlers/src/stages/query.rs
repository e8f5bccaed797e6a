//! Query: answers the API's reads.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use order_contract::api::answers::{CustomerOrders, History, HistoryEvent, OrderView, ProblemDocument};
use order_domain::id::{CustomerId, OrderId};
use serde::Serialize;
use serde_json::Value;

use crate::failure::{Failure, chain};
use crate::ports::{Cursor, Reads, SentHistory};

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
            Some(order) => ok(OrderView::from(order)),
            None => not_yet(&id),
        })
    }

    async fn history(&self, id: &str) -> Result<Answer, Failure> {
        let Ok(id) = OrderId::new(id) else { return Ok(no_id("orderId", &OrderId::pattern())) };
        let (events, told) = futures::try_join!(self.database.history(&id), self.database.told(&id))?;
        if events.is_empty() {
            return Ok(not_yet(&id));
        }
        let mut history = History { order_id: id, events: Vec::new(), unreadable: Vec::new() };
        for (number, event) in events {
            match event {
                Ok(event) => {
                    let of_event = told.iter().filter(|(sequence, _)| *sequence == event.sequence);
                    let notifications = of_event.map(|(_, notification)| notification.clone()).collect();
                    history.events.push(HistoryEvent { event, notifications });
                }
                Err(failure) => {
                    tracing::error!(error = %chain(&failure), "a history is shown without an event");
                    history.unreadable.push(number);
                }
            }
        }
        Ok(ok(history))
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
        let unreadable = page.unreadable.into_iter().map(|(id, _)| id).collect();
        Ok(ok(CustomerOrders { orders: page.orders, next: page.next.as_ref().map(write_cursor), unreadable }))
    }
}

fn ok(document: impl Serialize) -> Answer {
    with_status(200, document)
}

fn with_status(status: u16, document: impl Serialize) -> Answer {
    // The API's documents have field names only as keys: they always serialise.
    Answer { status, body: serde_json::to_value(document).unwrap_or_default(), retry_after: None }
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
    with_status(status, ProblemDocument::new(status, title, detail))
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
