//! One invocation of a function: the real stage over the simulated ports, until it answers or its process dies.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures::FutureExt as _;
use order_contract::message::ContactCommand;
use order_domain::id::OrderId;
use order_domain::stage::Stage;
use order_handlers::adapters::stripe::{BreakerTransport, StripeGateway};
use order_handlers::batch::Delivery;
use order_handlers::consumer::StageContext;
use order_handlers::stages::contact::Contact;
use order_handlers::stages::fulfilment::Fulfilment;
use order_handlers::stages::inventory::Inventory;
use order_handlers::stages::notify::{Notify, Record};
use order_handlers::stages::payment::Payment;
use order_handlers::stages::reconcile::Reconcile;
use order_handlers::stages::validate::Validate;
use tokio::time::Instant;

use crate::fault::FaultKind;
use crate::notifier::{channels, texts};
use crate::plan::Invariant;
use crate::ports::{ENVIRONMENT, Ports};
use crate::process::{BreakerProbe, Process};
use crate::seam::Seam;
use crate::settings::{RESERVE, function_timeout, policy};
use crate::sometimes;
use crate::workload::{number_in, number_of};
use crate::world::World;

/// How many of a hundred invocations begin in a new process although a warm one is idle.
const NEW_PROCESS: u32 = 5;

/// The work of an invocation.
#[derive(Debug)]
pub(crate) enum Work {
    /// To a stage behind a queue.
    Messages(Vec<Delivery>),
    /// To the stream's consumer.
    Records(Vec<Record>),
}

impl Work {
    /// Its orders.
    fn orders(&self) -> Vec<u32> {
        let mut orders: Vec<u32> = match self {
            Self::Messages(messages) => messages.iter().filter_map(|delivery| number_in(&delivery.body)).collect(),
            Self::Records(records) => {
                let events = records.iter().filter_map(|record| record.event.as_ref().ok());
                events.filter_map(|event| number_of(&event.order_id)).collect()
            }
        };
        orders.dedup();
        orders
    }
}

/// The simulation's state of a running invocation.
#[derive(Debug)]
pub(crate) struct Invocation {
    pub(crate) id: u64,
    pub(crate) stage: Stage,
    pub(crate) process: Arc<Process>,
    /// When it began, in milliseconds of the run.
    pub(crate) began: u64,
    /// The notifications that contact was asked for.
    pub(crate) asked: Vec<ContactCommand>,
    /// Webhooks that it refused to believe.
    pub(crate) webhooks_refused: AtomicUsize,
    /// The orders of its batch, where the story is kept.
    pub(crate) orders: Vec<u32>,
    /// By how much its clock is wrong, in milliseconds.
    pub(crate) skew: i64,
    /// When its clock jumps, in milliseconds of the run, and by how many milliseconds.
    pub(crate) jump: Option<(u64, i64)>,
    /// When the time for its work is over.
    pub(crate) deadline: Instant,
    dead: AtomicBool,
    panicked: AtomicBool,
    /// The processing of one order panicked.
    pub(crate) contained: AtomicBool,
    /// How many effects a poison message lets it have; negative where there is none.
    effects_left: AtomicI64,
    /// Orders that this invocation committed, and those that it forwarded before their time: for mutations.
    pub(crate) committed: Mutex<BTreeSet<OrderId>>,
    /// Orders that the index of open orders showed it, and when, in milliseconds of the run.
    pub(crate) swept: Mutex<BTreeMap<OrderId, u64>>,
    pub(crate) forwarded: Mutex<BTreeSet<OrderId>>,
}

impl Invocation {
    /// Ends the process: none of its futures is ever polled again.
    pub(crate) fn die(&self) {
        self.dead.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Relaxed)
    }

    /// A panic that nothing contains.
    pub(crate) fn panic_through(&self) {
        self.panicked.store(true, Ordering::Relaxed);
        self.die();
    }

    /// Counts an effect; true when it is one more than a poison message lets the process have.
    pub(crate) fn is_killed_by_poison(&self) -> bool {
        self.effects_left.load(Ordering::Relaxed) >= 0 && self.effects_left.fetch_sub(1, Ordering::Relaxed) == 0
    }
}

