//! Notify: publishes every committed event to its topics, and asks the contact stage to notify the customer, each once.
//!
//! The orders table's stream is the outbox. A record can be delivered again, so the stage reads the notification records
//! before its work and writes them after it: one for each topic, and one for the contact stage.
//!
//! A record that fails delays its whole shard, so the stage depends only on the tables and the queue. It leaves customers to
//! the contact stage, and topics that fail too: there they delay nothing else. A record that can never be published, because
//! it or its order cannot be read or the stage panics on it, is quarantined at once: the stream does not count receives and
//! would deliver it again for most of a day.

mod quarantine;

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use order_contract::message::{ContactCommand, ContactRecipient, Message};
use order_contract::metric;
use order_domain::event::Event;
use order_domain::id::OrderId;
use order_domain::notification::{Notice, Topic, topics_of};

use self::quarantine::{Quarantined, quarantine};
use crate::batch::{Interrupted, interruptible};
use crate::channels::Channels;
use crate::failure::{DeadLetterReason, Failure, chain};
use crate::ports::{
    Loaded, Notification, NotificationKey, Notifier, Orders, Queue, Receipt, Recipient, Runtime, SentLog,
};

/// Events that are published and recorded together: few, so that a crash between the two repeats little, and as many as one
/// BatchGetItem can look up with all of their recipients.
const CHUNK: usize = 20;
/// No chunk is begun with less time than this left: two reads, the topics, ten batches of ten messages (20 events on three
/// channels, and on two topics that are down) and the record, three times, take 3 s each at worst.
const TIME_FOR_A_CHUNK: Duration = Duration::from_secs(48);
/// No record is processed alone with less time than this left: two reads, the topics, its messages, the record, three times,
/// and a dead-lettered message.
const TIME_FOR_A_RECORD: Duration = Duration::from_secs(24);

/// A record of the orders table's stream.
#[derive(Debug, Clone)]
pub struct Record {
    /// The record's place in its shard: the partial batch response names it.
    pub sequence_number: String,
    /// The event that was written, or why it cannot be read.
    pub event: Result<Event, String>,
}

/// The stream's consumer.
#[derive(Debug)]
pub struct Notify<'a, D, N, Q, R> {
    /// Orders, and the record of what was sent.
    pub database: D,
    /// The topics.
    pub notifier: N,
    /// To contact; and the dead-letter queue.
    pub queue: Q,
    /// Metrics.
    pub runtime: R,
    /// The channels that this environment uses; no others are requested.
    pub channels: &'a Channels,
}

/// An event for a topic or for the contact stage, with its record.
#[derive(Clone, Copy)]
struct Due<'a> {
    record: &'a str,
    event: &'a Event,
    to: Recipient,
}

/// A due event, and the recipients that the contact stage has to notify.
type Asked<'a> = (Due<'a>, Vec<ContactRecipient>);

/// Records to deliver again, by their sequence numbers.
type Again<'a> = HashSet<&'a str>;

/// The stage panicked on records.
struct Panicked;

