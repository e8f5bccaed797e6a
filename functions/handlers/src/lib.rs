//! The pipeline's stages over ports, and the adapters that connect the ports to AWS and to the payment gateway.
//!
//! `stages` read like the paragraphs of the design: load, decide (in `order_domain`), commit, forward.
//! They know the outside only as `ports`; `adapters` implement those; the `bootstrap` binary joins the two on Lambda.

pub mod adapters;
pub mod batch;
pub mod channels;
pub mod circuit_breaker;
pub mod consumer;
mod decision;
pub mod failure;
pub mod lambda;
pub mod ports;
pub mod retry;
pub mod stages;
pub mod texts;
