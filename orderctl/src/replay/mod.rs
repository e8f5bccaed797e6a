//! Replay: tells topics and customers of events again that the stream can no longer deliver.
//!
//! The stream forgets after 24 hours, and what Lambda puts into the dead-letter queue names a range of the stream, not the
//! events. The table keeps every event, so a replay reads it and hands the events to the notify function in the form in
//! which the stream does. Notify keeps a record of what it told: replaying an event that was told tells nobody twice.

mod events;
mod lambda;
mod run;
mod stream_form;
mod window;

pub use events::{EventReader, ReadError};
pub use lambda::{Functions, InvokeError};
pub use run::{EventId, Options, Outcome, ReplayError, replay};
pub use stream_form::{ORIGIN, event_id, payload};
pub use window::{InvalidMoment, InvalidWindow, Window, Windows, moment};