impl<D: Orders + SentLog, N: Notifier, Q: Queue, R: Runtime> Notify<'_, D, N, Q, R> {
    /// Processes a batch. Returns the sequence numbers of the records to deliver again.
    pub async fn run(&self, records: &[Record]) -> Vec<String> {
        let mut again = Vec::new();
        for chunk in records.chunks(CHUNK) {
            match self.publish_contained(chunk, TIME_FOR_A_CHUNK).await {
                Ok(numbers) => again.extend(numbers),
                Err(Panicked) => again.extend(self.publish_each_alone(chunk).await),
            }
        }
        again
    }

    /// Finds the record on which the stage panics, and quarantines it. Notifications that were sent before the panic and not
    /// recorded are sent again.
    async fn publish_each_alone(&self, records: &[Record]) -> Vec<String> {
        tracing::error!(records = records.len(), "the stage panicked on a batch of events: each is processed alone");
        let mut again = Vec::new();
        for record in records {
            match self.publish_contained(std::slice::from_ref(record), TIME_FOR_A_RECORD).await {
                Ok(numbers) => again.extend(numbers),
                Err(Panicked) => {
                    let not_taken = quarantine(&self.queue, [Quarantined::panicking(record)]).await;
                    again.extend(not_taken.into_iter().map(str::to_owned));
                }
            }
        }
        again
    }

    /// Publishes records if there is time for it. Returns those to deliver again, unless the stage panicked.
    async fn publish_contained(&self, records: &[Record], needs: Duration) -> Result<Vec<String>, Panicked> {
        let numbers = || records.iter().map(|record| record.sequence_number.clone());
        let remaining = self.runtime.remaining();
        if remaining < needs {
            return Ok(numbers().collect());
        }
        let failed = match interruptible(remaining, self.publish_all(records)).await {
            Ok(Ok(again)) => return Ok(numbers().filter(|number| again.contains(number.as_str())).collect()),
            Ok(Err(failure)) => chain(&failure),
            Err(Interrupted::Panicked) => return Err(Panicked),
            Err(too_long @ Interrupted::TookTooLong(_)) => format!("it {too_long}"),
        };
        tracing::warn!(records = records.len(), error = failed, "a batch of events is delivered again");
        Ok(numbers().collect())
    }

    async fn publish_all<'r>(&self, records: &'r [Record]) -> Result<Again<'r>, Failure> {
        let due = self.unsent(self.due(records)).await?;
        let (for_customers, for_topics): (Vec<_>, Vec<_>) =
            due.into_iter().partition(|due| due.to == Recipient::ContactStage);
        let (mut asked, of_unreadable_orders) = self.channels_of(for_customers).await?;
        let (mut done, unpublished) = self.publish(for_topics).await;
        let mut again = HashSet::new();
        asked.extend(unpublished);
        for (due, answer) in self.ask(asked).await {
            match answer {
                Ok(()) if due.to == Recipient::ContactStage => done.push((due, Receipt::Sent)),
                // A topic that is left to the contact stage is recorded by it.
                Ok(()) => {}
                Err(failure) => {
                    let to = due.to.name();
                    tracing::warn!(order_id = %due.event.order_id, to, error = %chain(&failure), "an event is published again later");
                    again.insert(due.record);
                }
            }
        }
        self.record(&done, &mut again).await;
        // Last: if a step before fails as a whole, all records are delivered again.
        let quarantined = records.iter().filter_map(Quarantined::no_event).chain(of_unreadable_orders);
        again.extend(quarantine(&self.queue, quarantined).await);
        Ok(again)
    }

    /// The recipients of every event.
    fn due<'r>(&self, records: &'r [Record]) -> Vec<Due<'r>> {
        let mut due = Vec::new();
        for Record { sequence_number: record, event } in records {
            let Ok(event) = event else { continue };
            due.extend(topics_of(event.event_type).iter().map(|topic| Due {
                record,
                event,
                to: Recipient::Topic(*topic),
            }));
            if self.channels.any() && Notice::of(event.event_type).is_some() {
                due.push(Due { record, event, to: Recipient::ContactStage });
            }
        }
        due
    }

    /// The recipients without a notification record, each once: a batch can have a record twice.
    async fn unsent<'r>(&self, mut due: Vec<Due<'r>>) -> Result<Vec<Due<'r>>, Failure> {
        if due.is_empty() {
            return Ok(due);
        }
        let keys: Vec<NotificationKey> = due.iter().map(Due::sending).collect();
        let mut seen = self.database.sent(&keys).await?;
        due.retain(|due| seen.insert(due.sending()));
        Ok(due)
    }

    /// The channels on which the customers want to hear of the events; those who want none are left out. Of an order that
    /// cannot be read nobody knows who its customer is.
    async fn channels_of<'r>(&self, due: Vec<Due<'r>>) -> Result<(Vec<Asked<'r>>, Vec<Quarantined<'r>>), Failure> {
        let ids: BTreeSet<OrderId> = due.iter().map(|due| due.event.order_id.clone()).collect();
        let orders = if ids.is_empty() { Loaded::new() } else { self.database.load_each(&ids).await? };
        let (mut asked, mut unreadable) = (Vec::new(), Vec::new());
        for due in due {
            match orders.get(&due.event.order_id) {
                None => {}
                Some(Ok(order)) => {
                    let channels: Vec<_> = self.channels.to_customer_of(order).map(ContactRecipient::Channel).collect();
                    if !channels.is_empty() {
                        asked.push((due, channels));
                    }
                }
                Some(Err(failure)) => unreadable.push(due.of_unreadable_order(failure)),
            }
        }
        Ok((asked, unreadable))
    }

    /// Publishes the events to their topics: those that were taken, and those that the contact stage has to try again.
    async fn publish<'r>(&self, due: Vec<Due<'r>>) -> (Vec<(Due<'r>, Receipt)>, Vec<Asked<'r>>) {
        let due: Vec<(Due<'r>, Topic)> = due
            .into_iter()
            .filter_map(|due| match due.to {
                Recipient::Topic(topic) => Some((due, topic)),
                Recipient::ContactStage | Recipient::Customer(_) => None,
            })
            .collect();
        if due.is_empty() {
            return (Vec::new(), Vec::new());
        }
        let notifications: Vec<_> =
            due.iter().map(|(due, topic)| Notification::Publish(*topic, due.event.clone())).collect();
        let mut answers = self.notifier.send(&notifications).await.into_iter();
        let (mut taken, mut left) = (Vec::new(), Vec::new());
        for (due, topic) in due {
            match answers.next().unwrap_or_else(unanswered) {
                Ok(receipt) => taken.push((due, receipt)),
                Err(failure) => {
                    let (order_id, topic_name) = (&due.event.order_id, topic.name());
                    tracing::warn!(%order_id, topic = topic_name, error = %chain(&failure), "a topic is left to the contact stage");
                    left.push((due, vec![ContactRecipient::Topic(topic)]));
                }
            }
        }
        (taken, left)
    }

    /// Asks the contact stage for every recipient: where one message was not taken, all of that event's are sent again.
    async fn ask<'r>(&self, asked: Vec<Asked<'r>>) -> Vec<(Due<'r>, Result<(), Failure>)> {
        let message = |due: &Due<'_>, recipient: &ContactRecipient| {
            let Event { order_id, sequence, .. } = due.event;
            Message::Contact(ContactCommand { order_id: order_id.clone(), sequence: *sequence, recipient: *recipient })
        };
        let messages: Vec<Message> =
            asked.iter().flat_map(|(due, to)| to.iter().map(|recipient| message(due, recipient))).collect();
        if messages.is_empty() {
            return Vec::new();
        }
        let mut forwarded = self.queue.forward(&messages).await.into_iter();
        let mut answer = |messages: usize| {
            // Every message's answer is taken, also behind one that failed.
            let answers: Vec<_> = (0..messages).map(|_| forwarded.next().unwrap_or_else(unanswered)).collect();
            answers.into_iter().collect::<Result<(), Failure>>()
        };
        asked.into_iter().map(|(due, to)| (due, answer(to.len()))).collect()
    }

    async fn record<'r>(&self, done: &[(Due<'r>, Receipt)], again: &mut Again<'r>) {
        if done.is_empty() {
            return;
        }
        let published = done.iter().filter(|(due, _)| matches!(due.to, Recipient::Topic(_))).count();
        if published > 0 {
            self.runtime.count(metric::NOTIFICATIONS_SENT, published);
        }
        let outcomes: Vec<_> = done.iter().map(|(due, receipt)| (due.sending(), *receipt)).collect();
        if let Err(failure) = self.database.record(&outcomes, self.runtime.now()).await {
            tracing::error!(error = %chain(&failure), "a notification could not be recorded, so it may be sent again");
            again.extend(done.iter().map(|(due, _)| due.record));
        }
    }
}

impl<'r> Due<'r> {
    fn of_unreadable_order(&self, failure: &Failure) -> Quarantined<'r> {
        let reason = DeadLetterReason::ItemUnreadable;
        Quarantined { sequence_number: self.record, event: Some(self.event), reason, error: chain(failure) }
    }

    fn sending(&self) -> NotificationKey {
        NotificationKey { order_id: self.event.order_id.clone(), sequence: self.event.sequence, recipient: self.to }
    }
}

fn unanswered<T>() -> Result<T, Failure> {
    Err(Failure::transient_because("an event got no answer"))
}
