//! Dead letters: what a stage can never process, why, and how it is put back to work when the reason is mended.
//!
//! A letter is never lost here. Looking at one only hides it for a moment; redriving one sends it to its source queue first
//! and deletes it after, so that an interruption can repeat a letter (which every stage takes as the repetition that it is)
//! and never drop one. Only who discards letters deletes them without, and each is on record. What customers wrote stays in the letter: nothing here shows a body.

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
