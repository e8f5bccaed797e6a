//! The world around the stages: one state, one clock, and one seed that decides everything.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use order_contract::message::SWEEP;
use order_domain::id::{OrderId, Sku};
use order_domain::order::Order;
use order_domain::stage::Stage;
use order_domain::time::Timestamp;
use payment_simulator::signature_header;
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

use crate::dead_letters::judge_dead_lettered;
use crate::fault::{FaultKind, Faults};
use crate::gateway::{Gateway, WebhookEvent};
use crate::mutation::Mutation;
use crate::notifier::NotificationRecord;
use crate::plan::{Invariant, Plan, Statistics, Violation};
use crate::ports::{FORGERS_SECRET, SECRET};
use crate::process::Process;
use crate::queue::{Posted, Queue, Undelivered};
use crate::random::{Random, stream};
use crate::settings::{SWEEP_EVERY, maximum_concurrency, maximum_receives};
use crate::story::{Line, Story};
use crate::stream::Shard;
use crate::table::Table;
use crate::workload::{Asked, PRODUCTS, is_plentiful};

/// The run's first moment: 2026-11-27 08:00 UTC, a Black Friday.
pub(crate) const FIRST_MOMENT: i64 = 1_795_766_400_000;
/// Milliseconds between two polls of a queue that seems to be empty.
const POLL: u64 = 20;
/// Further violations of a run say nothing new.
const MOST_VIOLATIONS: usize = 50;

/// The stages behind a queue, in the order in which an order meets them.
pub(crate) const QUEUED: [Stage; 6] =
    [Stage::Validate, Stage::Inventory, Stage::Payment, Stage::Fulfilment, Stage::Contact, Stage::Reconcile];

/// How long after its faults a run may take to come to rest, in milliseconds: longer than a reservation of stock lasts.
const TO_REST: u64 = 60 * 3600 * 1000;
/// A run waits for what is due within this time, in milliseconds.
const SOON: u64 = 3 * 3600 * 1000;
/// An outage of AWS is no longer than this, in milliseconds.
const LONGEST_AWS_OUTAGE: u64 = 20 * 60_000;
/// How many of a hundred outages of the gateway last longer than a reservation of stock lasts.
const LONG_OUTAGE: u32 = 1;
/// Two sweeps that check an order within this time may have run at once, in milliseconds.
const AT_ONCE: u64 = 120_000;
/// A sweep that would find nothing is left out, but not for longer than this, in milliseconds.
const IDLE_SWEEP_EVERY: u64 = 10 * 60_000;

/// A part of AWS that can be down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    Tables,
    Queues,
    /// SNS and SES.
    Topics,
    /// One stage's queue takes no messages.
    Queue(Stage),
}

/// A dead-lettered message.
#[derive(Debug, Clone)]
pub(crate) struct DeadLettered {
    /// The stage whose dead-letter queue it is in.
    pub(crate) stage: Stage,
    /// When it was sent to its source, in milliseconds of the run, where it came from a queue.
    pub(crate) sent_at: Option<u64>,
    /// Its id in the source.
    pub(crate) message_id: String,
    pub(crate) order: Option<u32>,
    /// The reason that the stage gave; none where the queue itself moved the message.
    pub(crate) reason: Option<&'static str>,
    pub(crate) body: String,
}

/// A check of an order by the reconciler.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Checked {
    /// The order as it was.
    pub(crate) version: u64,
    /// When the reconciler knew that the next check is moved, in milliseconds of the run.
    pub(crate) acknowledged_at: u64,
    /// When the next one is.
    pub(crate) again_at: Timestamp,
}

