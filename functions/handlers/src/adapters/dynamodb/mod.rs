//! The two tables on DynamoDB.

pub mod catalogue;
mod events;
mod items;
mod open_orders;
mod orders;
mod reads;
mod sent;
mod stock;
pub mod warehouse;

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use order_contract::{table, variable};

use super::aws::classify;
use super::settings::{self, SettingError};
use crate::failure::Failure;

/// An item as DynamoDB holds it.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// Most keys of one BatchGetItem (docs.aws.amazon.com/amazondynamodb, BatchGetItem).
const KEYS_PER_BATCH: usize = 100;
/// How often keys that a batch left unread are asked for again before the queue's backoff takes over.
const BATCH_ROUNDS: usize = 4;

/// The tables.
#[derive(Debug, Clone)]
pub struct DynamoDb {
    client: Client,
    orders: String,
    inventory: String,
}

impl DynamoDb {
    /// The tables with these names.
    #[must_use]
    pub fn new(client: Client, orders: impl Into<String>, inventory: impl Into<String>) -> Self {
        Self { client, orders: orders.into(), inventory: inventory.into() }
    }

    /// The tables that the environment names. A function without access to the inventory does not get that table's name.
    ///
    /// # Errors
    /// When it names no orders table.
    pub fn from_environment(client: Client) -> Result<Self, SettingError> {
        let inventory = settings::text(variable::INVENTORY_TABLE).unwrap_or_default();
        Ok(Self { client, orders: settings::text(variable::ORDERS_TABLE)?, inventory })
    }

    /// Reads items by their keys, consistently, in as few calls as there can be, each with the name that the caller has for
    /// its key; missing items are left out.
    async fn batch_get<N>(
        &self,
        table: &str,
        wanted: impl IntoIterator<Item = (N, Item)>,
        what: &str,
    ) -> Result<Vec<(N, Item)>, Failure> {
        let named = |(name, key): (N, Item)| Some((key_of(&key)?, (name, key)));
        // By its key, since a batch refuses a key that it holds twice.
        let mut wanted: BTreeMap<_, _> = wanted.into_iter().filter_map(named).collect();
        let keys: Vec<Item> = wanted.values().map(|(_, key)| key.clone()).collect();
        let items = self.items_of_keys(table, &keys, what).await?;
        let with_name = |item: Item| {
            let (name, _) = wanted.remove(&key_of(&item)?)?;
            Some((name, item))
        };
        Ok(items.into_iter().filter_map(with_name).collect())
    }

    async fn items_of_keys(&self, table: &str, keys: &[Item], what: &str) -> Result<Vec<Item>, Failure> {
        let mut items = Vec::with_capacity(keys.len());
        for chunk in keys.chunks(KEYS_PER_BATCH) {
            let mut wanted = Some(chunk.to_vec());
            for _ in 0..BATCH_ROUNDS {
                let Some(keys) = wanted.take() else { break };
                let request = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
                let request = request.map_err(|error| Failure::transient(what, error))?;
                let read = self.client.batch_get_item().request_items(table, request).send().await;
                let read = read.map_err(|error| classify(what, error))?;
                items.extend(read.responses.unwrap_or_default().remove(table).unwrap_or_default());
                wanted = read
                    .unprocessed_keys
                    .unwrap_or_default()
                    .remove(table)
                    .map(|left| left.keys)
                    .filter(|left| !left.is_empty());
            }
            if wanted.is_some() {
                return Err(Failure::transient_because(format!(
                    "{what}: DynamoDB left keys unread {BATCH_ROUNDS} times"
                )));
            }
        }
        Ok(items)
    }
}

fn string(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// An item's key, as two texts; `None` where it has none.
fn key_of(item: &Item) -> Option<(String, String)> {
    let part = |name| item.get(name)?.as_s().ok().cloned();
    Some((part(table::PARTITION_KEY)?, part(table::SORT_KEY)?))
}

fn key(partition: String, sort: impl Into<String>) -> Item {
    Item::from([(table::PARTITION_KEY.to_owned(), string(partition)), (table::SORT_KEY.to_owned(), string(sort))])
}