/// Where the invocation's sets are kept.
pub(crate) fn orders<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A process that can die between any two steps.
struct Mortal<'a, F> {
    work: Pin<Box<F>>,
    invocation: &'a Invocation,
}

impl<T, F: Future<Output = T>> Future for Mortal<'_, F> {
    type Output = Option<T>;
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let polled = self.work.as_mut().poll(context);
        if self.invocation.is_dead() { Poll::Ready(None) } else { polled.map(Some) }
    }
}

/// The outcome of an invocation.
#[derive(Debug)]
pub(crate) struct Answered {
    /// The failures that it reports; none where its process died.
    pub(crate) failed: Option<Vec<String>>,
    /// Webhooks that it refused to believe.
    pub(crate) webhooks_refused: usize,
    /// Orders that it changed.
    pub(crate) committed: BTreeSet<OrderId>,
}

/// Runs a function on its work in one of its warm processes, or in a new one. A process's memory dies with it.
pub(crate) async fn invoke(world: &Arc<World>, stage: Stage, work: Work, poisoned: bool) -> Answered {
    let timeout = function_timeout(stage);
    let process = warm_process(world, stage);
    let invocation = Arc::new(begin(world, stage, &work, poisoned, process));
    let ports = Ports::new(Arc::clone(world), Arc::clone(&invocation));
    let answering = AssertUnwindSafe(answer(world, stage, work, ports, &invocation.process)).catch_unwind();
    let mortal = Mortal { work: Box::pin(answering), invocation: &invocation };
    let ended = tokio::time::timeout(timeout, mortal).await;
    let now = world.now();
    let mut state = world.state();
    state.under_way -= 1;
    state.notifications.running.remove(&invocation.id);
    let id = invocation.id;
    let mut panicked = invocation.panicked.load(Ordering::Relaxed);
    let answer = match ended {
        Ok(Some(Ok(answer))) => Some(answer),
        Ok(Some(Err(_))) => {
            panicked = true;
            None
        }
        Ok(None) => None,
        Err(_) => {
            state.narrate_for(now, &invocation.orders, || {
                format!("{} #{id} is stopped by Lambda after {timeout:?}", stage.name())
            });
            None
        }
    };
    match &answer {
        Some(failed) => {
            state.narrate_for(now, &invocation.orders, || {
                format!("{} #{id} answers, failed: [{}]", stage.name(), failed.join(", "))
            });
        }
        None => {
            state.notifications.unrecorded.insert(id);
            if panicked {
                let what = format!("a panic ended {} #{id} and its whole batch", stage.name());
                state.broken(Invariant::PanicContained, None, now, what);
            }
        }
    }
    if answer.is_some() {
        state.processes.entry(stage).or_default().push(Arc::clone(&invocation.process));
    }
    if answer.is_some() && invocation.contained.load(Ordering::Relaxed) {
        state.reached(sometimes::PANIC_CONTAINED);
    }
    let committed = std::mem::take(&mut *orders(&invocation.committed));
    Answered { failed: answer, webhooks_refused: invocation.webhooks_refused.load(Ordering::Relaxed), committed }
}

/// A process of a function that is idle, or a new one.
fn warm_process(world: &World, stage: Stage) -> Arc<Process> {
    let mut guard = world.state();
    let state = &mut *guard;
    let idle = state.processes.entry(stage).or_default();
    if idle.is_empty() || state.schedule.percent(NEW_PROCESS) {
        return Arc::new(Process::new(world));
    }
    let one = state.schedule.position(idle.len());
    idle.swap_remove(one)
}

