//! One invocation of a function: the real stage over the simulated ports, until it answers or its process dies.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures::FutureExt as _;
use order_domain::id::OrderId;
use order_domain::wiring::Stage;
use order_handlers::batch::Delivery;
use order_handlers::stages::fulfilment::Fulfilment;
use order_handlers::stages::inventory::Inventory;
use order_handlers::stages::notify::{Notify, Record};
use order_handlers::stages::payment::Payment;
use order_handlers::stages::validate::Validate;
use tokio::time::Instant;

use crate::fault::FaultKind;
use crate::plan::Invariant;
use crate::ports::Ports;
use crate::settings::{POLICY, RESERVE, function_timeout};
use crate::workload::{number_in, number_of};
use crate::world::World;

/// The retailer's name in texts.
pub(crate) const RETAILER: &str = "Shop";

/// What is handed to a function.
#[derive(Debug)]
pub(crate) enum Work {
    /// To a stage behind a queue.
    Messages(Vec<Delivery>),
    /// To the stream's consumer.
    Records(Vec<Record>),
}

impl Work {
    /// The orders that it is about.
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

/// What the simulation knows of an invocation while it runs.
#[derive(Debug)]
pub(crate) struct Invocation {
    pub(crate) id: u64,
    pub(crate) stage: Stage,
    /// The orders of its batch, where a story is told.
    pub(crate) orders: Vec<u32>,
    /// By how much its clock is wrong, in milliseconds.
    pub(crate) skew: i64,
    /// When the time for its work is over.
    pub(crate) deadline: Instant,
    dead: AtomicBool,
    panicked: AtomicBool,
    /// How many effects a poison message lets it have; negative where there is none.
    effects_left: AtomicI64,
    /// Orders that this invocation committed, and those that it forwarded before their time: for mutations.
    pub(crate) committed: Mutex<BTreeSet<OrderId>>,
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

/// Orders that are kept for a mutation.
pub(crate) fn orders(of: &Mutex<BTreeSet<OrderId>>) -> std::sync::MutexGuard<'_, BTreeSet<OrderId>> {
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

/// Runs a function on its work; its answer, or none where its process died.
pub(crate) async fn invoke(world: &Arc<World>, stage: Stage, work: Work, poisoned: bool) -> Option<Vec<String>> {
    let timeout = function_timeout(stage);
    let invocation = Arc::new(begin(world, stage, &work, poisoned));
    let ports = Ports::new(Arc::clone(world), Arc::clone(&invocation));
    let answering = AssertUnwindSafe(answer(stage, work, ports)).catch_unwind();
    let process = Mortal { work: Box::pin(answering), invocation: &invocation };
    let ended = tokio::time::timeout(timeout, process).await;
    let now = world.now();
    let mut state = world.state();
    state.under_way -= 1;
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
            state.tell_of(now, &invocation.orders, || {
                format!("{} #{id} is stopped by Lambda after {timeout:?}", stage.name())
            });
            None
        }
    };
    match &answer {
        Some(failed) => {
            state.tell_of(now, &invocation.orders, || {
                format!("{} #{id} answers, failed: [{}]", stage.name(), failed.join(", "))
            });
        }
        None => {
            state.told.unrecorded.insert(id);
            if panicked {
                let what = format!("a panic ended {} #{id} and its whole batch", stage.name());
                state.broken(Invariant::PanicContained, None, now, what);
            }
        }
    }
    answer
}

fn begin(world: &World, stage: Stage, work: &Work, poisoned: bool) -> Invocation {
    let now = world.now();
    let mut state = world.state();
    state.under_way += 1;
    state.statistics.invocations += 1;
    let id = state.name();
    let skewed = state.faults.in_force(FaultKind::Skew, now);
    let skew = if skewed { state.faults.chance(FaultKind::Skew).below(4_001) } else { 2_000 };
    let effects_left = if poisoned { i64::try_from(state.schedule.below(6)).unwrap_or(0) } else { -1 };
    let orders = if state.is_told() { work.orders() } else { Vec::new() };
    state.tell_of(now, &orders, || {
        let names: Vec<&str> = match work {
            Work::Messages(messages) => messages.iter().map(|delivery| delivery.message_id.as_str()).collect(),
            Work::Records(records) => records.iter().map(|record| record.sequence_number.as_str()).collect(),
        };
        format!("{} #{id} is invoked with {}", stage.name(), names.join(", "))
    });
    Invocation {
        id,
        stage,
        orders,
        skew: i64::try_from(skew).unwrap_or(2_000) - 2_000,
        deadline: Instant::now() + function_timeout(stage) - RESERVE,
        dead: AtomicBool::new(false),
        panicked: AtomicBool::new(false),
        effects_left: AtomicI64::new(effects_left),
        committed: Mutex::default(),
        forwarded: Mutex::default(),
    }
}

/// What the bootstrap does with an event.
async fn answer(stage: Stage, work: Work, ports: Ports) -> Vec<String> {
    let (database, queue, gateway, runtime) = (ports.clone(), ports.clone(), ports.clone(), ports.clone());
    match (stage, work) {
        (Stage::Validate, Work::Messages(batch)) => {
            Validate { database, queue, runtime, policy: POLICY }.run(&batch).await
        }
        (Stage::Inventory, Work::Messages(batch)) => {
            Inventory { database, queue, runtime, policy: POLICY }.run(&batch).await
        }
        (Stage::Payment, Work::Messages(batch)) => {
            Payment { database, gateway, queue, runtime, policy: POLICY }.run(&batch).await
        }
        (Stage::Fulfilment, Work::Messages(batch)) => {
            Fulfilment { database, gateway, queue, runtime, policy: POLICY }.run(&batch).await
        }
        (_, Work::Records(records)) => {
            let retailer = RETAILER.to_owned();
            Notify { database, notifier: ports, queue, runtime, sms_enabled: true, retailer }.run(&records).await
        }
        (Stage::Notify | Stage::Query, Work::Messages(_)) => Vec::new(),
    }
}
