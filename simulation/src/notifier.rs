//! SNS and SES: who was told what, and whether anybody had to be told twice.

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

/// What became of one thing that had to be told.
#[derive(Debug, Default)]
pub(crate) struct Telling {
    /// The invocation that told it last.
    by: u64,
    /// The teller got the answer.
    answered: bool,
    /// When it was recorded, in milliseconds of the run.
    recorded_at: Option<u64>,
}

type Key = (OrderId, u64, Recipient);

/// Who was told what.
#[derive(Debug, Default)]
pub(crate) struct NotificationRecord {
    pub(crate) tellings: BTreeMap<Key, Telling>,
    /// Invocations that died, or whose record of what they sent failed: what they told may be told again.
    pub(crate) unrecorded: BTreeSet<u64>,
    /// Invocations under way.
    pub(crate) running: BTreeSet<u64>,
}

impl NotificationRecord {
    /// A telling was recorded.
    pub(crate) fn recorded(&mut self, sending: &NotificationKey, now: u64) {
        if let Some(telling) = self.tellings.get_mut(&key(sending)) {
            telling.recorded_at.get_or_insert(now);
        }
    }
}

fn key(sending: &NotificationKey) -> Key {
    (sending.order_id.clone(), sending.sequence, sending.recipient)
}

/// Why a notification is refused for good, if it is.
pub(crate) fn refusal(told: &Notification) -> Option<Refusal> {
    match told {
        Notification::Publish(..) => None,
        Notification::Sms { phone, .. } => phone.starts_with(OPTED_OUT).then_some(Refusal::OptedOut),
        Notification::Mail { to, .. } => to.starts_with(REFUSED_ADDRESS).then_some(Refusal::AddressRefused),
        Notification::Push { endpoint, .. } => endpoint.contains(DISABLED_DEVICE).then_some(Refusal::EndpointDisabled),
    }
}

/// The event that a notification tells of, as it was committed.
fn event_of<'a>(table: &'a Table, asked: &[ContactCommand], told: &Notification) -> Option<(&'a Event, Recipient)> {
    if let Notification::Publish(topic, event) = told {
        let committed = table.events.get(&event.order_id)?.get(&event.sequence)?;
        return (committed == event).then_some((committed, Recipient::Topic(*topic)));
    }
    // What is told on a channel was asked for by a message of the batch, and says what that event and its order say.
    let mut candidates = asked.iter().filter_map(|command| {
        let event = table.events.get(&command.order_id)?.get(&command.sequence)?;
        let order = table.orders.get(&command.order_id)?;
        let ContactRecipient::Channel(channel) = command.recipient else { return None };
        is_to(told, channel, order).then_some((event, order, channel))
    });
    let first = candidates.next()?;
    let others: Vec<_> = candidates.collect();
    let one_of_several = !others.is_empty();
    let mut all = std::iter::once(first).chain(others);
    let (event, _, channel) = all.find(|(event, order, _)| says(told, event, order, one_of_several))?;
    Some((event, Recipient::Customer(channel)))
}

/// Whether a notification goes to the order's customer on that channel; each of the workload has addresses of their own.
fn is_to(told: &Notification, channel: Channel, order: &Order) -> bool {
    let customer = &order.customer;
    match told {
        Notification::Sms { phone, .. } => channel == Channel::Sms && customer.phone.as_ref() == Some(phone),
        Notification::Mail { to, .. } => channel == Channel::Email && customer.email == *to,
        Notification::Push { endpoint, .. } => {
            channel == Channel::Push && customer.push_endpoint.as_ref() == Some(endpoint)
        }
        Notification::Publish(..) => false,
    }
}

/// Whether a notification has the words of an event. Words are dear: they are compared where there is a choice, and else
/// for one event of a few.
fn says(told: &Notification, event: &Event, order: &Order, to_the_word: bool) -> bool {
    let (Some(texts), Some(notice)) = (texts(), Notice::of(event.event_type)) else { return false };
    if !to_the_word && !event.sequence.is_multiple_of(8) {
        return true;
    }
    match told {
        Notification::Sms { text, .. } => texts.sms(notice, event, order).is_ok_and(|written| written == *text),
        Notification::Mail { mail, .. } => texts.mail(notice, event, order).is_ok_and(|written| written == *mail),
        Notification::Push { push, .. } => texts.push(notice, event, order).is_ok_and(|written| written == *push),
        Notification::Publish(..) => false,
    }
}

/// SNS or SES takes a notification.
pub(crate) fn take(state: &mut State, told: &Notification, by: &Invocation, now: u64) -> Option<NotificationKey> {
    let Some((event, recipient)) = event_of(&state.table, &by.asked, told) else {
        let what = match told {
            Notification::Publish(topic, Event { sequence, order_id, .. }) => {
                format!("{} was told of event {sequence} of {order_id}, which is not stored so", topic.name())
            }
            _ => "a customer was told what no event says".to_owned(),
        };
        state.broken(Invariant::ToldTheTruth, None, now, what);
        return None;
    };
    let sending = NotificationKey { order_id: event.order_id.clone(), sequence: event.sequence, recipient };
    let sequence = event.sequence;
    let order = number_of(&sending.order_id);
    let telling = state.told.tellings.get(&key(&sending));
    let twice = telling.is_some_and(|told_before| {
        // Its answer, or that of its record, never came; or this one had looked before that one had recorded.
        let excused = !told_before.answered
            || state.told.unrecorded.contains(&told_before.by)
            || match told_before.recorded_at {
                Some(at) => by.began <= at,
                None => state.told.running.contains(&told_before.by),
            };
        !excused
    });
    state.told.tellings.insert(key(&sending), Telling { by: by.id, answered: false, recorded_at: None });
    state.statistics.notifications += 1;
    *state.statistics.told.entry(recipient.name()).or_default() += 1;
    state.tell(now, order, || format!("{} is told of event {sequence} by #{}", recipient.name(), by.id));
    if twice {
        let what = format!("{} was told of event {sequence} again although nothing was lost", recipient.name());
        state.broken(Invariant::ToldAtMostOnce, order, now, what);
    }
    Some(sending)
}

/// The teller got the answer.
pub(crate) fn answered(state: &mut State, sending: &NotificationKey) {
    if let Some(telling) = state.told.tellings.get_mut(&key(sending)) {
        telling.answered = true;
    }
}
