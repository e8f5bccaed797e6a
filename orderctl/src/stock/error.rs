//! Why the stock cannot be shown or written.

use std::path::PathBuf;

use order_domain::id::Sku;
use order_handlers::adapters::dynamodb::warehouse::{MAXIMUM_UNITS, WarehouseError};

/// The stock cannot be shown or written.
#[derive(Debug, thiserror::Error)]
pub enum StockError {
    /// There is no such product.
    #[error(
        "{sku} is no product of the catalogue; `cargo ops stock show` lists them, `cargo ops stock import` adds some"
    )]
    UnknownSku {
        /// The SKU.
        sku: Sku,
    },
    /// More units than there can be.
    #[error("{sku} has {free} free units, and {units} more would be above {MAXIMUM_UNITS}, the most that can be free")]
    TooMany {
        /// The SKU.
        sku: Sku,
        /// What is free.
        free: u64,
        /// What was to be added.
        units: u64,
    },
    /// The table cannot be read.
    #[error("the stock cannot be read; look at the environment, and at your permissions")]
    Read(#[source] WarehouseError),
    /// The table cannot be written.
    #[error("the stock of {sku} was not written to the end; setting and importing can be run again")]
    Write {
        /// The SKU.
        sku: Sku,
        /// Why.
        #[source]
        source: WarehouseError,
    },
    /// Adding went wrong.
    #[error(
        "{units} units of {sku} were not added, or the answer was lost: compare `cargo ops stock show {sku}` before you repeat it"
    )]
    Add {
        /// The SKU.
        sku: Sku,
        /// How many.
        units: u64,
        /// Why.
        #[source]
        source: WarehouseError,
    },
    /// The sheet cannot be read from the disk.
    #[error("cannot read {}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}
