//! Products and their stock: the validate stage reads them, and the warehouse writes them.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::Client;
use order_domain::catalogue::Product;
use order_domain::charges::DeliveryCharge;
use order_domain::id::Sku;
use order_domain::money::Currency;
use order_domain::stock::StockLevel;

use super::items::{delivery_key, product_key, read};
use super::warehouse::{Warehouse, sum};
use super::{DynamoDb, Item};
use crate::adapters::aws::classify;
use crate::failure::Failure;
use crate::ports::{Catalogue, Prices};

/// A key of the catalogue.
enum Asked<'a> {
    Product(&'a Sku),
    Delivery(Currency),
}

impl Catalogue for DynamoDb {
    async fn price_list(&self, skus: &BTreeSet<Sku>, currencies: &BTreeSet<Currency>) -> Result<Prices, Failure> {
        let what = format!("{} products could not be read", skus.len());
        let products = skus.iter().map(|sku| (Asked::Product(sku), product_key(sku)));
        let delivery = currencies.iter().map(|currency| (Asked::Delivery(*currency), delivery_key(*currency)));
        let items = self.batch_get(&self.inventory, products.chain(delivery), &what).await?;
        Ok(prices(items))
    }
}

fn prices(items: Vec<(Asked<'_>, Item)>) -> Prices {
    let mut prices = Prices::default();
    for (asked, item) in items {
        match asked {
            Asked::Product(sku) => match read::<Product>(item, &format!("product {sku}")) {
                Ok(product) => drop(prices.readable.products.insert(sku.clone(), product)),
                Err(failure) => drop(prices.unreadable_products.insert(sku.clone(), failure)),
            },
            Asked::Delivery(currency) => match read::<DeliveryCharge>(item, &format!("delivery in {currency}")) {
                Ok(rule) => drop(prices.readable.delivery.insert(currency, rule)),
                Err(failure) => drop(prices.unreadable_delivery.insert(currency, failure)),
            },
        }
    }
    prices
}

/// Sets the delivery charge in a currency.
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

#[cfg(test)]
mod tests {
    use order_domain::charges::VatRate;
    use order_domain::money::Money;

    use super::super::string;
    use super::*;
    use crate::failure::{DeadLetterReason, Failure};

    #[test]
    fn a_product_or_charge_that_cannot_be_read_is_named_and_takes_no_other_along() {
        let [tea, mug] = ["TEA", "MUG"].map(|sku| Sku::new(sku).unwrap());
        let unit_price = Money::new(999, Currency::GBP);
        let product =
            Product { sku: tea.clone(), name: "Tea".into(), unit_price, stock_shards: 1, vat_rate: VatRate::Zero };
        let broken = || Item::from([("name".to_owned(), string("a mug without a price"))]);
        let items = vec![
            (Asked::Product(&mug), broken()),
            (Asked::Product(&tea), serde_dynamo::to_item(&product).unwrap()),
            (Asked::Delivery(Currency::GBP), broken()),
        ];
        let prices = prices(items);
        assert_eq!(prices.readable.products.into_iter().collect::<Vec<_>>(), [(tea, product)]);
        assert_eq!(prices.unreadable_products.keys().collect::<Vec<_>>(), [&mug]);
        let failure = &prices.unreadable_delivery[&Currency::GBP];
        let Failure::Permanent { reason: DeadLetterReason::ItemUnreadable, .. } = failure else { panic!("{failure}") };
    }
}
