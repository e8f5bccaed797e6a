//! Contact: sends one notification per message: to a customer on a channel, or to a topic that failed in notify.
//!
//! Each message is one notification, so a channel that is down delays only its own. Messages can be delivered twice, so the
//! stage reads the notification records before it sends and writes one after. A notification is sent twice only if the
//! answer of the channel or the table was lost, or if two deliveries are processed at the same moment.
//!
//! A permanent refusal is recorded and never retried. Nothing is recorded for a channel that was switched off meanwhile, or
//! that the customer has no address for. The queue keeps a message for at most 4 days, so no older news is sent.
//!
//! A bounce or complaint that SES reports replaces the mail's notification record.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use futures::future::join_all;
use futures::stream::{self, StreamExt as _};
use futures::{join, try_join};
use order_contract::mail_event::MailReport;
use order_contract::message::{ContactCommand, ContactRecipient};
use order_contract::metric;
use order_domain::event::Event;
use order_domain::id::OrderId;
use order_domain::notification::Notice;
use order_domain::order::Order;
use order_domain::request::Channel;

use crate::batch::{Delivery, contained, settle};
use crate::channels::Channels;
use crate::consumer::StageContext;
use crate::decision::unknown;
use crate::failure::{DeadLetterReason, Failure};
use crate::ports::{
    AboutEvent, EventKey, Events, Loaded, Notification, NotificationKey, Notifier, Orders, Queue, Receipt, Recipient,
    Refusal, Runtime, SentLog, readable,
};
use crate::texts::Texts;

/// Sends at a time: few enough not to be throttled at once (SES begins at 14 mails a second, SNS at 20 text messages).
const CONCURRENT_SENDS: usize = 16;
/// No send is begun with less time than this left: it takes 3 s at worst, and so does each of three tries to record it. One that
/// is broken off may have been taken.
const TIME_TO_TELL: Duration = Duration::from_secs(12);

/// The stage that reaches customers.
#[derive(Debug)]
pub struct Contact<'a, D, N, Q, R> {
    /// Tables, queues, clock. Messages: from notify, and from SES by EventBridge.
    pub context: StageContext<D, Q, R>,
    /// The way out.
    pub notifier: N,
    /// What this environment may send.
    pub channels: &'a Channels,
    /// The texts.
    pub texts: &'a Texts,
}

/// The command of a delivery.
enum Asked {
    /// Send a notification.
    Notify(ContactCommand),
    /// Record a mail's fate.
    Record(NotificationKey, Refusal),
}

/// The notification, or its refusal before it was sent; `None` if the channel is switched off or the customer has no
/// address.
type Written = Option<Result<Notification, Refusal>>;

/// The stored items that a batch needs.
struct Known {
    sent: HashSet<NotificationKey>,
    orders: Loaded<OrderId, Order>,
    events: Loaded<EventKey, Event>,
}

