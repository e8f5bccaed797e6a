//! The orders table's stream: in order within a shard, one batch of a shard at a time, delivered again from the first
//! failure on, and split where an invocation fails as a whole.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use order_domain::event::Event;
use order_domain::stage::Stage;
use order_handlers::stages::notify::Record;

use crate::fault::FaultKind;
use crate::invocation::{Work, invoke};
use crate::mutation::Mutation;
use crate::plan::Invariant;
use crate::settings::{RECORD_AGE, RECORDS};
use crate::workload::number_of;
use crate::world::{State, World, pause};

/// Milliseconds between two polls of a shard: Lambda polls four times a second
/// (docs.aws.amazon.com/lambda/latest/dg/with-ddb.html).
const BETWEEN_POLLS: u64 = 250;

/// A record that waits to be published.
#[derive(Debug)]
struct Entry {
    number: u64,
    /// The event; none where the record is not an event.
    event: Option<Event>,
    written_at: u64,
    visible_at: u64,
}

impl Entry {
    fn record(&self) -> Record {
        let event = self.event.clone().ok_or_else(|| "missing field `eventType`".to_owned());
        Record { sequence_number: self.number.to_string(), event }
    }
}

/// A shard: the records that are not published yet.
#[derive(Debug, Default)]
pub(crate) struct Shard {
    entries: VecDeque<Entry>,
}

impl Shard {
    /// Whether every record was published.
    pub(crate) fn is_read(&self) -> bool {
        self.entries.is_empty()
    }

    fn append(&mut self, number: u64, event: Option<Event>, now: u64, delay: u64) {
        // A record never overtakes the one before it.
        let after = self.entries.back().map_or(0, |entry| entry.visible_at);
        self.entries.push_back(Entry { number, event, written_at: now, visible_at: after.max(now + delay) });
    }
}

impl State {
    /// Appends a committed event to the shard of its order; the shard's number.
    pub(crate) fn publish(&mut self, event: Event, now: u64) -> usize {
        let order = number_of(&event.order_id).unwrap_or(0) as usize;
        let place = order % self.shards.len().max(1);
        let delay = if self.should_inject(FaultKind::Delay, now) {
            self.faults.random(FaultKind::Delay).between(1_000, 30_000)
        } else {
            self.schedule.between(1, 60)
        };
        let unreadable = self.should_inject(FaultKind::Poison, now);
        if self.should_inject(FaultKind::Panic, now) {
            self.asked.panicking.insert((event.order_id.clone(), event.sequence));
        }
        let (number, next) = (self.name(), self.name());
        if let Some(shard) = self.shards.get_mut(place) {
            shard.append(number, Some(event), now, delay);
            if unreadable {
                shard.append(next, None, now, 0);
            }
        }
        if unreadable {
            self.asked.unreadable.insert(next.to_string());
            self.narrate(now, None, || format!("FAULT record {next} is not an event"));
        }
        place
    }
}

/// Reads one shard to the end of the run.
pub(crate) async fn consume(world: Arc<World>, place: usize) {
    let mut failures = 0_u32;
    let mut most = RECORDS;
    loop {
        let (batch, next) = take(&world, place, most);
        if batch.is_empty() {
            wait(&world, place, next).await;
            let until_polled = world.state().schedule.below(BETWEEN_POLLS);
            pause(until_polled).await;
            continue;
        }
        let numbers: Vec<String> = batch.iter().map(|record| record.sequence_number.clone()).collect();
        let answer = invoke(&world, Stage::Notify, Work::Records(batch), false).await;
        let published = answer.failed.and_then(|failed| done(&world, &numbers, failed));
        match published {
            Some(published) if published == numbers.len() => (failures, most) = (0, RECORDS),
            Some(_) => failures += 1,
            // The whole batch failed: it is split, so that a bad record stands alone at last.
            None => (failures, most) = (failures + 1, (numbers.len() / 2).max(1)),
        }
        world.state().advance(place, published.unwrap_or(0), world.now());
        if failures > 0 {
            pause((100_u64 << failures.min(9)).min(60_000)).await;
        }
    }
}

/// How many records, from the first one, are done; none where the whole batch failed.
fn done(world: &World, numbers: &[String], mut failed: Vec<String>) -> Option<usize> {
    if world.makes(Mutation::StreamFailuresEmptied) {
        failed.clear();
    }
    if world.makes(Mutation::StreamReportsLastFailure) {
        failed = failed.pop().into_iter().collect();
    }
    let places = failed.iter().map(|number| numbers.iter().position(|known| known == number));
    // A number that Lambda does not know, or an empty one, fails the whole batch.
    let places: Option<Vec<usize>> = places.collect();
    if places.is_none() {
        let what = format!("notify names [{}], which are not in its batch", failed.join(", "));
        world.state().broken(Invariant::AnswerUnderstood, None, world.now(), what);
    }
    places.map(|places| places.into_iter().min().unwrap_or(numbers.len()))
}

fn take(world: &World, place: usize, most: usize) -> (Vec<Record>, Option<u64>) {
    let now = world.now();
    let mut state = world.state();
    let few = state.schedule.percent(50);
    let most = if few { 1 + state.schedule.position(most) } else { most };
    let Some(shard) = state.shards.get(place) else { return (Vec::new(), None) };
    let visible = shard.entries.iter().take_while(|entry| entry.visible_at <= now);
    let batch = visible.take(most).map(Entry::record).collect();
    (batch, shard.entries.front().map(|entry| entry.visible_at))
}

async fn wait(world: &World, place: usize, next: Option<u64>) {
    let Some(wakeup) = world.shard_wakeups.get(place) else { return };
    match next {
        None => wakeup.notified().await,
        // The front record becomes visible then, whatever is appended behind it.
        Some(next) => tokio::time::sleep(Duration::from_millis(next.saturating_sub(world.now()))).await,
    }
}

impl State {
    fn advance(&mut self, place: usize, published: usize, now: u64) {
        if published > 0 && self.should_inject(FaultKind::Duplicate, now) {
            self.narrate(now, None, || format!("FAULT the records of shard {place} are delivered again"));
            return;
        }
        let Some(shard) = self.shards.get_mut(place) else { return };
        shard.entries.drain(..published.min(shard.entries.len()));
        let too_old = shard.entries.iter().take_while(|entry| entry.written_at + RECORD_AGE < now).count();
        let expired: Vec<Entry> = shard.entries.drain(..too_old).collect();
        for entry in expired {
            let order = entry.event.as_ref().and_then(|event| number_of(&event.order_id));
            self.broken(
                Invariant::NothingLostByQueues,
                order,
                now,
                format!("the stream dropped record {} by age", entry.number),
            );
        }
    }
}
