//! The plan of a run, its invariants and its outcome.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::fault::{FaultKind, FaultProfile};
use crate::mutation::Mutation;
use crate::story::Story;

/// One run. Two runs of the same plan are the same, wherever and whenever they take place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Decides every order, every interleaving and every fault.
    pub seed: u64,
    /// How many orders are placed.
    pub orders: u32,
    /// What may go wrong.
    pub faults: FaultProfile,
    /// A mistake that is made on purpose, to see whether it is noticed.
    pub mutation: Option<Mutation>,
    /// Whether the story is kept. It changes nothing else.
    pub story: bool,
}

impl Plan {
    /// A run of the pipeline as it is, whose story is not kept.
    #[must_use]
    pub const fn new(seed: u64, orders: u32, faults: FaultProfile) -> Self {
        Self { seed, orders, faults, mutation: None, story: false }
    }

    /// The same run with a mistake in the pipeline.
    #[must_use]
    pub fn with(self, mutation: Mutation) -> Self {
        Self { mutation: Some(mutation), ..self }
    }

    /// The same run with its story.
    #[must_use]
    pub fn with_story(self) -> Self {
        Self { story: true, ..self }
    }

    /// The command that replays the run.
    #[must_use]
    pub fn command(&self) -> String {
        format!("cargo ops simulate --seed {} --orders {} --faults {}", self.seed, self.orders, self.faults)
    }
}

/// A rule that no run may break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Invariant {
    /// Every accepted order reaches an end, waits for the warehouse, or its message is dead-lettered.
    OrderAccountedFor,
    /// Every report of the warehouse, the carrier or the customer has had its effect or is dead-lettered.
    CommandObeyed,
    /// The gateway's captured and refunded amounts are the order's.
    MoneyMatches,
    /// Money is taken once.
    CapturedOnce,
    /// No authorisation is left for an order that will not be dispatched, and no order has two.
    NoForgottenAuthorisation,
    /// What was captured and refunded is what the customer ordered and returned, at list prices; see [`crate::oracle`].
    MoneyAsOrdered,
    /// What left the shelves is what the customers ordered and got, or still wait for.
    StockAsOrdered,
    /// Every customer was notified of every step of the order, on every channel that the customer asked for.
    CustomerInformed,
    /// Free, reserved and sold units of a SKU add up to what there was, and the reserved units are those of open orders.
    StockConserved,
    /// No number of units is below zero, and no order is refused where there is plenty.
    NeverOversold,
    /// States move forwards only.
    StatesForward,
    /// An order's events are numbered without gaps, and the last one has the order's state.
    HistoryGapless,
    /// An event is never overwritten.
    EventImmutable,
    /// Every event is sent to all its recipients.
    NotifiedAtLeastOnce,
    /// Nobody is notified twice, unless an answer was lost.
    NotifiedAtMostOnce,
    /// Only committed events are published, as they were committed.
    NotifiedTruthfully,
    /// Every message in a dead-letter queue belongs there, for the reason that it names.
    DeadLetterJustified,
    /// No queue dead-letters a message by itself, except one that kills every process.
    NothingLostByQueues,
    /// Another order under the same id changes nothing but is recorded.
    ConflictRecorded,
    /// One order's panic ends neither its batch nor its process.
    PanicContained,
    /// An answer names as failed only what is in its batch: Lambda takes any other name for a failure of the whole batch.
    AnswerUnderstood,
    /// When faults stop, everything comes to rest within two and a half days: lost messages too.
    ComesToRest,
    /// An order that waits for its dispatch has an authorisation; the gateway reports one that expired.
    AuthorisationKept,
    /// An order that is open has a message in some queue, or a dead-lettered message that says why it
    /// has none: the reconciler is for what nobody foresaw.
    NeverStranded,
    /// The reconciler checks an order that does not move less and less often.
    CheckedAgainLater,
    /// A webhook is believed when the gateway sent it, and only then.
    ForgeryRefused,
    /// An order says that it needs attention when its dead-lettered message is the order's own trouble.
    AttentionSet,
    /// A circuit that is open lets somebody try again, in time.
    CircuitTriesAgain,
    /// A reservation expires only where nobody could pay for it: the gateway was down for long, or a person has to review the order.
    ExpiryExplained,
}

