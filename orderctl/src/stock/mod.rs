//! The warehouse's stock: show it, set it, add to it, import a CSV sheet.
//!
//! `order_handlers::adapters::dynamodb::warehouse` writes to the table, and only free units.

mod error;
mod import;
mod number;
mod sheet;
mod shelf;

pub use error::StockError;
pub use import::{Forecast, Imported, forecast, import};
pub use sheet::{COLUMNS, Finding, InvalidSheet, LONGEST_NAME, Row, parse};
pub use shelf::{Counted, Shard, Shelf};
