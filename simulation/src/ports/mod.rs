//! The stages' ports into the simulated world. Every call takes time, and may fail before or after its effect.

mod database;
mod gateway;
mod notifications;
mod queue;
mod webhooks;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use order_contract::metric;
use order_domain::id::OrderId;
use order_domain::stage::Stage;
use order_domain::time::Timestamp;
use order_handlers::failure::{DeadLetterReason, Failure};
use order_handlers::ports::Runtime;
use tokio::time::Instant;

pub(crate) use self::database::LONGEST_INDEX_LAG;
pub(crate) use self::gateway::ENVIRONMENT;
pub(crate) use self::webhooks::{FORGERS_SECRET, SECRET};

use crate::fault::FaultKind;
use crate::invocation::Invocation;
use crate::mutation::Mutation;
use crate::settings::{AWS_TIMEOUT, GATEWAY_TIMEOUT};
use crate::sometimes;
use crate::workload::number_of;
use crate::world::{Service, World, pause};

/// The service that is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    Read,
    Write,
    Queue,
    Gateway,
    Publish,
}

impl Call {
    /// How long it takes, in milliseconds.
    const fn latency(self) -> (u64, u64) {
        match self {
            Self::Read => (2, 8),
            Self::Write => (4, 16),
            Self::Queue => (3, 12),
            Self::Publish => (8, 40),
            Self::Gateway => (60, 500),
        }
    }

    /// How long its client waits, in milliseconds.
    const fn timeout(self) -> u64 {
        match self {
            Self::Gateway => GATEWAY_TIMEOUT,
            _ => AWS_TIMEOUT,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Queue => "queue",
            Self::Publish => "publish",
            Self::Gateway => "gateway",
        }
    }
}

/// The fault that a call meets.
enum Met {
    Nothing,
    Death,
    Refusal,
}

/// The ports of one invocation.
#[derive(Debug, Clone)]
pub(crate) struct Ports {
    world: Arc<World>,
    invocation: Arc<Invocation>,
}

impl Ports {
    pub(crate) const fn new(world: Arc<World>, invocation: Arc<Invocation>) -> Self {
        Self { world, invocation }
    }

    fn makes(&self, mutation: Mutation) -> bool {
        self.world.makes(mutation)
    }

    /// A process that is dead does nothing any more.
    async fn unless_dead(&self) {
        if self.invocation.is_dead() {
            std::future::pending::<()>().await;
        }
    }

    async fn die(&self) {
        self.invocation.die();
        std::future::pending::<()>().await;
    }

    /// The request to a service. Its effect follows, unless the call is refused.
    async fn reach(&self, call: Call, order: Option<u32>) -> Result<(), Failure> {
        self.unless_dead().await;
        let latency = {
            let now = self.world.now();
            let mut state = self.world.state();
            let (least, most) = call.latency();
            let latency = state.schedule.between(least, most);
            if state.should_inject(FaultKind::Delay, now) {
                state.faults.random(FaultKind::Delay).between(latency, call.timeout())
            } else {
                latency
            }
        };
        pause(latency).await;
        self.unless_dead().await;
        self.unless_service_is_down(call, order).await?;
        match self.meets(call, order, "before") {
            Met::Nothing => Ok(()),
            Met::Death => {
                self.die().await;
                Ok(())
            }
            Met::Refusal => Err(self.refusal(call)),
        }
    }

    /// An outage refuses every call, at once or by a timeout.
    async fn unless_service_is_down(&self, call: Call, order: Option<u32>) -> Result<(), Failure> {
        let service = match call {
            Call::Read | Call::Write => Service::Tables,
            Call::Queue => Service::Queues,
            Call::Publish => Service::Topics,
            Call::Gateway => return Ok(()),
        };
        let wait = {
            let now = self.world.now();
            let mut state = self.world.state();
            if !state.is_down(service, now) {
                return Ok(());
            }
            state.reached(sometimes::AWS_DOWN);
            state.narrate(now, order, || format!("FAULT {service:?} are down"));
            state.schedule.below(2) * call.timeout()
        };
        pause(wait).await;
        self.unless_dead().await;
        Err(Failure::transient_because(format!("{service:?} are down")))
    }

