//! Importing a sheet: every row's product, and how many of its units are free.

use std::collections::BTreeMap;

use futures::stream::{StreamExt, iter};
use order_domain::catalogue::Product;
use order_domain::id::Sku;
use serde::Serialize;

use super::{Row, Shelf, StockError};
use terminal::cancel::Cancel;
use terminal::progress::Progress;

/// Rows that are written at once.
const AT_ONCE: usize = 8;

/// What an import would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Forecast {
    /// Rows whose product is new.
    pub new: u64,
    /// Rows whose product has another name, price or number of shards.
    pub changed: u64,
    /// Rows whose product stays as it is; its units are set all the same.
    pub unchanged: u64,
}

/// What an import did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Imported {
    /// Rows that are in the table.
    pub rows: u64,
    /// Rows of the sheet.
    pub of: u64,
    /// It was stopped before the end.
    pub interrupted: bool,
}

/// What importing these rows would do, as the catalogue is now.
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

/// Writes the rows. Stopped half-way, it can be run again: it says how things are, not what is added.
///
/// # Errors
///
/// For the first row that the table does not take; the rows under way are brought to their end.
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
            progress.note(&format!("{done} of {of} rows were imported; run it again when the reason is mended"));
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
