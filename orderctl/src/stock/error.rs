//! Why the stock cannot be shown or written.

use std::path::PathBuf;

use order_domain::id::Sku;
use order_handlers::adapters::dynamodb::warehouse::{MAXIMUM_UNITS, WarehouseError};

/// The stock cannot be shown or written.
#[derive(Debug, thiserror::Error)]
pub enum StockError {
    /// There is no such product.
    #[error(
        "{sku} is not in the catalogue; list products with `orderctl stock show`, add products with `orderctl stock import`"
    )]
    UnknownSku {
        /// The SKU.
        sku: Sku,
    },
    /// More units than the maximum.
    #[error("{sku} has {free} free units; {units} more would exceed the maximum of {MAXIMUM_UNITS}")]
    TooMany {
        /// The SKU.
        sku: Sku,
        /// Free units now.
        free: u64,
        /// Units to add.
        units: u64,
    },
    /// The table cannot be read.
    #[error("the stock cannot be read; check the environment and your permissions")]
    Read(#[source] WarehouseError),
    /// The table cannot be written.
    #[error(
        "the stock of {sku} was not completely written; repeat the command (`set` and `import` are safe to repeat)"
    )]
    Write {
        /// The SKU.
        sku: Sku,
        /// The cause.
        #[source]
        source: WarehouseError,
    },
    /// Adding units failed.
    #[error(
        "{units} units of {sku} were not added, or the answer was lost: check `orderctl stock show {sku}` before you repeat it"
    )]
    Add {
        /// The SKU.
        sku: Sku,
        /// Units to add.
        units: u64,
        /// The cause.
        #[source]
        source: WarehouseError,
    },
    /// The CSV file cannot be read.
    #[error("cannot read {}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
}
