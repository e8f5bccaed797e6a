//! Telling customers and other systems.

use std::collections::HashSet;
use std::fmt;

use order_contract::api::answers::NotificationRecord;
use order_contract::mail_event::MailFate;
use order_domain::event::{Event, EventType};
use order_domain::id::OrderId;
use order_domain::notification::Topic;
use order_domain::request::Channel;
use order_domain::stage::Stage;
use order_domain::time::Timestamp;

use crate::failure::Failure;

/// Who is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Recipient {
    /// Other systems.
    Topic(Topic),
    /// The customer.
    Customer(Channel),
    /// The contact stage, which is asked to tell the customer on every channel.
    ContactStage,
}

impl Recipient {
    /// The name in the sort key of what was sent.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Topic(topic) => topic.name(),
            Self::Customer(channel) => channel.name(),
            Self::ContactStage => Stage::Contact.name(),
        }
    }
}

/// What is sent once: one event to one recipient.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NotificationKey {
    /// The event's order.
    pub order_id: OrderId,
    /// The event's number.
    pub sequence: u64,
    /// Who is told.
    pub recipient: Recipient,
}

/// An e-mail's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The subject, one line.
    pub subject: String,
    /// The body for those who read plain text.
    pub text: String,
    /// The body as HTML.
    pub html: String,
}

/// The event that a mail is about: whatever SES reports about the mail later names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AboutEvent {
    /// The event's order.
    pub order_id: OrderId,
    /// The event's number.
    pub sequence: u64,
    /// What happened.
    pub event_type: EventType,
}

/// A push notification's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// What the device shows first.
    pub title: String,
    /// What happened.
    pub body: String,
    /// The order that the app opens.
    pub order_id: OrderId,
}

/// Something to tell. It holds addresses and names: it has no `Debug`, so that none reaches a log.
#[derive(Clone, PartialEq, Eq)]
pub enum Notification {
    /// An event for a topic.
    Publish(Topic, Event),
    /// A text message.
    Sms {
        /// Phone number in E.164 form.
        phone: String,
        /// The text.
        text: String,
    },
    /// An e-mail.
    Mail {
        /// The address.
        to: String,
        /// What it says.
        mail: Mail,
        /// The event that it is about, for the message's tags.
        about: AboutEvent,
    },
    /// A push notification to a device.
    Push {
        /// ARN of the device's SNS endpoint.
        endpoint: String,
        /// What it says.
        push: Push,
    },
}

/// Why a notification will never be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The number's country is none that this environment may send text messages to.
    CallingCodeNotPermitted,
    /// There is no such number.
    InvalidNumber,
    /// Its owner wants no text messages from us.
    OptedOut,
    /// Mail to the address is refused: it is not a valid address, or one that may not be written to.
    AddressRefused,
    /// What SES reported about a mail after it had accepted it.
    Mail(MailFate),
    /// The device does not take notifications any more.
    EndpointDisabled,
    /// There is no such device, or it is not one of this account's.
    EndpointUnknown,
}

impl Refusal {
    /// The name in the table and in documents.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CallingCodeNotPermitted => "CALLING_CODE_NOT_PERMITTED",
            Self::InvalidNumber => "INVALID_NUMBER",
            Self::OptedOut => "OPTED_OUT",
            Self::AddressRefused => "ADDRESS_REFUSED",
            Self::Mail(fate) => fate.name(),
            Self::EndpointDisabled => "ENDPOINT_DISABLED",
            Self::EndpointUnknown => "ENDPOINT_UNKNOWN",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// What became of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipt {
    /// It was taken.
    Sent,
    /// It will never be taken, such as a number that does not exist: recorded, not retried.
    Refused(Refusal),
}

/// The way out.
pub trait Notifier: Send + Sync {
    /// Sends notifications; one answer for each, in their order.
    fn send(&self, notifications: &[Notification]) -> impl Future<Output = Vec<Result<Receipt, Failure>>> + Send;
}

/// The record of what was told.
pub trait SentLog: Send + Sync {
    /// Those that were sent, or refused for good, before, of those asked for.
    fn sent(
        &self,
        sendings: &[NotificationKey],
    ) -> impl Future<Output = Result<HashSet<NotificationKey>, Failure>> + Send;

    /// Records what became of notifications, and when. No sending takes the place of a refusal: a channel can refuse before it
    /// is recorded that it took the notification.
    fn record(
        &self,
        sent: &[(NotificationKey, Receipt)],
        at: Timestamp,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// What the API reads of the record.
pub trait SentHistory: Send + Sync {
    /// The notifications of an order's customer, each with the number of its event, in the order of the events.
    fn told(&self, id: &OrderId) -> impl Future<Output = Result<Vec<(u64, NotificationRecord)>, Failure>> + Send;
}
