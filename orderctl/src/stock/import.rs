//! Imports a sheet: products and their free units.

use std::collections::BTreeMap;

use futures::stream::{StreamExt, iter};
use order_domain::catalogue::Product;
use order_domain::id::Sku;
use serde::Serialize;

use super::{Row, Shelf, StockError};
use terminal::cancel::Cancel;
use terminal::progress::Progress;

/// Rows that are written concurrently.
const AT_ONCE: usize = 8;

/// What an import would change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Forecast {
    /// Rows with a new product.
    pub new: u64,
    /// Rows that change a product's name, price, VAT rate or number of shards.
    pub changed: u64,
    /// Rows that do not change the product; its units are set as well.
    pub unchanged: u64,
}

/// The result of an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Imported {
    /// Imported rows.
    pub rows: u64,
    /// Rows in the sheet.
    pub of: u64,
    /// Whether it was stopped before the end.
    pub interrupted: bool,
}

/// Compares the rows with the current catalogue.
///
/// # Errors
///
/// When the catalogue cannot be read.
pub async fn forecast(shelf: &Shelf, rows: &[Row]) -> Result<Forecast, StockError> {
    let known = catalogue(shelf).await?;
    let mut forecast = Forecast { new: 0, changed: 0, unchanged: 0 };
    for row in rows {
        match known.get(&row.product.sku) {
            None => forecast.new += 1,
            Some(known) if *known != row.product => forecast.changed += 1,
            Some(_) => forecast.unchanged += 1,
        }
    }
    Ok(forecast)
}

/// Writes the rows. It is safe to stop it half-way and to repeat it: rows set values and add nothing.
///
/// # Errors
///
/// The first failed write; writes that have started are finished.
pub async fn import(shelf: &Shelf, rows: &[Row], progress: Progress, cancel: &Cancel) -> Result<Imported, StockError> {
    let known = catalogue(shelf).await?;
    let of = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    let step = progress.counted("Importing stock", of);
    let failed = std::cell::Cell::new(false);
    let writes = iter(rows.iter().take_while(|_| !cancel.is_cancelled() && !failed.get()))
        .map(|row| shelf.stock_up(known.get(&row.product.sku), &row.product, row.units));
    let mut writes = writes.buffer_unordered(AT_ONCE);
    let (mut done, mut failure) = (0, None);
    while let Some(written) = writes.next().await {
        match written {
            Ok(()) => {
                done += 1;
                step.done(done);
            }
            Err(error) => {
                failed.set(true);
                failure.get_or_insert(error);
            }
        }
    }
    match failure {
        Some(error) => {
            progress.note(&format!("{done} of {of} rows were imported; fix the cause, then run it again"));
            Err(error)
        }
        None => {
            step.finish(&format!("{done} rows"));
            Ok(Imported { rows: done, of, interrupted: done < of })
        }
    }
}

async fn catalogue(shelf: &Shelf) -> Result<BTreeMap<Sku, Product>, StockError> {
    let products = shelf.warehouse.products().await.map_err(StockError::Read)?;
    Ok(products.into_iter().map(|product| (product.sku.clone(), product)).collect())
}