    fn meets(&self, call: Call, order: Option<u32>, when: &str) -> Met {
        let now = self.world.now();
        let mut state = self.world.state();
        let Invocation { id, stage, ref orders, .. } = *self.invocation;
        let concerned = if order.is_some() { order.as_slice() } else { orders.as_slice() };
        if state.should_inject(FaultKind::Crash, now) {
            state.narrate_for(now, concerned, || format!("FAULT {} #{id} dies {when} a {}", stage.name(), call.name()));
            return Met::Death;
        }
        if self.invocation.is_killed_by_poison() {
            state.narrate_for(now, concerned, || {
                format!("FAULT {} #{id} is killed by a message of its batch", stage.name())
            });
            return Met::Death;
        }
        let kind = if when == "before" { FaultKind::Throttle } else { FaultKind::LostAnswer };
        if state.should_inject(kind, now) {
            state.narrate_for(now, concerned, || format!("FAULT {kind}: {} of {} #{id}", call.name(), stage.name()));
            return Met::Refusal;
        }
        Met::Nothing
    }

    fn refusal(&self, call: Call) -> Failure {
        let what = format!("a {} was throttled", call.name());
        match call {
            Call::Write if self.makes(Mutation::ThrottleTakenForPermanent) => {
                Failure::Permanent { what, reason: DeadLetterReason::RequestRefused, cause: None }
            }
            _ => Failure::transient_because(what),
        }
    }

    /// The answer of a service, after the effect.
    async fn back(&self, call: Call, order: Option<u32>) -> Result<(), Failure> {
        match self.meets(call, order, "after") {
            Met::Nothing => {}
            Met::Death => self.die().await,
            Met::Refusal => {
                let wait = self.world.state().schedule.below(2) * call.timeout();
                pause(wait).await;
                self.unless_dead().await;
                return Err(Failure::transient_because(format!("the answer to a {} was lost", call.name())));
            }
        }
        // Answers overtake each other, too.
        let late = {
            let now = self.world.now();
            let mut state = self.world.state();
            match () {
                () if call == Call::Read && state.should_inject(FaultKind::Delay, now) => {
                    state.faults.random(FaultKind::Delay).between(100, call.timeout() / 2)
                }
                () if state.schedule.percent(25) => state.schedule.between(1, 10),
                () => 0,
            }
        };
        if late > 0 {
            pause(late).await;
            self.unless_dead().await;
        }
        Ok(())
    }

    /// The processing of one order may panic here.
    async fn may_panic(&self, order: Option<u32>) {
        let panics = {
            let now = self.world.now();
            let mut state = self.world.state();
            let panics = state.should_inject(FaultKind::Panic, now);
            if panics {
                let id = self.invocation.id;
                state.narrate(now, order, || format!("FAULT the processing of this order panics in #{id}"));
            }
            panics
        };
        if panics {
            self.panic().await;
        }
    }

    /// The publishing of an event panics: once, or every time.
    async fn notification_may_panic(&self, order_id: &OrderId, sequence: u64) {
        let event = (order_id.clone(), sequence);
        let panics = {
            let now = self.world.now();
            let mut state = self.world.state();
            let always = self.invocation.stage == Stage::Notify && state.asked.panicking.contains(&event);
            let panics = always || state.should_inject(FaultKind::Panic, now);
            if panics {
                let id = self.invocation.id;
                state.narrate(now, number_of(order_id), || {
                    format!("FAULT the publishing of event {sequence} panics in #{id}")
                });
                state.asked.panicked.insert(event);
                // Notifications that it sent and did not record may be sent again.
                state.notifications.unrecorded.insert(id);
            }
            panics
        };
        if panics {
            self.panic().await;
        }
    }

    async fn panic(&self) {
        if self.makes(Mutation::PanicNotContained) {
            self.invocation.panic_through();
            std::future::pending::<()>().await;
        }
        self.invocation.contained.store(true, Ordering::Relaxed);
        // Unwinds like a panic, without the hook that prints one.
        std::panic::resume_unwind(Box::new("a fault of the simulation"));
    }
}

impl Runtime for Ports {
    fn now(&self) -> Timestamp {
        let now = self.world.now();
        let jump = self.invocation.jump.filter(|(at, _)| *at <= now).map_or(0, |(_, by)| by);
        self.world.clock(now, self.invocation.skew + jump)
    }

    fn random(&self) -> f64 {
        self.world.state().schedule.unit()
    }

    fn remaining(&self) -> Duration {
        self.invocation.deadline.saturating_duration_since(Instant::now())
    }

    fn count(&self, name: &'static str, how_many: usize) {
        match name {
            metric::WEBHOOKS_REFUSED => {
                self.invocation.webhooks_refused.fetch_add(how_many, Ordering::Relaxed);
            }
            metric::GATEWAY_CIRCUIT_OPENED => {
                let mut state = self.world.state();
                state.statistics.circuits_opened += u64::try_from(how_many).unwrap_or(u64::MAX);
                state.reached(sometimes::CIRCUIT_OPENED);
            }
            _ => {}
        }
    }

    fn time(&self, _: &'static str, _: Duration) {}
}
