//! Replay: publishes events again that the table's stream no longer delivers.
//!
//! The stream keeps records for 24 hours, and Lambda's message in the dead-letter queue names a range of the stream, not
//! the events. The table keeps every event: a replay reads them and invokes the notify function with them in the stream's
//! form. Notify records each notification, so a replayed event notifies nobody twice.

mod event_id;
mod events;
mod lambda;
mod run;
mod stream_form;
mod window;

pub use event_id::EventId;
pub use events::ReadError;
pub use lambda::InvokeError;
pub use run::{Options, Outcome, ReplayError, replay};
pub use window::{InvalidTime, InvalidWindow, Window, Windows, parse_time};