fn begin(world: &World, stage: Stage, work: &Work, poisoned: bool, process: Arc<Process>) -> Invocation {
    let now = world.now();
    let mut state = world.state();
    state.under_way += 1;
    state.statistics.invocations += 1;
    let id = state.name();
    let skewed = state.faults.in_force(FaultKind::Skew, now);
    let skew = if skewed { state.faults.random(FaultKind::Skew).below(4_001) } else { 2_000 };
    let jump = state.should_inject(FaultKind::ClockJump, now).then(|| {
        let random = state.faults.random(FaultKind::ClockJump);
        (now + random.below(2_000), i64::try_from(random.below(16_001)).unwrap_or(8_000) - 8_000)
    });
    let effects_left = if poisoned { i64::try_from(state.schedule.below(6)).unwrap_or(0) } else { -1 };
    let orders = if state.is_notified() { work.orders() } else { Vec::new() };
    state.narrate_for(now, &orders, || {
        let names: Vec<&str> = match work {
            Work::Messages(messages) => messages.iter().map(|delivery| delivery.message_id.as_str()).collect(),
            Work::Records(records) => records.iter().map(|record| record.sequence_number.as_str()).collect(),
        };
        format!("{} #{id} is invoked with {}", stage.name(), names.join(", "))
    });
    state.notifications.running.insert(id);
    let asked = match work {
        Work::Messages(messages) if stage == Stage::Contact => {
            messages.iter().filter_map(|delivery| serde_json::from_str(&delivery.body).ok()).collect()
        }
        _ => Vec::new(),
    };
    Invocation {
        id,
        stage,
        process,
        began: now,
        asked,
        webhooks_refused: AtomicUsize::new(0),
        orders,
        skew: i64::try_from(skew).unwrap_or(2_000) - 2_000,
        jump,
        deadline: Instant::now() + function_timeout(stage) - RESERVE,
        dead: AtomicBool::new(false),
        panicked: AtomicBool::new(false),
        contained: AtomicBool::new(false),
        effects_left: AtomicI64::new(effects_left),
        committed: Mutex::default(),
        swept: Mutex::default(),
        forwarded: Mutex::default(),
    }
}

/// The bootstrap's part.
async fn answer(world: &World, stage: Stage, work: Work, ports: Ports, process: &Process) -> Vec<String> {
    let (database, queue, runtime, policy) = (ports.clone(), ports.clone(), ports.clone(), policy(stage));
    let transport = BreakerTransport { transport: ports.clone(), breaker: &process.breaker, runtime: ports.clone() };
    let gateway = StripeGateway::new(BreakerProbe { transport, process, world }, ENVIRONMENT.to_owned());
    let gateway = Seam { gateway, world };
    match (stage, work) {
        (Stage::Validate, Work::Messages(batch)) => {
            Validate { context: StageContext { database, queue, runtime, policy } }.run(&batch).await
        }
        (Stage::Inventory, Work::Messages(batch)) => {
            Inventory { context: StageContext { database, queue, runtime, policy } }.run(&batch).await
        }
        (Stage::Payment, Work::Messages(batch)) => {
            Payment { context: StageContext { database, queue, runtime, policy }, gateway }.run(&batch).await
        }
        (Stage::Fulfilment, Work::Messages(batch)) => {
            Fulfilment { context: StageContext { database, queue, runtime, policy }, gateway }.run(&batch).await
        }
        (Stage::Reconcile, Work::Messages(batch)) => {
            Reconcile { context: StageContext { database, queue, runtime, policy }, webhooks: ports }.run(&batch).await
        }
        (Stage::Contact, Work::Messages(batch)) => {
            let Some(texts) = texts() else { return Vec::new() };
            Contact {
                context: StageContext { database, queue, runtime, policy },
                notifier: ports,
                channels: channels(),
                texts,
            }
            .run(&batch)
            .await
        }
        (_, Work::Records(records)) => {
            Notify { database, notifier: ports, queue, runtime, channels: channels() }.run(&records).await
        }
        (Stage::Notify | Stage::Query, Work::Messages(_)) => Vec::new(),
    }
}
