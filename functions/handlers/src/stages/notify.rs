//! Notify: tells topics and customers of every committed event, each once.
//!
//! The orders table's stream is the outbox. A record may come again, so what was sent is looked up before and recorded
//! after. Somebody can be told twice only where an answer was lost on the way: SNS's, or that of the record.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use order_domain::event::Event;
use order_domain::id::OrderId;
use order_domain::notification::{sms_text, topics_of};
use order_domain::order::Order;
use order_domain::request::Channel;
use order_domain::wiring::metric;

use crate::failure::{DeadLetterReason, Failure, chain};
use crate::ports::{Addressee, DeadLetter, Notification, Notifier, Orders, Queue, Receipt, Runtime, Sending, SentLog};

/// Events that are told and recorded together: few, so that a crash between the two repeats little.
const CHUNK: usize = 20;
/// No chunk is begun with less time than this left.
const TIME_FOR_A_CHUNK: Duration = Duration::from_secs(10);

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
pub struct Notify<D, N, Q, R> {
    /// Orders, and the record of what was sent.
    pub database: D,
    /// The way out.
    pub notifier: N,
    /// Only its dead-letter queue is used.
    pub queue: Q,
    /// Metrics.
    pub runtime: R,
    /// Whether this environment may send text messages.
    pub sms_enabled: bool,
    /// The retailer's name in texts.
    pub retailer: String,
}

impl<D: Orders + SentLog, N: Notifier, Q: Queue, R: Runtime> Notify<D, N, Q, R> {
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
        match self.tell(records).await {
            Ok(failed) => records
                .iter()
                .filter(|record| failed.contains(record.sequence_number.as_str()))
                .map(|record| record.sequence_number.clone())
                .collect(),
            Err(failure) => {
                tracing::warn!(records = records.len(), error = %chain(&failure), "a batch of events is delivered again");
                records.iter().map(|record| record.sequence_number.clone()).collect()
            }
        }
    }

    async fn tell<'a>(&self, records: &'a [Record]) -> Result<HashSet<&'a str>, Failure> {
        let mut failed = self.bury_unreadable(records).await;
        let events: Vec<(&str, &Event)> = records
            .iter()
            .filter_map(|record| record.event.as_ref().ok().map(|event| (record.sequence_number.as_str(), event)))
            .collect();
        let wanted = self.wanted(&events).await?;
        let keys: Vec<Sending> = wanted.iter().map(|(_, sending, _)| sending.clone()).collect();
        let sent_before = if keys.is_empty() { HashSet::new() } else { self.database.sent(&keys).await? };
        let mut unsent: Vec<_> = wanted.into_iter().filter(|(_, sending, _)| !sent_before.contains(sending)).collect();
        // One batch can hold a record twice.
        let mut seen = HashSet::new();
        unsent.retain(|(_, sending, _)| seen.insert(sending.clone()));

        let notifications: Vec<Notification> = unsent.iter().map(|(_, _, notification)| notification.clone()).collect();
        let receipts = self.notifier.send(&notifications).await;
        let mut to_record = Vec::with_capacity(unsent.len());
        let mut receipts = receipts.into_iter();
        for (sequence_number, sending, _) in unsent {
            match receipts.next() {
                Some(Ok(receipt)) => {
                    if let Receipt::Refused(reason) = &receipt {
                        tracing::error!(order_id = %sending.order_id, addressee = sending.addressee.name(), reason, "a notification was refused for good");
                    }
                    to_record.push((sequence_number, sending, receipt));
                }
                Some(Err(failure)) => {
                    tracing::warn!(order_id = %sending.order_id, error = %chain(&failure), "a notification is sent again later");
                    failed.insert(sequence_number);
                }
                None => {
                    failed.insert(sequence_number);
                }
            }
        }
        self.record(to_record, &mut failed).await;
        Ok(failed)
    }

    /// Whom every event is for.
    async fn wanted<'a>(&self, events: &[(&'a str, &Event)]) -> Result<Vec<(&'a str, Sending, Notification)>, Failure> {
        let texts: BTreeSet<OrderId> = events
            .iter()
            .filter(|(_, event)| self.sms_enabled && sms_text(event, &self.retailer).is_some())
            .map(|(_, event)| event.order_id.clone())
            .collect();
        let orders = if texts.is_empty() { HashMap::new() } else { self.database.load(&texts).await? };
        let mut wanted = Vec::new();
        for (sequence_number, event) in events {
            let sending = |addressee| Sending { order_id: event.order_id.clone(), sequence: event.sequence, addressee };
            for topic in topics_of(event.event_type) {
                let notification = Notification::Publish(*topic, (*event).clone());
                wanted.push((*sequence_number, sending(Addressee::Topic(*topic)), notification));
            }
            if let Some(notification) = orders.get(&event.order_id).and_then(|order| self.text(event, order)) {
                wanted.push((*sequence_number, sending(Addressee::Sms), notification));
            }
        }
        Ok(wanted)
    }

    fn text(&self, event: &Event, order: &Order) -> Option<Notification> {
        let phone = order.customer.phone.clone().filter(|_| order.notify.contains(&Channel::Sms))?;
        Some(Notification::Text { phone, text: sms_text(event, &self.retailer)? })
    }

    async fn bury_unreadable<'a>(&self, records: &'a [Record]) -> HashSet<&'a str> {
        let mut failed = HashSet::new();
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
                    failed.insert(record.sequence_number.as_str());
                }
            }
        }
        failed
    }

    async fn record<'a>(&self, sent: Vec<(&'a str, Sending, Receipt)>, failed: &mut HashSet<&'a str>) {
        if sent.is_empty() {
            return;
        }
        let receipts: Vec<(Sending, Receipt)> =
            sent.iter().map(|(_, sending, receipt)| (sending.clone(), receipt.clone())).collect();
        let told = receipts.iter().filter(|(_, receipt)| *receipt == Receipt::Sent).count();
        self.runtime.count(metric::NOTIFICATIONS_SENT, told);
        if let Err(failure) = self.database.record(&receipts).await {
            tracing::error!(error = %chain(&failure), "what was sent could not be recorded, so it may be sent again");
            failed.extend(sent.iter().map(|(sequence_number, ..)| *sequence_number));
        }
    }
}
