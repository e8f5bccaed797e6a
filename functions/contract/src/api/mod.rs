//! The API's documents: what clients send, and what it answers.

pub mod answers;
pub mod around;
mod requests;

pub use requests::{Cancellation, ShipmentUpdate};
