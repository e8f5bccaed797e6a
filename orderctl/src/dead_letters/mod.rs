//! Dead-lettered messages: what a stage could not process, why, and how to redrive it once the cause is fixed.
//!
//! No message is lost. Reading one hides it for a moment only. A redrive sends the message to its source queue first and
//! deletes it afterwards, so an interruption can repeat a message but never drop one; every stage is idempotent. Only a
//! discard deletes without sending, and each discarded message has an audit record. Message bodies are never shown: they
//! contain customers' personal data.

mod audit;
mod dead_letter;
mod error;
mod list;
mod messages;
mod move_task;
mod outcome;
mod queue;
mod redrive;
mod send;
mod stream;

pub use dead_letter::{DeadLetter, StreamBatch, TOO_MANY_RECEIVES, printable};
pub use error::DeadLetterError;
pub use list::{Group, Report, list, show};
pub use outcome::{Action, Filter, Method, Options, Redriven};
pub use queue::{DeadLetterQueue, find, queues};
pub use redrive::redrive;
