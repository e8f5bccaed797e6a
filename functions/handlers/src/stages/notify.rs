//! Notify: tells topics and customers of every committed event, each once.
//!
//! The orders table's stream is the outbox. A record may come again, so what was sent is looked up before and recorded
//! after. Somebody can be told twice only where an answer was lost on the way: the channel's, or that of the record.
//!
//! What is refused for good is recorded as that and never tried again, so that a wrong number holds up nobody. A channel
//! that is switched off, or that the customer gave no address for, has nothing to record: nothing was tried.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use order_domain::event::Event;
use order_domain::id::OrderId;
use order_domain::notification::{CallingCodes, Notice, topics_of};
use order_domain::order::Order;
use order_domain::request::Channel;
use order_domain::wiring::metric;

use crate::failure::{DeadLetterReason, Failure, chain};
use crate::ports::{
    Addressee, DeadLetter, Notification, Notifier, Orders, Queue, Receipt, Refusal, Runtime, Sending, SentLog,
};
use crate::texts::{TextError, Texts};

/// Events that are told and recorded together: few, so that a crash between the two repeats little.
const CHUNK: usize = 20;
/// No chunk is begun with less time than this left: its two reads, the four rounds of its sends (20 events on three channels,
/// 16 calls at a time) and its record take 3 s each at worst.
const TIME_FOR_A_CHUNK: Duration = Duration::from_secs(25);

/// A record of the orders table's stream.
#[derive(Debug, Clone)]
pub struct Record {
    /// The record's place in its shard: the partial batch response names it.
    pub sequence_number: String,
    /// The event that was written, or why it cannot be read.
    pub event: Result<Event, String>,
}

/// The channels that an environment may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channels {
    /// Whether e-mail may be sent.
    pub email: bool,
    /// The numbers that text messages may be sent to; `None` where none may be sent.
    pub sms: Option<CallingCodes>,
    /// Whether push notifications may be sent.
    pub push: bool,
}

/// The stream's consumer.
#[derive(Debug)]
pub struct Notify<'a, D, N, Q, R> {
    /// Orders, and the record of what was sent.
    pub database: D,
    /// The way out.
    pub notifier: N,
    /// Only its dead-letter queue is used.
    pub queue: Q,
    /// Metrics.
    pub runtime: R,
    /// What this environment may send.
    pub channels: &'a Channels,
    /// What it says.
    pub texts: &'a Texts,
}

/// Something to tell on account of a record: a notification, or its refusal before it was tried.
struct Due<'a> {
    record: &'a str,
    sending: Sending,
    what: Result<Notification, Refusal>,
}

/// Records to deliver again, by their sequence numbers.
type Again<'a> = HashSet<&'a str>;

