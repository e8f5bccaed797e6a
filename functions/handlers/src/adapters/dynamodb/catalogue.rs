//! Products and their stock: what validate reads and the warehouse writes.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::Client;
use order_domain::catalogue::Product;
use order_domain::id::Sku;
use serde::{Deserialize, Serialize};

use super::DynamoDb;
use super::items::{product_key, read};
use super::warehouse::{Warehouse, sum};
use crate::failure::Failure;
use crate::ports::Catalogue;

impl Catalogue for DynamoDb {
    async fn products(&self, skus: &BTreeSet<Sku>) -> Result<BTreeMap<Sku, Product>, Failure> {
        let what = format!("{} products could not be read", skus.len());
        let items = self.batch_get(&self.inventory, skus.iter().map(product_key).collect(), &what).await?;
        let products = items.into_iter().map(|item| read::<Product>(item, "a product of the catalogue"));
        products.map(|product| product.map(|product| (product.sku.clone(), product))).collect()
    }
}

/// Units of a SKU, over all of its stock items.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockLevel {
    /// Can be reserved.
    pub free: u64,
    /// Held for orders that are not dispatched.
    pub reserved: u64,
    /// Dispatched.
    pub sold: u64,
}

/// Writes a product, and says how many of its units are free, spread over its stock items. What orders hold and what was
/// sold stays as it is.
///
/// # Errors
/// When DynamoDB does not take them.
pub async fn put_product(client: &Client, table: &str, product: &Product, units: u64) -> Result<(), Failure> {
    let warehouse = Warehouse::new(client.clone(), table);
    let put = async {
        warehouse.put_product(product).await?;
        warehouse.set(&product.sku, units, product.stock_shards).await
    };
    put.await.map_err(|error| Failure::transient(format!("product {} could not be put on sale", product.sku), error))
}

/// The units of a product, over all of its stock items.
///
/// # Errors
/// When DynamoDB cannot be read.
pub async fn stock_level(client: &Client, table: &str, product: &Product) -> Result<StockLevel, Failure> {
    let shards = Warehouse::new(client.clone(), table).shards(&product.sku).await;
    let shards = shards.map_err(|error| Failure::transient(format!("the stock of {}", product.sku), error))?;
    Ok(sum(&shards))
}