/// The state of the world at one moment.
#[derive(Debug)]
pub(crate) struct State {
    /// Interleavings: how long things take and which come first.
    pub(crate) schedule: Random,
    pub(crate) faults: Faults,
    pub(crate) queues: BTreeMap<Stage, Queue>,
    pub(crate) table: Table,
    pub(crate) shards: Vec<Shard>,
    pub(crate) gateway: Gateway,
    /// The outages of AWS: from, until.
    pub(crate) aws_outages: Vec<(Service, u64, u64)>,
    pub(crate) notifications: NotificationRecord,
    pub(crate) dead_lettered: Vec<DeadLettered>,
    /// The idle processes of each function.
    pub(crate) processes: BTreeMap<Stage, Vec<Arc<Process>>>,
    /// The reconciler's last check of each order of which it knows that the next check is written.
    pub(crate) checked: BTreeMap<OrderId, Checked>,
    pub(crate) asked: Asked,
    /// Invocations under way.
    pub(crate) under_way: usize,
    /// Clients and warehouses that have not sent everything yet.
    pub(crate) scripts: usize,
    pub(crate) statistics: Statistics,
    pub(crate) violations: Vec<Violation>,
    story: Option<Story>,
    names: u64,
}

impl State {
    /// A number that was not used before.
    pub(crate) fn name(&mut self) -> u64 {
        self.names += 1;
        self.names
    }

    /// Adds a line to the story, if there is one.
    pub(crate) fn narrate(&mut self, at: u64, order: Option<u32>, what: impl FnOnce() -> String) {
        self.narrate_for(at, order.as_slice(), what);
    }

    /// Adds a line about several orders to the story, if there is one.
    pub(crate) fn narrate_for(&mut self, at: u64, orders: &[u32], what: impl FnOnce() -> String) {
        if let Some(story) = &mut self.story {
            story.lines.push(Line { at, orders: orders.to_vec(), what: what() });
        }
    }

    /// Whether there is a story.
    pub(crate) const fn is_notified(&self) -> bool {
        self.story.is_some()
    }

    /// Whether a fault strikes now.
    pub(crate) fn should_inject(&mut self, kind: FaultKind, now: u64) -> bool {
        self.faults.strike(kind, now)
    }

    /// Whether a service of AWS is down.
    pub(crate) fn is_down(&self, service: Service, now: u64) -> bool {
        self.aws_outages.iter().any(|(down, from, until)| *down == service && (*from..*until).contains(&now))
    }

    /// The warehouse counts one shard of a product and corrects its free units; never those of what has to be plentiful.
    fn take_stock(&mut self, now: u64) {
        if !self.should_inject(FaultKind::Stocktaking, now) {
            return;
        }
        let random = self.faults.random(FaultKind::Stocktaking);
        let (name, _, shards) = PRODUCTS[random.position(PRODUCTS.len())];
        let shard = u16::try_from(random.position(shards.into())).unwrap_or(0);
        let (found, more) = (i64::try_from(random.between(1, 3)).unwrap_or(1), random.percent(50));
        let Ok(sku) = Sku::new(name) else { return };
        let plentiful = is_plentiful(&sku);
        let Some(units) = self.table.stock.get_mut(&(sku, shard)) else { return };
        let change = if more || plentiful { found } else { -found.min(units.free.max(0)) };
        units.free += change;
        *self.asked.counted.entry((name, shard)).or_default() += change;
        self.narrate(now, None, || format!("FAULT the warehouse corrects {name}/{shard} by {change}"));
    }

    /// Something that only a fault or a race leads to happened; see [`crate::sometimes`].
    pub(crate) fn reached(&mut self, what: &'static str) {
        *self.statistics.reached.entry(what).or_default() += 1;
    }

    pub(crate) fn broken(&mut self, invariant: Invariant, order: Option<u32>, at: u64, what: String) {
        self.narrate(at, order, || format!("VIOLATION {invariant}: {what}"));
        if self.violations.len() < MOST_VIOLATIONS {
            self.violations.push(Violation { invariant, order, at, what });
        }
    }

    /// Moves a message to a dead-letter queue.
    pub(crate) fn dead_letter(&mut self, message: DeadLettered, now: u64) {
        self.narrate(now, message.order, || {
            format!(
                "DEAD-LETTERED {} of {}: {}",
                message.message_id,
                message.stage.name(),
                message.reason.unwrap_or("-")
            )
        });
        *self.statistics.dead_letters.entry(message.reason.unwrap_or("TOO_MANY_RECEIVES")).or_default() += 1;
        judge_dead_lettered(self, &message, now);
        self.dead_lettered.push(message);
    }

