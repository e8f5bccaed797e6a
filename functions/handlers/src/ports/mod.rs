//! What the stages need of the world, one trait for each thing a stage may be allowed to do.

mod database;
mod gateway;
mod notifications;
mod queue;
mod runtime;
mod webhooks;

pub use database::{
    Catalogue, Committed, Cursor, EventKey, Events, Loaded, OpenOrders, Orders, Page, Prices, Reads, Stock, readable,
};
pub use gateway::{CancelAnswer, CaptureAnswer, Found, Gateway, GatewayAnswer, Inspection, SEARCH_IS_CURRENT_AFTER};
pub use notifications::{
    AboutEvent, Mail, Notification, NotificationKey, Notifier, Push, Receipt, Recipient, Refusal, SentHistory, SentLog,
};
pub use queue::{DeadLetter, Queue};
pub use runtime::Runtime;
pub use webhooks::{GatewayEvent, GatewayEventKind, Signed, Webhook, Webhooks};