impl<D: Orders + Events + SentLog, N: Notifier, Q: Queue, R: Runtime> Contact<'_, D, N, Q, R> {
    /// Processes a batch. Returns the ids of the messages that return to the queue.
    pub async fn run(&self, batch: &[Delivery]) -> Vec<String> {
        let asked: Vec<Result<Asked, Failure>> = batch.iter().map(asked).collect();
        // Each notification is sent once, even if several deliveries ask for it: they share its result.
        let (mut notifications, mut reports) = (BTreeSet::new(), HashMap::new());
        for asked in asked.iter().flatten() {
            match asked {
                Asked::Notify(command) => _ = notifications.insert(command.clone()),
                Asked::Record(sending, refusal) => _ = reports.insert(sending.clone(), *refusal),
            }
        }
        // A mail that SES reports about was sent, so it is not sent again.
        notifications.retain(|command| !reports.contains_key(&sending(command)));
        let (told, recorded) = join!(self.notify(notifications), self.record_reports(&reports));
        let unanswered = || Err(Failure::transient_because("a notification got no answer"));
        let results = asked.into_iter().map(|asked| {
            let (told, recorded) = match asked? {
                Asked::Notify(command) => (told.get(&command), recorded.get(&sending(&command))),
                Asked::Record(sending, _) => (None, recorded.get(&sending)),
            };
            told.or(recorded).cloned().unwrap_or_else(unanswered)
        });
        settle(&self.context.queue, &self.context.runtime, self.context.policy, batch, results.collect()).await
    }

    async fn notify(&self, asked: BTreeSet<ContactCommand>) -> HashMap<ContactCommand, Result<(), Failure>> {
        let known = match self.look_up(&asked).await {
            Ok(known) => known,
            Err(failure) => return asked.into_iter().map(|asked| (asked, Err(failure.clone()))).collect(),
        };
        let (known, budget) = (&known, self.context.runtime.remaining());
        let notifications: Vec<_> = asked
            .into_iter()
            .map(async |asked| {
                let what = format!("the notification for event {} of order {}", asked.sequence, asked.order_id);
                let answer = contained(&what, budget, self.notify_one(&asked, known)).await;
                (asked, answer)
            })
            .collect();
        let answers: Vec<_> = stream::iter(notifications).buffer_unordered(CONCURRENT_SENDS).collect().await;
        let receipts = answers.iter().filter_map(|(asked, answer)| {
            let receipt = answer.as_ref().ok().copied().flatten()?;
            Some((sending(asked), receipt))
        });
        let recorded = self.record(&receipts.collect::<Vec<_>>()).await;
        let settled = |answer| match answer {
            Ok(Some(_)) => recorded.clone(),
            Ok(None) => Ok(()),
            Err(failure) => Err(failure),
        };
        answers.into_iter().map(|(asked, answer)| (asked, settled(answer))).collect()
    }

    async fn look_up(&self, asked: &BTreeSet<ContactCommand>) -> Result<Known, Failure> {
        let sendings: Vec<NotificationKey> = asked.iter().map(sending).collect();
        let of_customers = asked.iter().filter(|asked| matches!(asked.recipient, ContactRecipient::Channel(_)));
        let orders: BTreeSet<OrderId> = of_customers.map(|asked| asked.order_id.clone()).collect();
        let events: BTreeSet<EventKey> = asked.iter().map(|asked| (asked.order_id.clone(), asked.sequence)).collect();
        let (sent, orders, events) = try_join!(
            self.context.database.sent(&sendings),
            self.context.database.load_each(&orders),
            self.context.database.events(&events)
        )?;
        Ok(Known { sent, orders, events })
    }

    /// The result of a notification; `None` if there is nothing to send.
    async fn notify_one(&self, asked: &ContactCommand, known: &Known) -> Result<Option<Receipt>, Failure> {
        if known.sent.contains(&sending(asked)) {
            return Ok(None);
        }
        let event = readable(&known.events, &(asked.order_id.clone(), asked.sequence))?;
        let event = event.ok_or_else(|| {
            refused(DeadLetterReason::EventUnknown, format!("order {} has no event {}", asked.order_id, asked.sequence))
        })?;
        let notification = match asked.recipient {
            ContactRecipient::Topic(topic) => Some(Ok(Notification::Publish(topic, event.clone()))),
            ContactRecipient::Channel(channel) => self.for_customer(channel, event, known)?,
        };
        let notification = match notification {
            None => return Ok(None),
            Some(Err(refusal)) => return Ok(Some(Receipt::Refused(refusal))),
            Some(Ok(notification)) => notification,
        };
        if self.context.runtime.remaining() < TIME_TO_TELL {
            return Err(Failure::transient_because("there is no time left to tell a customer"));
        }
        let answer = self.notifier.send(&[notification]).await.pop();
        answer.unwrap_or_else(|| Err(Failure::transient_because("a notification got no answer"))).map(Some)
    }

    fn for_customer(&self, channel: Channel, event: &Event, known: &Known) -> Result<Written, Failure> {
        let Event { order_id, sequence, event_type, .. } = event;
        let order = readable(&known.orders, order_id)?.ok_or_else(|| unknown(order_id))?;
        let notice = Notice::of(*event_type).ok_or_else(|| {
            let what = format!("event {sequence} of order {order_id} has no notification for customers");
            refused(DeadLetterReason::IllegalCommand, what)
        })?;
        self.notification(channel, notice, event, order)
    }

    /// The notification to a customer on a channel.
    fn notification(&self, channel: Channel, notice: Notice, event: &Event, order: &Order) -> Result<Written, Failure> {
        let customer = &order.customer;
        let written = match channel {
            Channel::Email if !self.channels.email => return Ok(None),
            Channel::Email => self.texts.mail(notice, event, order).map(|mail| Notification::Mail {
                to: customer.email.clone(),
                mail,
                about: AboutEvent {
                    order_id: event.order_id.clone(),
                    sequence: event.sequence,
                    event_type: event.event_type,
                },
            }),
            Channel::Sms => {
                let Some((codes, phone)) = self.channels.sms.as_ref().zip(customer.phone.clone()) else {
                    return Ok(None);
                };
                if !codes.permit(&phone) {
                    return Ok(Some(Err(Refusal::CallingCodeNotPermitted)));
                }
                self.texts.sms(notice, event, order).map(|text| Notification::Sms { phone, text })
            }
            Channel::Push => {
                let Some(endpoint) = customer.push_endpoint.clone().filter(|_| self.channels.push) else {
                    return Ok(None);
                };
                self.texts.push(notice, event, order).map(|push| Notification::Push { endpoint, push })
            }
        };
        // A mistake in a template, not a refusal of the customer's address: the message is redriven after the fix.
        let what = || format!("event {} of order {} has no text", event.sequence, event.order_id);
        let text = written.map_err(|error| Failure::permanent(DeadLetterReason::TextUnwritable, what(), error))?;
        Ok(Some(Ok(text)))
    }

    /// Records SES's reports about mails, one by one. A report is counted when it is recorded.
    async fn record_reports(
        &self,
        reports: &HashMap<NotificationKey, Refusal>,
    ) -> HashMap<NotificationKey, Result<(), Failure>> {
        let now = self.context.runtime.now();
        let recorded = reports.iter().map(async |(sending, refusal)| {
            let recorded = self.context.database.record(&[(sending.clone(), Receipt::Refused(*refusal))], now).await;
            if recorded.is_ok() {
                tracing::warn!(order_id = %sending.order_id, reason = %refusal, "an e-mail did not arrive, or was not wanted");
                self.context.runtime.count(metric::NOTIFICATIONS_REFUSED, 1);
            }
            (sending.clone(), recorded)
        });
        join_all(recorded).await.into_iter().collect()
    }

    /// Records the notifications that were sent or refused for good. One that cannot be recorded may be sent again.
    async fn record(&self, receipts: &[(NotificationKey, Receipt)]) -> Result<(), Failure> {
        if receipts.is_empty() {
            return Ok(());
        }
        let mut refused = 0;
        for (sending, receipt) in receipts {
            if let Receipt::Refused(reason) = receipt {
                refused += 1;
                let to = sending.recipient.name();
                tracing::warn!(order_id = %sending.order_id, to, %reason, "a notification was refused for good");
            }
        }
        for (name, count) in
            [(metric::NOTIFICATIONS_SENT, receipts.len() - refused), (metric::NOTIFICATIONS_REFUSED, refused)]
        {
            if count > 0 {
                self.context.runtime.count(name, count);
            }
        }
        self.context.database.record(receipts, self.context.runtime.now()).await
    }
}

/// Two kinds of messages reach the queue.
fn asked(delivery: &Delivery) -> Result<Asked, Failure> {
    let command = delivery.parsed().map(Asked::Notify);
    command.or_else(|no_command| match delivery.parsed() {
        Ok(MailReport { mail, order_id, sequence }) => {
            let recipient = Recipient::Customer(Channel::Email);
            Ok(Asked::Record(NotificationKey { order_id, sequence, recipient }, Refusal::Mail(mail)))
        }
        Err(_) => Err(no_command),
    })
}

fn sending(asked: &ContactCommand) -> NotificationKey {
    let ContactCommand { order_id, sequence, recipient } = asked;
    let recipient = match *recipient {
        ContactRecipient::Channel(channel) => Recipient::Customer(channel),
        ContactRecipient::Topic(topic) => Recipient::Topic(topic),
    };
    NotificationKey { order_id: order_id.clone(), sequence: *sequence, recipient }
}

fn refused(reason: DeadLetterReason, what: String) -> Failure {
    Failure::Permanent { what, reason, cause: None }
}
