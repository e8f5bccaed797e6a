//! Reads stored events, page by page: the table may hold more than this machine's memory.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use order_contract::table;
use order_domain::id::OrderId;
use order_domain::time::Timestamp;

use super::window::Windows;

/// An item as DynamoDB holds it.
pub type Item = HashMap<String, AttributeValue>;

/// The events cannot be read.
#[derive(Debug, thiserror::Error)]
#[error(
    "the events in {table} could not be read; look at the environment, and at your permission to scan and query it"
)]
pub struct ReadError {
    table: String,
    #[source]
    source: Box<dyn std::error::Error + Send + Sync>,
}

/// The events of some windows, of one order or of all.
#[derive(Debug)]
pub struct EventReader {
    client: Client,
    table: String,
    order: Option<OrderId>,
    windows: Windows,
    from: Option<Item>,
    ended: bool,
}

impl EventReader {
    /// The events in `table` that happened in the windows, of `order` only where it is given.
    #[must_use]
    pub fn new(client: Client, table: &str, order: Option<OrderId>, windows: Windows) -> Self {
        Self { client, table: table.to_owned(), order, windows, from: None, ended: false }
    }

    /// The next page, which may be empty; `None` after the last.
    ///
    /// # Errors
    ///
    /// When DynamoDB does not answer.
    pub async fn next_page(&mut self) -> Result<Option<Vec<Item>>, ReadError> {
        if self.ended {
            return Ok(None);
        }
        let from = self.from.take();
        let read = match self.order.clone() {
            Some(order) => self.query(&order, from).await,
            None => self.scan(from).await,
        };
        let (items, next) = read.map_err(|source| ReadError { table: self.table.clone(), source })?;
        self.ended = next.is_none();
        self.from = next;
        Ok(Some(items.into_iter().filter(|item| self.wanted(item)).collect()))
    }

    async fn query(&self, order: &OrderId, from: Option<Item>) -> Page {
        let page = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :order AND begins_with(sk, :event)")
            .expression_attribute_values(":order", string(format!("ORDER#{order}")))
            .expression_attribute_values(":event", string(table::EVENT_PREFIX))
            .consistent_read(true)
            .set_exclusive_start_key(from)
            .send()
            .await?;
        Ok((page.items.unwrap_or_default(), page.last_evaluated_key))
    }

    /// The filter saves the way, not the reading: DynamoDB has no index by time, as a replay is rare and an index is paid
    /// with every event.
    async fn scan(&self, from: Option<Item>) -> Page {
        let hull = self.windows.hull();
        let end =
            |of: fn(super::Window) -> Timestamp| string(hull.map(of).map(|at| at.to_string()).unwrap_or_default());
        let page = self
            .client
            .scan()
            .table_name(&self.table)
            .filter_expression(
                "begins_with(sk, :event) AND (#at BETWEEN :since AND :until OR attribute_not_exists(#at))",
            )
            .expression_attribute_names("#at", "at")
            .expression_attribute_values(":event", string(table::EVENT_PREFIX))
            .expression_attribute_values(":since", end(super::Window::since))
            .expression_attribute_values(":until", end(super::Window::until))
            .consistent_read(true)
            .set_exclusive_start_key(from)
            .send()
            .await?;
        Ok((page.items.unwrap_or_default(), page.last_evaluated_key))
    }

    /// An event without a time that can be read is in every window: only the function can say what it is.
    fn wanted(&self, item: &Item) -> bool {
        let at = item.get("at").and_then(|at| at.as_s().ok()?.parse::<Timestamp>().ok());
        at.is_none_or(|at| self.windows.contain(at))
    }
}

type Page = Result<(Vec<Item>, Option<Item>), Box<dyn std::error::Error + Send + Sync>>;

fn string(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}