    /// An exhausted message goes to its dead-letter queue; an expired one is gone.
    pub(crate) fn dead_letter_exhausted(&mut self, stage: Stage, undelivered: Undelivered, now: u64) {
        match undelivered {
            Undelivered::Exhausted(message) => {
                let poison = message.poison;
                let message = DeadLettered {
                    stage,
                    sent_at: Some(message.sent_at),
                    message_id: message.name(),
                    order: message.order,
                    reason: None,
                    body: message.body,
                };
                if poison {
                    self.asked.poisoned.insert(message.message_id.clone());
                }
                self.dead_letter(message, now);
            }
            Undelivered::Expired(message) => {
                let what = format!("{} was deleted by {}-queue after its retention", message.name(), stage.name());
                self.broken(Invariant::NothingLostByQueues, message.order, now, what);
            }
        }
    }

    /// The story, when the run is over.
    pub(crate) fn take_story(&mut self) -> Option<Story> {
        self.story.take()
    }

    /// The reconciler got the answer that the order's next check is moved.
    pub(crate) fn checked(&mut self, order: &Order, now: u64, again_at: Timestamp) {
        let before = self.checked.get(&order.order_id).filter(|before| before.version == order.version);
        // Either of two sweeps at the same time may have written last.
        let at_once = before.filter(|before| now < before.acknowledged_at + AT_ONCE);
        let again_at = at_once.map_or(again_at, |before| again_at.min(before.again_at));
        let checked = Checked { version: order.version, acknowledged_at: now, again_at };
        self.checked.insert(order.order_id.clone(), checked);
    }

    /// When an order was stored first.
    pub(crate) fn stored_at(&self, id: &order_domain::id::OrderId) -> u64 {
        self.table.stored_at.get(id).copied().unwrap_or(u64::MAX)
    }

    /// Nothing moves, and nothing will: the open orders wait for the warehouse or for a person.
    fn is_at_rest(&self, now: Timestamp, at: u64) -> bool {
        let soon = now.after(Duration::from_millis(SOON));
        let waits = |order: &Order| order.attention.is_none() && order.next_check_at().is_some_and(|at| at <= soon);
        self.scripts == 0
            && self.under_way == 0
            && self.queues.values().all(Queue::is_empty)
            && self.shards.iter().all(Shard::is_read)
            && !self.gateway.expires_before(at + SOON)
            && !self.table.orders.values().any(waits)
    }
}

/// How long orders arrive, in milliseconds: a minute for about a hundred.
fn arrival(plan: &Plan) -> u64 {
    600 * u64::from(plan.orders)
}

/// One run's world.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) mutation: Option<Mutation>,
    pub(crate) seed: u64,
    pub(crate) orders: u32,
    start: Instant,
    state: Mutex<State>,
    /// Notified when a queue has a new message.
    wakeups: BTreeMap<Stage, Notify>,
    /// How many invocations of a stage may run at the same time.
    pub(crate) concurrency: BTreeMap<Stage, Semaphore>,
    /// Notified when a shard of the stream has a new record.
    pub(crate) shard_wakeups: Vec<Notify>,
}

