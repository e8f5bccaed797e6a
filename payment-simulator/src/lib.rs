//! A payment gateway for tests: the subset of Stripe's v1 API that the pipeline uses, with its idempotency semantics and
//! its test cards. The simulators that can be had keep no idempotency keys, and whether anybody is charged twice is exactly
//! what tests of a payment have to show.
//!
//! [`Engine`] is the gateway as a state machine without I/O and without a clock: time is passed in, so that a simulation can
//! run it. `server` (a feature) is the same engine behind HTTP, with faults on demand and signed webhooks.

mod answer;
mod command;
mod engine;
mod fault;
mod idempotency;
mod ledger;
mod objects;
mod payment_method;
mod summary;
mod webhook;

#[cfg(feature = "server")]
pub mod server;

pub use answer::Answer;
pub use command::{Endpoint, Parameters};
pub use engine::{Admission, Engine, Execution, PendingEvent, Request};
pub use fault::{Fault, Faults};
pub use ledger::{AuthorisationTerms, Charge, ChargeState, Intent, IntentStatus, UnixSeconds};
pub use summary::{LedgerSummary, OrderPayments, Totals};
pub use webhook::{WebhookFaults, WebhookSettings, WebhookSummary, event_body, signature_header};
