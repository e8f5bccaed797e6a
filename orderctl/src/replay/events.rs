//! Reads stored events page by page, because the table may be larger than this machine's memory.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use order_contract::table;
use order_domain::id::OrderId;
use order_domain::time::Timestamp;

use super::window::{Window, Windows};

/// A DynamoDB item.
pub type Item = HashMap<String, AttributeValue>;

/// The events cannot be read.
#[derive(Debug, thiserror::Error)]
#[error(
    "the events in {table} could not be read; check the environment and your permissions to scan and query the table"
)]
pub struct ReadError {
    table: String,
    #[source]
    source: Box<dyn std::error::Error + Send + Sync>,
}

/// Reads the events of some time ranges, for one order or for all.
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
    /// A reader for the events in `table` within the windows, and of `order` if one is given.
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

    /// The filter saves transfer, not read capacity. There is no index by time: a replay is rare, and an index would cost a
    /// write for every event.
    async fn scan(&self, from: Option<Item>) -> Page {
        let hull = self.windows.hull();
        let end = |of: fn(Window) -> Timestamp| string(hull.map(of).map(|at| at.to_string()).unwrap_or_default());
        let page = self
            .client
            .scan()
            .table_name(&self.table)
            .filter_expression(
                "begins_with(sk, :event) AND (#at BETWEEN :since AND :until OR attribute_not_exists(#at))",
            )
            .expression_attribute_names("#at", "at")
            .expression_attribute_values(":event", string(table::EVENT_PREFIX))
            .expression_attribute_values(":since", end(Window::since))
            .expression_attribute_values(":until", end(Window::until))
            .consistent_read(true)
            .set_exclusive_start_key(from)
            .send()
            .await?;
        Ok((page.items.unwrap_or_default(), page.last_evaluated_key))
    }

    /// An event without a readable time is in every window: the function decides what it is.
    fn wanted(&self, item: &Item) -> bool {
        let at = item.get("at").and_then(|at| at.as_s().ok()?.parse::<Timestamp>().ok());
        at.is_none_or(|at| self.windows.contain(at))
    }
}

type Page = Result<(Vec<Item>, Option<Item>), Box<dyn std::error::Error + Send + Sync>>;

fn string(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}