impl World {
    /// The world of a plan, inside the runtime whose clock it uses.
    pub(crate) fn new(plan: &Plan) -> Self {
        let mut random = Random::new(plan.seed, stream::WORLD);
        // Faults last until well after the orders arrived, then everything must come to rest.
        let until = random.between(10, 90) * 60_000 + arrival(plan);
        let mut faults = Faults::new(plan.faults.clone(), plan.seed, until);
        let mut gateway = Gateway::default();
        for _ in 0..2 {
            if faults.strike(FaultKind::Outage, 0) {
                // An outage that nobody meets shows nothing: half of them begin while the orders arrive.
                let within = if random.percent(50) { arrival(plan) } else { until };
                let from = random.below(within);
                let until = (from + random.between(60_000, 3_600_000)).min(faults.until());
                let long = random.percent(LONG_OUTAGE).then(|| from + random.between(25, 30) * 3_600_000);
                gateway.outages.push((from, long.unwrap_or(until)));
            }
        }
        let shards = random.between(1, 4);
        let mut aws_outages = Vec::new();
        for _ in 0..2 {
            if faults.strike(FaultKind::AwsOutage, 0) {
                let random = faults.random(FaultKind::AwsOutage);
                let service = [
                    Service::Tables,
                    Service::Queues,
                    Service::Topics,
                    Service::Queue(QUEUED[random.position(QUEUED.len())]),
                ];
                let service = service[random.position(service.len())];
                let from = random.below(arrival(plan).max(60_000));
                aws_outages.push((service, from, from + random.between(60_000, LONGEST_AWS_OUTAGE)));
            }
        }
        let concurrency = QUEUED.map(|stage| {
            let slots = 1 + random.position(6);
            (stage, Semaphore::new(slots.min(maximum_concurrency(stage))))
        });
        let mut state = State {
            schedule: Random::new(plan.seed, stream::SCHEDULE),
            faults,
            queues: QUEUED.map(|stage| (stage, Queue::new(maximum_receives(stage)))).into(),
            table: Table::default(),
            shards: (0..shards).map(|_| Shard::default()).collect(),
            gateway,
            aws_outages,
            notifications: NotificationRecord::default(),
            dead_lettered: Vec::new(),
            processes: BTreeMap::new(),
            checked: BTreeMap::new(),
            asked: Asked::default(),
            under_way: 0,
            scripts: 0,
            statistics: Statistics { orders: plan.orders.into(), ..Statistics::default() },
            violations: Vec::new(),
            story: plan.story.then(Story::default),
            names: 0,
        };
        let kinds = state.faults.describe();
        state.narrate(0, None, || format!("faults of this run, in ten thousand: {kinds}"));
        Self {
            mutation: plan.mutation,
            seed: plan.seed,
            orders: plan.orders,
            start: Instant::now(),
            state: Mutex::new(state),
            wakeups: QUEUED.map(|stage| (stage, Notify::new())).into(),
            concurrency: concurrency.into(),
            shard_wakeups: (0..shards).map(|_| Notify::new()).collect(),
        }
    }

    /// The state. One thread runs the world, so nobody ever waits; the guard never lives across an await.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        // A fault of the simulation panics while nothing is locked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Milliseconds of the run.
    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The moment as a clock shows it that is wrong by that many milliseconds.
    pub(crate) fn clock(&self, at: u64, skew: i64) -> Timestamp {
        let milliseconds = FIRST_MOMENT + i64::try_from(at).unwrap_or(i64::MAX / 4) + skew;
        Timestamp::from_unix_milliseconds(milliseconds).unwrap_or_else(|_| Timestamp::now())
    }

    /// Whether a mistake is made in this run.
    pub(crate) fn makes(&self, mutation: Mutation) -> bool {
        self.mutation == Some(mutation)
    }

    /// Puts a message into a stage's queue.
    pub(crate) fn send(&self, stage: Stage, body: String, order: Option<u32>) -> String {
        self.post(stage, Posted { body, order, ..Posted::default() }, self.now())
    }

    /// Puts a message into a stage's queue, at that moment.
    fn post(&self, stage: Stage, posted: Posted, at: u64) -> String {
        let now = self.now();
        let order = posted.order;
        let mut state = self.state();
        let id = state.name();
        let delayed = state.should_inject(FaultKind::Delay, now);
        let delay = if delayed { state.faults.random(FaultKind::Delay).between(1_000, 120_000) } else { 0 };
        let poison = state.should_inject(FaultKind::Poison, now);
        if poison {
            state.narrate(now, order, || format!("FAULT m-{id} kills every process that receives it"));
        }
        if let Some(queue) = state.queues.get_mut(&stage) {
            queue.send(id, Posted { poison, ..posted }, at, delay);
        }
        drop(state);
        self.wake(stage);
        format!("m-{id}")
    }

