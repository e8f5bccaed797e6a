//! Products and their stock: what validate reads and the warehouse writes.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::Client;
use order_domain::catalogue::{PriceList, Product};
use order_domain::charges::DeliveryCharge;
use order_domain::id::Sku;
use order_domain::money::Currency;
use serde::{Deserialize, Serialize};

use super::items::{delivery_key, product_key, read, stock_key};
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

/// Writes a product and spreads `units` over its stock items, replacing what was there.
///
/// # Errors
/// When DynamoDB does not take them.
pub async fn put_product(client: &Client, table: &str, product: &Product, units: u64) -> Result<(), Failure> {
    let what = format!("product {} could not be written to {table}", product.sku);
    let form = |error| Failure::transient(format!("product {} has no stored form", product.sku), error);
    let mut item: Item = serde_dynamo::to_item(product).map_err(form)?;
    item.extend(product_key(&product.sku));
    let mut items = vec![item];
    let shards = u64::from(product.stock_shards.max(1));
    for shard in 0..product.stock_shards.max(1) {
        let free = units / shards + u64::from(u64::from(shard) < units % shards);
        let level = StockLevel { free, reserved: 0, sold: 0 };
        let mut item: Item = serde_dynamo::to_item(level).map_err(form)?;
        item.extend(stock_key(&product.sku, shard));
        items.push(item);
    }
    for item in items {
        let put = client.put_item().table_name(table).set_item(Some(item)).send();
        put.await.map_err(|error| classify(&what, error))?;
    }
    Ok(())
}

/// The units of a product, over all of its stock items.
///
/// # Errors
/// When DynamoDB cannot be read.
pub async fn stock_level(client: &Client, table: &str, product: &Product) -> Result<StockLevel, Failure> {
    let what = format!("the stock of {} could not be read from {table}", product.sku);
    let mut sum = StockLevel::default();
    for shard in 0..product.stock_shards.max(1) {
        let get =
            client.get_item().table_name(table).set_key(Some(stock_key(&product.sku, shard))).consistent_read(true);
        let got = get.send().await.map_err(|error| classify(&what, error))?;
        if let Some(item) = got.item {
            let level: StockLevel = read(item, &what)?;
            sum.free += level.free;
            sum.reserved += level.reserved;
            sum.sold += level.sold;
        }
    }
    Ok(sum)
}
