//! Telling customers and other systems.

use std::collections::HashSet;

use order_domain::event::Event;
use order_domain::id::OrderId;
use order_domain::notification::Topic;

use crate::failure::Failure;

/// Who is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Addressee {
    /// Other systems.
    Topic(Topic),
    /// The customer, by text message.
    Sms,
}

impl Addressee {
    /// The name in the sort key of what was sent.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Topic(topic) => topic.name(),
            Self::Sms => order_domain::request::Channel::Sms.name(),
        }
    }
}

/// Something that is told once: an event to an addressee.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Sending {
    /// The event's order.
    pub order_id: OrderId,
    /// The event's number.
    pub sequence: u64,
    /// Who is told.
    pub addressee: Addressee,
}

/// Something to tell.
#[derive(Clone, PartialEq, Eq)]
pub enum Notification {
    /// An event for a topic.
    Publish(Topic, Event),
    /// A text for a phone number.
    Text {
        /// Phone number in E.164 form.
        phone: String,
        /// The text.
        text: String,
    },
}

/// What became of a notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Receipt {
    /// It was taken.
    Sent,
    /// It will never be taken, such as a number that does not exist: recorded, not retried.
    Refused(String),
}

/// The way out.
pub trait Notifier: Send + Sync {
    /// Sends notifications; one answer for each, in their order.
    fn send(&self, notifications: &[Notification]) -> impl Future<Output = Vec<Result<Receipt, Failure>>> + Send;
}

/// The record of what was told.
pub trait SentLog: Send + Sync {
    /// Those that were sent before, of those asked for.
    fn sent(&self, sendings: &[Sending]) -> impl Future<Output = Result<HashSet<Sending>, Failure>> + Send;

    /// Records what was sent.
    fn record(&self, sent: &[(Sending, Receipt)]) -> impl Future<Output = Result<(), Failure>> + Send;
}
