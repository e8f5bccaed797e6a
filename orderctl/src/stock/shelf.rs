//! One product's stock at a time.

use aws_sdk_dynamodb::Client;
use futures::stream::{StreamExt, TryStreamExt, iter};
use order_domain::catalogue::Product;
use order_domain::id::Sku;
use order_domain::stock::StockLevel;
use order_handlers::adapters::dynamodb::warehouse::{MAXIMUM_UNITS, Warehouse, sum};
use serde::Serialize;

use super::StockError;
use deployed::Deployed;

/// Products that are read at once.
const AT_ONCE: usize = 8;

/// A product and its units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counted {
    /// The product.
    #[serde(flatten)]
    pub product: Product,
    /// Its units, over all stock items.
    #[serde(flatten)]
    pub level: StockLevel,
    /// The stock items.
    pub shards: Vec<Shard>,
}

/// A stock item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shard {
    /// Its number, from 0.
    pub shard: u16,
    /// Its units.
    #[serde(flatten)]
    pub level: StockLevel,
}

/// The shelves of an environment.
#[derive(Debug, Clone)]
pub struct Shelf {
    pub(super) warehouse: Warehouse,
}

impl Shelf {
    /// The shelves of this environment.
    #[must_use]
    pub fn of(deployed: &Deployed) -> Self {
        Self { warehouse: Warehouse::new(Client::new(deployed.aws()), deployed.inventory_table()) }
    }

    /// Every product and its units, sorted by SKU.
    ///
    /// # Errors
    ///
    /// When the table cannot be read.
    pub async fn all(&self) -> Result<Vec<Counted>, StockError> {
        let products = self.warehouse.products().await.map_err(StockError::Read)?;
        iter(products).map(|product| self.count(product)).buffered(AT_ONCE).try_collect().await
    }

    /// One product and its units; `None` where there is no such product.
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

    /// Says how many units of a product lie on the shelf unpromised, and over how many stock items they are spread, where
    /// that is to change. It can be stopped half-way and run again.
    ///
    /// # Errors
    ///
    /// When there is no such product, or the table does not take it.
    pub async fn set(&self, sku: &Sku, units: u64, shards: Option<u16>) -> Result<Counted, StockError> {
        let known = self.known(sku).await?.product;
        let product = Product { stock_shards: shards.unwrap_or(known.stock_shards), ..known.clone() };
        self.stock_up(Some(&known), &product, units).await?;
        self.known(sku).await
    }

    /// Writes a product and its free units. Units are spread over another number of stock items first, so that orders
    /// always find the sum.
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

    /// Adds free units: all, or none. Other than setting, it is not to be repeated.
    ///
    /// # Errors
    ///
    /// When there is no such product, it would have too many, or the table does not take it.
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
