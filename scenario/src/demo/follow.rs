//! Following orders to their end. The table is read and not the API: a hundred orders with one call.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use order_contract::table;
use order_domain::order::Order;

use super::error::DemoError;
use terminal::progress::Step;

/// Most keys of one BatchGetItem.
const KEYS_PER_BATCH: usize = 100;
/// Waits between two reads: short at first, so that a short run is not slowed down.
const SHORTEST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// The shortest pause, as a multiple of the time of the read before: reads must not slow down the pipeline.
const PAUSE_PER_LOOK: u32 = 9;

/// The pauses between reads: short while orders change, longer and longer while none does.
#[derive(Debug)]
pub(super) struct Pace {
    wait: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { wait: SHORTEST_WAIT }
    }
}

impl Pace {
    /// Pauses after a read that took `took`; `moved`: it showed a change.
    pub(super) async fn rest(&mut self, took: Duration, moved: bool) {
        self.wait = if moved { SHORTEST_WAIT } else { (self.wait * 2).min(LONGEST_WAIT) };
        tokio::time::sleep(self.wait.max(took * PAUSE_PER_LOOK)).await;
    }
}

/// How long `orders` orders may take to reach their end.
#[must_use]
pub fn patience(orders: usize) -> Duration {
    Duration::from_secs(60) + Duration::from_millis(500) * u32::try_from(orders).unwrap_or(u32::MAX)
}

/// Reads the orders again and again until every one is at an end or the time is up; the stored orders, by id, as last read.
///
/// # Errors
///
/// [`DemoError::Call`] when the table cannot be read.
pub async fn follow(
    client: &Client,
    orders_table: &str,
    ids: &BTreeSet<String>,
    patience: Duration,
    step: &Step,
) -> Result<HashMap<String, Order>, DemoError> {
    let deadline = Instant::now() + patience;
    let mut stored: HashMap<String, Order> = HashMap::new();
    let mut pending: Vec<&String> = ids.iter().collect();
    let mut pace = Pace::default();
    loop {
        let began = Instant::now();
        let read = read(client, orders_table, &pending).await?;
        let took = began.elapsed();
        let moved = read.values().any(|order| !order.status.is_open());
        stored.extend(read);
        pending.retain(|id| stored.get(*id).is_none_or(|order| order.status.is_open()));
        step.done((ids.len() - pending.len()) as u64);
        if pending.is_empty() || Instant::now() >= deadline {
            return Ok(stored);
        }
        pace.rest(took, moved).await;
    }
}

/// Reads orders once, consistently; those that are not stored are left out.
///
/// # Errors
///
/// [`DemoError::Call`] when the table cannot be read.
pub async fn read(client: &Client, orders_table: &str, ids: &[&String]) -> Result<HashMap<String, Order>, DemoError> {
    let mut orders = HashMap::with_capacity(ids.len());
    for chunk in ids.chunks(KEYS_PER_BATCH) {
        let mut wanted: Vec<_> = chunk.iter().map(|id| key(id)).collect();
        while !wanted.is_empty() {
            let what = || format!("reading {} orders from {orders_table}", wanted.len());
            let keys = KeysAndAttributes::builder().set_keys(Some(wanted.clone())).consistent_read(true).build();
            let keys = keys.map_err(|error| DemoError::call(what(), error))?;
            let answer = client.batch_get_item().request_items(orders_table, keys).send().await;
            let answer = answer.map_err(|error| DemoError::call(what(), error))?;
            for item in answer.responses.unwrap_or_default().remove(orders_table).unwrap_or_default() {
                let order: Order = serde_dynamo::from_item(item).map_err(|error| DemoError::call(what(), error))?;
                orders.insert(order.order_id.to_string(), order);
            }
            let left = answer.unprocessed_keys.unwrap_or_default().remove(orders_table);
            wanted = left.map(|left| left.keys).unwrap_or_default();
        }
    }
    Ok(orders)
}

fn key(id: &str) -> HashMap<String, AttributeValue> {
    HashMap::from([
        (table::PARTITION_KEY.to_owned(), AttributeValue::S(format!("ORDER#{id}"))),
        (table::SORT_KEY.to_owned(), AttributeValue::S("ORDER".to_owned())),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_orders_get_more_time() {
        assert_eq!(patience(0), Duration::from_secs(60));
        assert_eq!(patience(500), Duration::from_secs(310));
    }
}
