//! The warehouse's writes: products and free units.
//!
//! Only `free` is changed here: no write of this module changes the reserved or sold units of an existing item. Each write
//! is conditional on the units that were read, so that orders that race with it lose nothing.

mod plan;
mod stock;

use aws_sdk_dynamodb::Client;
use order_contract::table;
use order_domain::catalogue::Product;
use order_domain::id::Sku;

use super::items::{product_key, stock_key};
use super::{Item, number, string};
use order_domain::stock::StockLevel;

/// Most stock items of a SKU: adding to them is one transaction, and at about 500 reservations a second for each, 64 take
/// more orders than any other part of the pipeline.
pub const MAXIMUM_SHARDS: u16 = 64;
/// Most free units of a SKU: far above any warehouse, far below what a number of DynamoDB or JSON holds exactly.
pub const MAXIMUM_UNITS: u64 = 1_000_000_000;

/// A failed request of the warehouse to the inventory table.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct WarehouseError {
    what: String,
    #[source]
    cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl WarehouseError {
    fn new(what: impl Into<String>, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { what: what.into(), cause: Some(cause.into()) }
    }

    fn because(what: impl Into<String>) -> Self {
        Self { what: what.into(), cause: None }
    }
}

/// The units of one stock item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShardLevel {
    /// Its number, from 0.
    pub shard: u16,
    /// Its units.
    pub level: StockLevel,
}

/// The sum of some stock items.
#[must_use]
pub fn sum(shards: &[ShardLevel]) -> StockLevel {
    shards.iter().fold(StockLevel::default(), |sum, shard| StockLevel {
        free: sum.free.saturating_add(shard.level.free),
        reserved: sum.reserved.saturating_add(shard.level.reserved),
        sold: sum.sold.saturating_add(shard.level.sold),
    })
}

/// The warehouse's access to the inventory table.
#[derive(Debug, Clone)]
pub struct Warehouse {
    client: Client,
    table: String,
}

impl Warehouse {
    /// The warehouse behind this table.
    #[must_use]
    pub fn new(client: Client, table: &str) -> Self {
        Self { client, table: table.to_owned() }
    }

    /// Every product, sorted by SKU.
    ///
    /// # Errors
    /// When DynamoDB cannot be read.
    pub async fn products(&self) -> Result<Vec<Product>, WarehouseError> {
        let what = format!("the products of {} could not be read", self.table);
        let mut products = Vec::new();
        let mut from = None;
        loop {
            let page = self
                .client
                .scan()
                .table_name(&self.table)
                .filter_expression("sk = :product")
                .expression_attribute_values(":product", string("PRODUCT"))
                .consistent_read(true)
                .set_exclusive_start_key(from)
                .send()
                .await
                .map_err(|error| WarehouseError::new(&what, error))?;
            for item in page.items.unwrap_or_default() {
                let product = serde_dynamo::from_item(item);
                products.push(product.map_err(|error| WarehouseError::new(&what, error))?);
            }
            from = page.last_evaluated_key;
            if from.is_none() {
                products.sort_by(|one: &Product, other| one.sku.cmp(&other.sku));
                return Ok(products);
            }
        }
    }

    /// One product, if there is such a one.
    ///
    /// # Errors
    /// When DynamoDB cannot be read.
    pub async fn product(&self, sku: &Sku) -> Result<Option<Product>, WarehouseError> {
        let what = format!("product {sku} could not be read from {}", self.table);
        let get = self.client.get_item().table_name(&self.table).set_key(Some(product_key(sku))).consistent_read(true);
        let got = get.send().await.map_err(|error| WarehouseError::new(&what, error))?;
        got.item.map(serde_dynamo::from_item).transpose().map_err(|error| WarehouseError::new(what, error))
    }

    /// Every stock item of a SKU, those included that are more than its product has shards: they may hold reserved units.
    ///
    /// # Errors
    /// When DynamoDB cannot be read.
    pub async fn shards(&self, sku: &Sku) -> Result<Vec<ShardLevel>, WarehouseError> {
        let what = format!("the stock of {sku} could not be read from {}", self.table);
        let partition = product_key(sku).remove(table::PARTITION_KEY).unwrap_or_else(|| string(""));
        let mut shards = Vec::new();
        let mut from = None;
        loop {
            let page = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("pk = :sku AND begins_with(sk, :stock)")
                .expression_attribute_values(":sku", partition.clone())
                .expression_attribute_values(":stock", string("STOCK#"))
                .consistent_read(true)
                .set_exclusive_start_key(from)
                .send()
                .await
                .map_err(|error| WarehouseError::new(&what, error))?;
            for item in page.items.unwrap_or_default() {
                let sort = item.get(table::SORT_KEY).and_then(|sort| sort.as_s().ok());
                let shard = sort.and_then(|sort| sort.rsplit('#').next()?.parse().ok());
                let shard = shard.ok_or_else(|| WarehouseError::because(format!("{what}: an item has no number")))?;
                let level = serde_dynamo::from_item(item).map_err(|error| WarehouseError::new(&what, error))?;
                shards.push(ShardLevel { shard, level });
            }
            from = page.last_evaluated_key;
            if from.is_none() {
                return Ok(shards);
            }
        }
    }

    /// Writes a product's fields, and leaves whatever else its item holds. Its stock follows the number of shards with
    /// [`Self::spread`].
    ///
    /// # Errors
    /// When DynamoDB does not take it.
    pub async fn put_product(&self, product: &Product) -> Result<(), WarehouseError> {
        let what = format!("product {} could not be written to {}", product.sku, self.table);
        let item: Item = serde_dynamo::to_item(product).map_err(|error| WarehouseError::new(&what, error))?;
        let (fields, values): (Vec<_>, Vec<_>) = item.into_iter().unzip();
        let sets: Vec<String> = (0..fields.len()).map(|place| format!("#n{place} = :v{place}")).collect();
        let names = fields.into_iter().enumerate().map(|(place, name)| (format!("#n{place}"), name)).collect();
        let values = values.into_iter().enumerate().map(|(place, value)| (format!(":v{place}"), value)).collect();
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(product_key(&product.sku)))
            .update_expression(format!("SET {}", sets.join(", ")))
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(values));
        update.send().await.map(drop).map_err(|error| WarehouseError::new(what, error))
    }
}