impl<D: Orders + SentLog, N: Notifier, Q: Queue, R: Runtime> Notify<'_, D, N, Q, R> {
    /// Works on a batch; the sequence numbers of the records to deliver again.
    pub async fn run(&self, records: &[Record]) -> Vec<String> {
        let mut again = Vec::new();
        for chunk in records.chunks(CHUNK) {
            if self.runtime.remaining() < TIME_FOR_A_CHUNK {
                again.extend(chunk.iter().map(|record| record.sequence_number.clone()));
            } else {
                again.extend(self.tell_chunk(chunk).await);
            }
        }
        again
    }

    async fn tell_chunk(&self, records: &[Record]) -> Vec<String> {
        let told = self.tell(records).await;
        if let Err(failure) = &told {
            tracing::warn!(records = records.len(), error = %chain(failure), "a batch of events is delivered again");
        }
        let numbers = records.iter().map(|record| &record.sequence_number);
        numbers.filter(|number| told.as_ref().map_or(true, |again| again.contains(number.as_str()))).cloned().collect()
    }

    async fn tell<'r>(&self, records: &'r [Record]) -> Result<Again<'r>, Failure> {
        let mut again = self.bury_unreadable(records).await;
        let events: Vec<(&str, &Event)> = records
            .iter()
            .filter_map(|record| record.event.as_ref().ok().map(|event| (record.sequence_number.as_str(), event)))
            .collect();
        let due = self.unsent(self.due(&events).await?).await?;
        let notifications: Vec<Notification> = due.iter().filter_map(|due| due.what.clone().ok()).collect();
        let mut answers = self.notifier.send(&notifications).await.into_iter();
        let mut outcomes = Vec::with_capacity(due.len());
        for Due { record, sending, what } in due {
            let unanswered = || Err(Failure::transient_because("a notification was not answered for"));
            let answer = match what {
                Ok(_) => answers.next().unwrap_or_else(unanswered),
                Err(refusal) => Ok(Receipt::Refused(refusal)),
            };
            match answer {
                Ok(receipt) => outcomes.push((record, sending, receipt)),
                Err(failure) => {
                    let to = sending.addressee.name();
                    tracing::warn!(order_id = %sending.order_id, to, error = %chain(&failure), "a notification is sent again later");
                    again.insert(record);
                }
            }
        }
        self.record(outcomes, &mut again).await;
        Ok(again)
    }

    /// Whom every event is for.
    async fn due<'r>(&self, events: &[(&'r str, &Event)]) -> Result<Vec<Due<'r>>, Failure> {
        let customers: BTreeSet<OrderId> = events
            .iter()
            .filter(|(_, event)| self.channels.any() && Notice::of(event.event_type).is_some())
            .map(|(_, event)| event.order_id.clone())
            .collect();
        let orders = if customers.is_empty() { HashMap::new() } else { self.database.load(&customers).await? };
        let mut due = Vec::new();
        for (record, event) in events {
            let sending = |addressee| Sending { order_id: event.order_id.clone(), sequence: event.sequence, addressee };
            for topic in topics_of(event.event_type) {
                let what = Ok(Notification::Publish(*topic, (*event).clone()));
                due.push(Due { record, sending: sending(Addressee::Topic(*topic)), what });
            }
            let Some((notice, order)) = Notice::of(event.event_type).zip(orders.get(&event.order_id)) else { continue };
            for channel in &order.notify {
                if let Some(what) = self.notification(*channel, notice, event, order) {
                    due.push(Due { record, sending: sending(Addressee::Customer(*channel)), what });
                }
            }
        }
        Ok(due)
    }

    /// What goes to a customer on a channel; `None` where the channel is switched off or the customer has no address.
    fn notification(
        &self,
        channel: Channel,
        notice: Notice,
        event: &Event,
        order: &Order,
    ) -> Option<Result<Notification, Refusal>> {
        let customer = &order.customer;
        let written = match channel {
            Channel::Email if !self.channels.email => return None,
            Channel::Email => self.texts.mail(notice, event, order).map(|mail| Notification::Mail {
                to: customer.email.clone(),
                mail,
                event_type: event.event_type,
            }),
            Channel::Sms => {
                let (codes, phone) = self.channels.sms.as_ref().zip(customer.phone.clone())?;
                if !codes.permit(&phone) {
                    return Some(Err(Refusal::CallingCodeNotPermitted));
                }
                self.texts.sms(notice, event, order).map(|text| Notification::Sms { phone, text })
            }
            Channel::Push => {
                let endpoint = customer.push_endpoint.clone().filter(|_| self.channels.push)?;
                self.texts.push(notice, event, order).map(|push| Notification::Push { endpoint, push })
            }
        };
        Some(written.map_err(|error: TextError| {
            tracing::error!(order_id = %event.order_id, error = %chain(&error), "a notification has no text");
            Refusal::NoText
        }))
    }

    /// What was not sent before, each once: a batch can hold a record twice.
    async fn unsent<'r>(&self, mut due: Vec<Due<'r>>) -> Result<Vec<Due<'r>>, Failure> {
        if due.is_empty() {
            return Ok(due);
        }
        let keys: Vec<Sending> = due.iter().map(|due| due.sending.clone()).collect();
        let mut seen = self.database.sent(&keys).await?;
        due.retain(|due| seen.insert(due.sending.clone()));
        Ok(due)
    }

    async fn bury_unreadable<'r>(&self, records: &'r [Record]) -> Again<'r> {
        let mut again = HashSet::new();
        for record in records {
            let Err(error) = &record.event else { continue };
            let letter = DeadLetter {
                body: format!(r#"{{"sequenceNumber":"{}"}}"#, record.sequence_number),
                reason: DeadLetterReason::NotAnEvent.name(),
                error: error.clone(),
                message_id: record.sequence_number.clone(),
                trace: None,
            };
            match self.queue.bury(&letter).await {
                Ok(()) => tracing::error!(sequence_number = %record.sequence_number, error, "a record is no event"),
                Err(failure) => {
                    tracing::error!(error = %chain(&failure), "the dead-letter queue did not take a record");
                    again.insert(record.sequence_number.as_str());
                }
            }
        }
        again
    }

    async fn record<'r>(&self, outcomes: Vec<(&'r str, Sending, Receipt)>, again: &mut Again<'r>) {
        if outcomes.is_empty() {
            return;
        }
        let records: Vec<&str> = outcomes.iter().map(|(record, ..)| *record).collect();
        let outcomes: Vec<_> = outcomes.into_iter().map(|(_, sending, receipt)| (sending, receipt)).collect();
        let mut refused = 0;
        for (sending, receipt) in &outcomes {
            if let Receipt::Refused(reason) = receipt {
                refused += 1;
                let to = sending.addressee.name();
                tracing::warn!(order_id = %sending.order_id, to, %reason, "a notification was refused for good");
            }
        }
        for (name, count) in
            [(metric::NOTIFICATIONS_SENT, outcomes.len() - refused), (metric::NOTIFICATIONS_REFUSED, refused)]
        {
            if count > 0 {
                self.runtime.count(name, count);
            }
        }
        if let Err(failure) = self.database.record(&outcomes, self.runtime.now()).await {
            tracing::error!(error = %chain(&failure), "what was sent could not be recorded, so it may be sent again");
            again.extend(records);
        }
    }
}

impl Channels {
    fn any(&self) -> bool {
        self.email || self.sms.is_some() || self.push
    }
}
