//! What an order is and may become: pure, no I/O, no AWS, no async.
//!
//! A stage of the pipeline loads an order, asks this crate what happens next, and commits the answer.
//! Nothing here knows how; everything here is a value.

pub mod catalogue;
pub mod charges;
pub mod event;
pub mod fingerprint;
pub mod id;
pub mod money;
pub mod notification;
pub mod order;
pub mod request;
pub mod stage;
pub mod stock;
pub mod time;
pub mod transition;