    /// The gateway reports what happened: some of it twice, late or out of order; and somebody forges more.
    pub(crate) fn post_webhooks(&self) {
        let events = self.state().gateway.take_events();
        for WebhookEvent { order, body, is_refund } in events {
            let now = self.now();
            if is_refund && self.state().should_inject(FaultKind::RefundReturned, now) {
                let mut state = self.state();
                state.asked.refunds_returned.insert(order);
                let body = state.gateway.refund_failed(order);
                drop(state);
                self.post_webhook(order, body, SECRET, now + 60_000);
            }
            if self.state().should_inject(FaultKind::LostWebhook, now) {
                let mut state = self.state();
                state.narrate(now, Some(order), || "FAULT a webhook is lost".to_owned());
                state.asked.webhooks_lost.insert(order);
                continue;
            }
            let (at, again, forged) = {
                let mut state = self.state();
                let late = state.should_inject(FaultKind::Delay, now);
                let most = if late { 3_600_000 } else { 5_000 };
                let at = now + state.schedule.between(200, most);
                let twice = state.should_inject(FaultKind::Duplicate, now);
                let again = twice.then(|| now + state.faults.random(FaultKind::Duplicate).below(3_600_000));
                let forged = state.should_inject(FaultKind::Forgery, now);
                (at, again, forged.then(|| now + state.faults.random(FaultKind::Forgery).below(60_000)))
            };
            for at in [Some(at), again].into_iter().flatten() {
                self.post_webhook(order, body.clone(), SECRET, at);
            }
            if let Some(at) = forged {
                let canceled = body.replace("payment_intent.succeeded", "payment_intent.canceled");
                self.post_webhook(order, canceled, FORGERS_SECRET, at);
            }
        }
    }

    fn post_webhook(&self, order: u32, body: String, secret: &str, at: u64) {
        let seconds = self.clock(at, 0).unix_milliseconds() / 1000;
        let signature = Some(signature_header(&[secret.to_owned()], seconds, &body));
        let forged = secret != SECRET;
        let posted = Posted { body, order: Some(order), signature, forged, poison: false };
        let name = self.post(Stage::Reconcile, posted, at);
        let mut state = self.state();
        state.narrate(at, Some(order), || format!("{name} is a webhook{}", if forged { ", forged" } else { "" }));
    }

    /// The schedule: starts a sweep again and again.
    pub(crate) async fn sweep(&self) {
        let mut last = 0;
        loop {
            pause(SWEEP_EVERY).await;
            let now = self.now();
            let due = {
                let mut state = self.state();
                state.gateway.expire(now);
                state.take_stock(now);
                state.table.due(self.clock(now, 0), now).len()
            };
            self.post_webhooks();
            if due == 0 && now < last + IDLE_SWEEP_EVERY {
                continue;
            }
            last = now;
            self.send(Stage::Reconcile, SWEEP.to_owned(), None);
        }
    }

    /// Wakes a stage's poller: there may be something to receive.
    pub(crate) fn wake(&self, stage: Stage) {
        if let Some(wakeup) = self.wakeups.get(&stage) {
            wakeup.notify_one();
        }
    }

    /// Waits until a stage's queue may have something to receive, at the latest until then.
    pub(crate) async fn wait_for_messages(&self, stage: Stage, until: Option<u64>) {
        let Some(wakeup) = self.wakeups.get(&stage) else { return };
        match until {
            None => wakeup.notified().await,
            Some(until) => {
                // A message that is visible was overlooked: the next poll may find it.
                let wait = Duration::from_millis(until.saturating_sub(self.now()).max(POLL));
                // Both ends are reasons to look again.
                let _ = tokio::time::timeout(wait, wakeup.notified()).await;
            }
        }
    }

    /// Waits until everything is at rest; false when that takes too long.
    pub(crate) async fn comes_to_rest(&self) -> bool {
        let limit = {
            let state = self.state();
            let last = state.gateway.outages.iter().map(|(_, until)| *until).max().unwrap_or(0);
            state.faults.until().max(last) + TO_REST
        };
        while self.now() < limit {
            tokio::time::sleep(Duration::from_secs(20)).await;
            let now = self.now();
            if self.state().is_at_rest(self.clock(now, 0), now) {
                return true;
            }
        }
        false
    }
}

/// Waits that many milliseconds of the run.
pub(crate) async fn pause(milliseconds: u64) {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}
