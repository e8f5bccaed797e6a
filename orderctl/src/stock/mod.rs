//! The warehouse's counter: what is on the shelves, counting it anew, adding to it, and importing a whole sheet.
//!
//! `order_handlers::adapters::dynamodb::warehouse` does the writing; only free units are ever written.

mod error;
mod import;
mod number;
mod sheet;
mod shelf;

pub use error::StockError;
pub use import::{Forecast, Imported, forecast, import};
pub use sheet::{COLUMNS, Finding, InvalidSheet, LONGEST_NAME, Row, parse};
pub use shelf::{Counted, Shard, Shelf};