impl Invariant {
    /// Every invariant.
    pub const ALL: [Self; 29] = [
        Self::OrderAccountedFor,
        Self::CommandObeyed,
        Self::MoneyMatches,
        Self::CapturedOnce,
        Self::NoForgottenAuthorisation,
        Self::MoneyAsOrdered,
        Self::StockAsOrdered,
        Self::CustomerInformed,
        Self::StockConserved,
        Self::NeverOversold,
        Self::StatesForward,
        Self::HistoryGapless,
        Self::EventImmutable,
        Self::NotifiedAtLeastOnce,
        Self::NotifiedAtMostOnce,
        Self::NotifiedTruthfully,
        Self::DeadLetterJustified,
        Self::NothingLostByQueues,
        Self::ConflictRecorded,
        Self::PanicContained,
        Self::AnswerUnderstood,
        Self::ComesToRest,
        Self::AuthorisationKept,
        Self::NeverStranded,
        Self::CheckedAgainLater,
        Self::ForgeryRefused,
        Self::AttentionSet,
        Self::CircuitTriesAgain,
        Self::ExpiryExplained,
    ];
}

impl fmt::Display for Invariant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        std::fmt::Debug::fmt(self, formatter)
    }
}

/// A broken invariant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// The number of the order, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<u32>,
    /// When it was noticed, in milliseconds of the run.
    pub at: u64,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.invariant)?;
        if let Some(order) = self.order {
            write!(formatter, ", ord-{order}")?;
        }
        write!(formatter, ": {}", self.what)
    }
}

/// The counts of a run or a campaign.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Statistics {
    /// Orders that clients placed, the malformed ones included.
    pub orders: u64,
    /// Orders by where they stood at the end.
    pub ended: BTreeMap<&'static str, u64>,
    /// Faults by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// Invocations of functions.
    pub invocations: u64,
    /// Messages handed to an invocation.
    pub deliveries: u64,
    /// Of these, messages that had been delivered before.
    pub redeliveries: u64,
    /// Committed changes, each with one event.
    pub events: u64,
    /// Notifications that were taken.
    pub notifications: u64,
    /// Dead-lettered messages by reason.
    pub dead_letters: BTreeMap<&'static str, u64>,
    /// Notifications by recipient.
    pub notified: BTreeMap<&'static str, u64>,
    /// Orders that the reconciler re-queued.
    pub requeued: u64,
    /// Times that the reconciler could not read an order, and went on to the next.
    pub passed_over: u64,
    /// Times that a circuit breaker opened.
    pub circuits_opened: u64,
    /// Authorisations left at the gateway where nobody can know of them, by reason: see `docs/simulation.md`.
    pub authorisations_left: BTreeMap<&'static str, u64>,
    /// Rare branches that were reached, by name; see [`crate::SOMETIMES`].
    pub reached: BTreeMap<&'static str, u64>,
    /// Simulated time, in seconds.
    pub virtual_seconds: u64,
}

impl Statistics {
    /// Adds those of another run.
    pub fn add(&mut self, other: &Self) {
        fn all<K: Copy + Ord>(sums: &mut BTreeMap<K, u64>, more: &BTreeMap<K, u64>) {
            for (name, count) in more {
                *sums.entry(*name).or_default() += count;
            }
        }
        self.orders += other.orders;
        self.invocations += other.invocations;
        self.deliveries += other.deliveries;
        self.redeliveries += other.redeliveries;
        self.events += other.events;
        self.notifications += other.notifications;
        self.virtual_seconds += other.virtual_seconds;
        all(&mut self.ended, &other.ended);
        all(&mut self.faults, &other.faults);
        all(&mut self.dead_letters, &other.dead_letters);
        all(&mut self.notified, &other.notified);
        all(&mut self.reached, &other.reached);
        all(&mut self.authorisations_left, &other.authorisations_left);
        self.requeued += other.requeued;
        self.passed_over += other.passed_over;
        self.circuits_opened += other.circuits_opened;
    }

    /// How often a kind of fault struck.
    #[must_use]
    pub fn struck(&self, kind: FaultKind) -> u64 {
        self.faults.get(kind.name()).copied().unwrap_or(0)
    }
}

/// The outcome of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The broken invariants; empty when all is well.
    pub violations: Vec<Violation>,
    /// The counts of a run or a campaign.
    pub statistics: Statistics,
    /// The story, where the plan asks for it.
    pub story: Option<Story>,
}

impl Outcome {
    /// Whether no invariant broke.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.violations.is_empty()
    }
}
