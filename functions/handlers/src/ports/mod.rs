//! What the stages need of the world, one trait for each thing a stage may be allowed to do.

mod database;
mod gateway;
mod notifications;
mod queue;
mod runtime;

pub use database::{Catalogue, Committed, Cursor, CustomerOrder, Orders, Page, Reads, Stock};
pub use gateway::{CaptureAnswer, Found, Gateway, GatewayAnswer, SEARCH_IS_CURRENT_AFTER};
pub use notifications::{Addressee, Notification, Notifier, Receipt, Sending, SentLog};
pub use queue::{DeadLetter, Queue};
pub use runtime::Runtime;
