//! A payment gateway for tests: the subset of Stripe's v1 API that the pipeline uses, with its idempotency semantics and
//! its test cards. Other simulators do not store idempotency keys, so they cannot show that nobody is charged twice.
//!
//! [`Engine`] is the gateway as a state machine without I/O and without a clock: the caller passes the time, so a simulation
//! can run it. The feature `server` adds the engine behind HTTP, with faults on demand and signed webhooks.
//!
//! A repeated request with the same idempotency key gets the saved answer, and the card is charged once:
//!
//! ```
//! use payment_simulator::{Admission, Endpoint, Engine, Request};
//!
//! let form = [
//!     ("amount", "1898"),
//!     ("currency", "gbp"),
//!     ("payment_method", "pm_card_visa"),
//!     ("payment_method_types[]", "card"),
//!     ("capture_method", "manual"),
//!     ("confirm", "true"),
//!     ("metadata[order_id]", "ord-1"),
//! ];
//! let request = Request {
//!     endpoint: Endpoint::CreateIntent,
//!     parameters: form.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
//!     idempotency_key: Some("ord-1:authorise".to_owned()),
//! };
//! let mut engine = Engine::default();
//! let now = 1_764_000_000;
//! let Admission::Execute(execution) = engine.admit(request.clone(), now) else { panic!("the request is valid") };
//! let answer = engine.execute(execution, now);
//! assert_eq!(answer.body["status"], "requires_capture");
//!
//! let Admission::Replayed(saved) = engine.admit(request, now + 60) else { panic!("the key is known") };
//! assert_eq!(saved, answer);
//! assert_eq!(engine.summary().orders["ord-1"].charges, 1);
//! ```

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
