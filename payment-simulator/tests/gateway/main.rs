//! The payment gateway over the wire: its simulator, and the pipeline's own client of it.

#![expect(
    clippy::unwrap_used,
    reason = "in a test a panic is the report; clippy does not see that helpers are tests too"
)]

mod adapter;
mod contract;
mod order;
mod recorder;
mod schema;
mod simulator;
mod stripe_mock;
mod webhooks;
