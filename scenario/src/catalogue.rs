//! What the local shop sells, and putting it on the shelves.

use aws_sdk_dynamodb::Client;
use futures::future::try_join_all;
use order_domain::catalogue::Product;
use order_domain::charges::{DeliveryCharge, VatRate};
use order_domain::id::{InvalidId, Sku};
use order_domain::money::{Currency, Money};
use order_handlers::adapters::dynamodb::catalogue::{put_delivery_charge, put_product};
use order_handlers::failure::Failure;

use crate::accountant;
use deployed::Connection;
use deployed::client::aws_configuration;

/// A product and how much of it there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stocked {
    /// The product.
    pub product: Product,
    /// Units on the shelves, over all stock items.
    pub units: u64,
}

/// Why the catalogue was not filled.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// A SKU that is none.
    #[error("the built-in catalogue has a bad SKU; fix it in scenario/src/catalogue.rs")]
    Sku(#[from] InvalidId),
    /// The table did not take the delivery charge.
    #[error("the delivery charge was not written to {table}; look whether the environment is up")]
    Delivery {
        /// The inventory table.
        table: String,
        /// What the table said.
        #[source]
        source: Box<Failure>,
    },
    /// The table did not take a product.
    #[error("product {sku} was not written to {table}; look whether the environment is up")]
    Write {
        /// The product.
        sku: Sku,
        /// The inventory table.
        table: String,
        /// What the table said.
        #[source]
        source: Box<Failure>,
    },
}

/// The same as the accountant's price list, with this delivery charge if there is one.
#[must_use]
pub fn shop(products: &[Stocked], delivery: Option<DeliveryCharge>) -> accountant::Shop {
    let product = |stocked: &Stocked| {
        let Product { sku, unit_price, vat_rate, .. } = &stocked.product;
        let product = accountant::Product {
            price: unit_price.amount,
            currency: unit_price.currency.to_string(),
            vat_percent: vat_rate.percent(),
            units: Some(stocked.units),
        };
        (sku.as_str().to_owned(), product)
    };
    let rule = |rule: DeliveryCharge| {
        (rule.currency.to_string(), accountant::Delivery { charge: rule.charge, free_from: rule.free_from })
    };
    accountant::Shop {
        delivery: delivery.into_iter().map(rule).collect(),
        products: products.iter().map(product).collect(),
    }
}

/// Units of a product that does not run out in a demonstration.
const PLENTY: u64 = 1_000_000;

/// Name, price in pence, units, and over how many stock items they are spread.
const SHELVES: [(&str, &str, u64, u64, u16); 6] = [
    ("TEA-ASSAM-250G", "Assam tea, 250 g", 749, PLENTY, 4),
    ("MUG-STONEWARE", "Stoneware mug", 1_250, PLENTY, 4),
    ("KETTLE-COPPER", "Copper kettle", 6_499, PLENTY, 2),
    ("TOWEL-LINEN", "Linen tea towel", 899, PLENTY, 2),
    // Bought by everybody on Black Friday: its stock is spread widest.
    ("GIFT-BOX", "Gift box", 1_999, PLENTY, 8),
    (SCARCE, "Teapot, signed by the potter", 8_900, 1, 1),
];

/// What delivery costs in the local shop: 3.99, and nothing from 50.00 on.
pub const DELIVERY: DeliveryCharge = DeliveryCharge { currency: Currency::GBP, charge: 399, free_from: Some(5000) };

/// The product of which there is only one.
pub const SCARCE: &str = "TEAPOT-SIGNED";

/// The products of the local shop.
///
/// # Errors
///
/// [`CatalogueError::Sku`] when one of them is named wrongly.
pub fn products() -> Result<Vec<Stocked>, CatalogueError> {
    let stocked = |(sku, name, pence, units, stock_shards): (&str, &str, u64, u64, u16)| {
        let unit_price = Money::new(pence, Currency::GBP);
        Ok(Stocked {
            product: Product {
                sku: Sku::new(sku)?,
                name: name.to_owned(),
                unit_price,
                stock_shards,
                vat_rate: VatRate::Standard,
            },
            units,
        })
    };
    SHELVES.into_iter().map(stocked).collect()
}

/// Puts products into an environment's inventory table, and what delivery costs. What orders hold of the products stays
/// as it is.
///
/// # Errors
///
/// [`CatalogueError::Write`] for the first product that the table does not take.
pub async fn fill(connection: &Connection, stocked: &[Stocked]) -> Result<(), CatalogueError> {
    let client = Client::new(&aws_configuration(connection).await);
    let table = &connection.inventory_table;
    put_delivery_charge(&client, table, DELIVERY)
        .await
        .map_err(|source| CatalogueError::Delivery { table: table.clone(), source: Box::new(source) })?;
    try_join_all(stocked.iter().map(|Stocked { product, units }| {
        let client = &client;
        async move {
            put_product(client, table, product, *units).await.map_err(|source| CatalogueError::Write {
                sku: product.sku.clone(),
                table: table.clone(),
                source: Box::new(source),
            })
        }
    }))
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shop_has_products_in_plenty_and_one_that_is_scarce() {
        let products = products().unwrap();
        let scarce: Vec<_> = products.iter().filter(|stocked| stocked.units < 10).collect();
        assert_eq!(scarce.len(), 1);
        assert_eq!(scarce[0].product.sku.as_str(), SCARCE);
        assert!(products.len() > 4);
    }
}
