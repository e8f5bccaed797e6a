//! SNS: who was told what, and whether anybody had to be told twice.

use std::collections::{BTreeMap, BTreeSet};

use order_domain::event::Event;
use order_domain::id::OrderId;
use order_domain::notification::sms_text;
use order_handlers::ports::{Addressee, Notification, Sending};

use crate::invocation::RETAILER;
use crate::plan::Invariant;
use crate::table::Table;
use crate::workload::number_of;
use crate::world::State;

/// What became of one thing that had to be told.
#[derive(Debug, Default)]
pub(crate) struct Telling {
    pub(crate) times: u32,
    /// The invocation that told it last.
    by: u64,
    /// Its answer was lost, so the teller cannot know.
    answer_lost: bool,
}

/// Who was told what.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) tellings: BTreeMap<(OrderId, u64, Addressee), Telling>,
    /// Invocations that died, or whose record of what they sent failed: what they told may be told again.
    pub(crate) unrecorded: BTreeSet<u64>,
}

/// The event that a notification tells of, as it was committed.
fn event_of<'a>(
    table: &'a Table,
    phones: &BTreeMap<String, OrderId>,
    told: &Notification,
) -> Option<(&'a Event, Addressee)> {
    match told {
        Notification::Publish(topic, event) => {
            let committed = table.events.get(&event.order_id)?.get(&event.sequence)?;
            (committed == event).then_some((committed, Addressee::Topic(*topic)))
        }
        Notification::Text { phone, text } => {
            let events = table.events.get(phones.get(phone)?)?;
            let committed = events.values().find(|event| sms_text(event, RETAILER).as_ref() == Some(text))?;
            Some((committed, Addressee::Sms))
        }
    }
}

/// SNS takes a notification.
pub(crate) fn take(state: &mut State, told: &Notification, by: u64, now: u64) -> Option<Sending> {
    let Some((event, addressee)) = event_of(&state.table, &state.asked.phones, told) else {
        let what = match told {
            Notification::Publish(topic, event) => {
                format!(
                    "{} was told of event {} of {}, which is not stored so",
                    topic.name(),
                    event.sequence,
                    event.order_id
                )
            }
            Notification::Text { text, .. } => format!("a customer was told what no event says: {text}"),
        };
        state.broken(Invariant::ToldTheTruth, None, now, what);
        return None;
    };
    let (order_id, sequence) = (event.order_id.clone(), event.sequence);
    let order = number_of(&order_id);
    let sending = Sending { order_id: order_id.clone(), sequence, addressee };
    let recorded = state.table.was_sent(&sending);
    let telling = state.told.tellings.entry((order_id, sequence, addressee)).or_default();
    let excused = !recorded && (telling.answer_lost || state.told.unrecorded.contains(&telling.by));
    let twice = telling.times > 0 && !excused;
    telling.times += 1;
    telling.by = by;
    telling.answer_lost = false;
    state.statistics.notifications += 1;
    state.tell(now, order, || format!("{} is told of event {sequence}", addressee.name()));
    if twice {
        let what = format!("{} was told of event {sequence} again although nothing was lost", addressee.name());
        state.broken(Invariant::ToldAtMostOnce, order, now, what);
    }
    Some(sending)
}

/// The answer to that notification is lost.
pub(crate) fn lose_answer(state: &mut State, sending: &Sending) {
    let key = (sending.order_id.clone(), sending.sequence, sending.addressee);
    if let Some(telling) = state.told.tellings.get_mut(&key) {
        telling.answer_lost = true;
    }
}
