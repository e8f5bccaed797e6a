//! Products and their stock: what validate reads and the warehouse writes.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::Client;
use order_domain::catalogue::{PriceList, Product};
use order_domain::charges::DeliveryCharge;
use order_domain::id::Sku;
use order_domain::money::Currency;
use serde::{Deserialize, Serialize};

use super::items::{delivery_key, product_key, read};
use super::warehouse::{Warehouse, sum};
use super::{DynamoDb, Item};
use crate::adapters::aws::classify;
use crate::failure::Failure;
use crate::ports::Catalogue;

impl Catalogue for DynamoDb {
    async fn price_list(&self, skus: &BTreeSet<Sku>, currencies: &BTreeSet<Currency>) -> Result<PriceList, Failure> {
        let what = format!("{} products could not be read", skus.len());
        let keys = skus.iter().map(product_key).chain(currencies.iter().copied().map(delivery_key)).collect();
        let mut prices = PriceList::default();
        for item in self.batch_get(&self.inventory, keys, &what).await? {
            if item.contains_key("charge") {
                let rule: DeliveryCharge = read(item, "a delivery charge of the catalogue")?;
                prices.delivery.insert(rule.currency, rule);
            } else {
                let product: Product = read(item, "a product of the catalogue")?;
                prices.products.insert(product.sku.clone(), product);
            }
        }
        Ok(prices)
    }
}

/// Sets what delivery costs in a currency.
///
/// # Errors
/// When DynamoDB does not take it.
pub async fn put_delivery_charge(client: &Client, table: &str, rule: DeliveryCharge) -> Result<(), Failure> {
    let what = format!("the delivery charge in {} could not be written to {table}", rule.currency);
    let mut item: Item = serde_dynamo::to_item(rule).map_err(|error| Failure::transient(&what, error))?;
    item.extend(delivery_key(rule.currency));
    let put = client.put_item().table_name(table).set_item(Some(item)).send();
    put.await.map(drop).map_err(|error| classify(what, error))
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
