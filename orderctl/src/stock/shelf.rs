//! The stock of one product or of all.

use aws_sdk_dynamodb::Client;
use futures::stream::{StreamExt, TryStreamExt, iter};
use order_domain::catalogue::Product;
use order_domain::id::Sku;
use order_domain::stock::StockLevel;
use order_handlers::adapters::dynamodb::warehouse::{MAXIMUM_UNITS, Warehouse, sum};
use serde::Serialize;

use super::StockError;
use deployed::Deployed;

/// Products that are read concurrently.
const AT_ONCE: usize = 8;

/// A product and its stock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counted {
    /// The product.
    #[serde(flatten)]
    pub product: Product,
    /// The sum over all shards.
    #[serde(flatten)]
    pub level: StockLevel,
    /// The shards.
    pub shards: Vec<Shard>,
}

/// A shard: one stock item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shard {
    /// Its number, from 0.
    pub shard: u16,
    /// Its units.
    #[serde(flatten)]
    pub level: StockLevel,
}

/// The stock of an environment.
#[derive(Debug, Clone)]
pub struct Shelf {
    pub(super) warehouse: Warehouse,
}

impl Shelf {
    /// The stock of this environment.
    #[must_use]
    pub fn of(deployed: &Deployed) -> Self {
        Self { warehouse: Warehouse::new(Client::new(deployed.aws()), deployed.inventory_table()) }
    }

    /// Every product and its stock, sorted by SKU.
    ///
    /// # Errors
    ///
    /// When the table cannot be read.
    pub async fn all(&self) -> Result<Vec<Counted>, StockError> {
        let products = self.warehouse.products().await.map_err(StockError::Read)?;
        iter(products).map(|product| self.count(product)).buffered(AT_ONCE).try_collect().await
    }

    /// One product and its stock; `None` if there is no such product.
    ///
    /// # Errors
    ///
    /// When the table cannot be read.
    pub async fn one(&self, sku: &Sku) -> Result<Option<Counted>, StockError> {
        match self.warehouse.product(sku).await.map_err(StockError::Read)? {
            Some(product) => self.count(product).await.map(Some),
            None => Ok(None),
        }
    }

    async fn count(&self, product: Product) -> Result<Counted, StockError> {
        let shards = self.warehouse.shards(&product.sku).await.map_err(StockError::Read)?;
        let level = sum(&shards);
        let shards = shards.into_iter().map(|stored| Shard { shard: stored.shard, level: stored.level }).collect();
        Ok(Counted { product, level, shards })
    }

    async fn known(&self, sku: &Sku) -> Result<Counted, StockError> {
        self.one(sku).await?.ok_or_else(|| StockError::UnknownSku { sku: sku.clone() })
    }

    /// Sets a product's free units, and its number of shards if given. It is safe to stop it half-way and to repeat it.
    ///
    /// # Errors
    ///
    /// When there is no such product, or the write fails.
    pub async fn set(&self, sku: &Sku, units: u64, shards: Option<u16>) -> Result<Counted, StockError> {
        let known = self.known(sku).await?.product;
        let product = Product { stock_shards: shards.unwrap_or(known.stock_shards), ..known.clone() };
        self.stock_up(Some(&known), &product, units).await?;
        self.known(sku).await
    }

    /// Writes a product and its free units. If the number of shards changes, the units are redistributed first, so that
    /// orders always find all of them.
    pub(super) async fn stock_up(
        &self,
        known: Option<&Product>,
        product: &Product,
        units: u64,
    ) -> Result<(), StockError> {
        let write = async {
            if known.is_some_and(|known| known.stock_shards != product.stock_shards) {
                self.warehouse.spread(&product.sku, product.stock_shards).await?;
            }
            if known != Some(product) {
                self.warehouse.put_product(product).await?;
            }
            self.warehouse.set(&product.sku, units, product.stock_shards).await
        };
        write.await.map_err(|source| StockError::Write { sku: product.sku.clone(), source })
    }

    /// Adds free units, all or none. Unlike [`set`](Self::set), it is not safe to repeat.
    ///
    /// # Errors
    ///
    /// When there is no such product, it would have too many, or the write fails.
    pub async fn add(&self, sku: &Sku, units: u64) -> Result<Counted, StockError> {
        let known = self.known(sku).await?;
        let free = known.level.free;
        if free.checked_add(units).is_none_or(|sum| sum > MAXIMUM_UNITS) {
            return Err(StockError::TooMany { sku: sku.clone(), free, units });
        }
        let added = self.warehouse.add(sku, units, known.product.stock_shards).await;
        added.map_err(|source| StockError::Add { sku: sku.clone(), units, source })?;
        self.known(sku).await
    }
}
