//! SNS and SES: who was notified of which event, and whether a second notification has an excuse.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use order_contract::message::{ContactCommand, ContactRecipient};
use order_domain::event::Event;
use order_domain::id::OrderId;
use order_domain::notification::{CallingCodes, Notice};
use order_domain::order::Order;
use order_domain::request::Channel;
use order_handlers::channels::Channels;
use order_handlers::ports::{Notification, NotificationKey, Recipient, Refusal};
use order_handlers::texts::Texts;

use crate::invocation::Invocation;
use crate::plan::Invariant;
use crate::table::Table;
use crate::workload::{DISABLED_DEVICE, OPTED_OUT, REFUSED_ADDRESS, number_of};
use crate::world::State;

/// What the environment may send: everything.
pub(crate) fn channels() -> &'static Channels {
    static CHANNELS: OnceLock<Channels> = OnceLock::new();
    CHANNELS.get_or_init(|| Channels { email: true, sms: Some(CallingCodes::united_kingdom()), push: true })
}

/// The texts, parsed once; a test of the handlers says that they can be.
pub(crate) fn texts() -> Option<&'static Texts> {
    static TEXTS: OnceLock<Option<Texts>> = OnceLock::new();
    TEXTS.get_or_init(|| Texts::compiled_in("Shop", "help@shop.example").ok()).as_ref()
}

/// The last notification of one recipient about one event.
#[derive(Debug, Default)]
pub(crate) struct Delivered {
    /// The invocation that sent it.
    by: u64,
    /// The invocation got the answer.
    answered: bool,
    /// When it was recorded, in milliseconds of the run.
    recorded_at: Option<u64>,
}

type Key = (OrderId, u64, Recipient);

/// Who was notified of which event.
#[derive(Debug, Default)]
pub(crate) struct NotificationRecord {
    pub(crate) delivered: BTreeMap<Key, Delivered>,
    /// Invocations that died, or whose record of what they sent failed: their notifications may be sent again.
    pub(crate) unrecorded: BTreeSet<u64>,
    /// Invocations under way.
    pub(crate) running: BTreeSet<u64>,
}

impl NotificationRecord {
    /// A notification was recorded.
    pub(crate) fn recorded(&mut self, sending: &NotificationKey, now: u64) {
        if let Some(delivered) = self.delivered.get_mut(&key(sending)) {
            delivered.recorded_at.get_or_insert(now);
        }
    }
}

fn key(sending: &NotificationKey) -> Key {
    (sending.order_id.clone(), sending.sequence, sending.recipient)
}

/// Why a notification is refused for good, if it is.
pub(crate) fn refusal(notification: &Notification) -> Option<Refusal> {
    match notification {
        Notification::Publish(..) => None,
        Notification::Sms { phone, .. } => phone.starts_with(OPTED_OUT).then_some(Refusal::OptedOut),
        Notification::Mail { to, .. } => to.starts_with(REFUSED_ADDRESS).then_some(Refusal::AddressRefused),
        Notification::Push { endpoint, .. } => endpoint.contains(DISABLED_DEVICE).then_some(Refusal::EndpointDisabled),
    }
}

/// The committed event that a notification is about.
fn event_of<'a>(
    table: &'a Table,
    asked: &[ContactCommand],
    notification: &Notification,
) -> Option<(&'a Event, Recipient)> {
    if let Notification::Publish(topic, event) = notification {
        let committed = table.events.get(&event.order_id)?.get(&event.sequence)?;
        return (committed == event).then_some((committed, Recipient::Topic(*topic)));
    }
    // A message of the batch asks for each notification on a channel. The text is that of the event and its order.
    let mut candidates = asked.iter().filter_map(|command| {
        let event = table.events.get(&command.order_id)?.get(&command.sequence)?;
        let order = table.orders.get(&command.order_id)?;
        let ContactRecipient::Channel(channel) = command.recipient else { return None };
        is_to(notification, channel, order).then_some((event, order, channel))
    });
    let first = candidates.next()?;
    let others: Vec<_> = candidates.collect();
    let one_of_several = !others.is_empty();
    let mut all = std::iter::once(first).chain(others);
    let (event, _, channel) = all.find(|(event, order, _)| says(notification, event, order, one_of_several))?;
    Some((event, Recipient::Customer(channel)))
}

/// Whether a notification goes to the order's customer on that channel. Each customer of the workload has other addresses.
fn is_to(notification: &Notification, channel: Channel, order: &Order) -> bool {
    let customer = &order.customer;
    match notification {
        Notification::Sms { phone, .. } => channel == Channel::Sms && customer.phone.as_ref() == Some(phone),
        Notification::Mail { to, .. } => channel == Channel::Email && customer.email == *to,
        Notification::Push { endpoint, .. } => {
            channel == Channel::Push && customer.push_endpoint.as_ref() == Some(endpoint)
        }
        Notification::Publish(..) => false,
    }
}

/// Whether a notification has the text of an event. A text costs time: it is compared where several events are possible,
/// and else for one event of eight.
fn says(notification: &Notification, event: &Event, order: &Order, to_the_word: bool) -> bool {
    let (Some(texts), Some(notice)) = (texts(), Notice::of(event.event_type)) else { return false };
    if !to_the_word && !event.sequence.is_multiple_of(8) {
        return true;
    }
    match notification {
        Notification::Sms { text, .. } => texts.sms(notice, event, order).is_ok_and(|written| written == *text),
        Notification::Mail { mail, .. } => texts.mail(notice, event, order).is_ok_and(|written| written == *mail),
        Notification::Push { push, .. } => texts.push(notice, event, order).is_ok_and(|written| written == *push),
        Notification::Publish(..) => false,
    }
}

/// SNS or SES takes a notification.
pub(crate) fn take(
    state: &mut State,
    notification: &Notification,
    by: &Invocation,
    now: u64,
) -> Option<NotificationKey> {
    let Some((event, recipient)) = event_of(&state.table, &by.asked, notification) else {
        let what = match notification {
            Notification::Publish(topic, Event { sequence, order_id, .. }) => {
                format!(
                    "{} was notified of event {sequence} of {order_id}, and the stored event is another",
                    topic.name()
                )
            }
            _ => "a customer got a notification that matches no event".to_owned(),
        };
        state.broken(Invariant::NotifiedTruthfully, None, now, what);
        return None;
    };
    let sending = NotificationKey { order_id: event.order_id.clone(), sequence: event.sequence, recipient };
    let sequence = event.sequence;
    let order = number_of(&sending.order_id);
    let delivered = state.notifications.delivered.get(&key(&sending));
    let twice = delivered.is_some_and(|before| {
        // The earlier notification's answer or record was lost, or this invocation read the records before it was recorded.
        let excused = !before.answered
            || state.notifications.unrecorded.contains(&before.by)
            || match before.recorded_at {
                Some(at) => by.began <= at,
                None => state.notifications.running.contains(&before.by),
            };
        !excused
    });
    state.notifications.delivered.insert(key(&sending), Delivered { by: by.id, answered: false, recorded_at: None });
    state.statistics.notifications += 1;
    *state.statistics.notified.entry(recipient.name()).or_default() += 1;
    state.narrate(now, order, || format!("{} is notified of event {sequence} by #{}", recipient.name(), by.id));
    if twice {
        let what = format!("{} was notified of event {sequence} again although nothing was lost", recipient.name());
        state.broken(Invariant::NotifiedAtMostOnce, order, now, what);
    }
    Some(sending)
}

/// The invocation got the answer.
pub(crate) fn answered(state: &mut State, sending: &NotificationKey) {
    if let Some(delivered) = state.notifications.delivered.get_mut(&key(sending)) {
        delivered.answered = true;
    }
}
