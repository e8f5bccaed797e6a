//! What is to be simulated, and what came of it.

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
    pub tell: bool,
}

impl Plan {
    /// A run of the pipeline as it is, whose story is not kept.
    #[must_use]
    pub const fn new(seed: u64, orders: u32, faults: FaultProfile) -> Self {
        Self { seed, orders, faults, mutation: None, tell: false }
    }

    /// The same run with a mistake in the pipeline.
    #[must_use]
    pub fn with(self, mutation: Mutation) -> Self {
        Self { mutation: Some(mutation), ..self }
    }

    /// The same run with its story.
    #[must_use]
    pub fn told(self) -> Self {
        Self { tell: true, ..self }
    }

    /// The command that replays the run.
    #[must_use]
    pub fn command(&self) -> String {
        format!("cargo ops simulate --seed {} --orders {} --faults {}", self.seed, self.orders, self.faults)
    }
}

/// Something that must hold in every run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Invariant {
    /// Every accepted order reaches an end, waits for the warehouse, or lies in a dead-letter queue.
    OrderAccountedFor,
    /// What the warehouse, the carrier or the customer reported has had its effect, or lies in a dead-letter queue.
    CommandObeyed,
    /// The gateway's captured and refunded amounts are the order's.
    MoneyMatches,
    /// Money is taken once.
    CapturedOnce,
    /// Nothing is held for an order that will not be sent, and nothing is held twice.
    NoForgottenHold,
    /// What was captured and refunded is what the customer ordered and returned, at list prices; see [`crate::oracle`].
    MoneyAsOrdered,
    /// What left the shelves is what the customers ordered and got, or still wait for.
    StockAsOrdered,
    /// Every customer was notified of every step of the order, on every channel that the customer asked for.
    CustomerInformed,
    /// Free, reserved and sold units of a SKU add up to what there was, and what is reserved is what orders hold.
    StockConserved,
    /// No number of units is below zero, and no order is refused where there is plenty.
    NeverOversold,
    /// States move forwards only.
    StatesForward,
    /// An order's events are numbered without gaps and tell what became of it.
    HistoryGapless,
    /// An event is never overwritten.
    EventImmutable,
    /// Every event is told to all that have to hear of it.
    ToldAtLeastOnce,
    /// Nobody is told twice, unless an answer was lost.
    ToldAtMostOnce,
    /// Only what was committed is told, as it was committed.
    ToldTheTruth,
    /// What lies in a dead-letter queue belongs there, for the reason that it names.
    DeadLetterJustified,
    /// No message is given up by its queue, except those that kill every process.
    NothingGivenUp,
    /// Another order under the same id changes nothing but is recorded.
    ConflictRecorded,
    /// One order's panic ends neither its batch nor its process.
    PanicContained,
    /// An answer names as failed only what its batch holds: Lambda takes any other name for a failure of the whole batch.
    AnswerUnderstood,
    /// When faults stop, everything comes to rest within two and a half days: also what was lost on the way.
    ComesToRest,
    /// An order that waits for its dispatch has its money held, as soon as the gateway told that it is not.
    HoldKept,
    /// An order that is open has a message in some queue, or a dead letter that says why it has none: the reconciler is for
    /// what nobody foresaw.
    NeverStranded,
    /// The reconciler looks at an order that does not move less and less often.
    CheckedAgainLater,
    /// A webhook is believed when the gateway sent it, and only then.
    ForgeryRefused,
    /// A dead letter that is the order's trouble is told by the order.
    AttentionSet,
    /// A circuit that is open lets somebody try again, in time.
    CircuitTriesAgain,
    /// A reservation expires only where nobody could pay for it: the gateway was down for long, or a person has to look.
    ExpiryExplained,
}

impl Invariant {
    /// Every invariant.
    pub const ALL: [Self; 29] = [
        Self::OrderAccountedFor,
        Self::CommandObeyed,
        Self::MoneyMatches,
        Self::CapturedOnce,
        Self::NoForgottenHold,
        Self::MoneyAsOrdered,
        Self::StockAsOrdered,
        Self::CustomerInformed,
        Self::StockConserved,
        Self::NeverOversold,
        Self::StatesForward,
        Self::HistoryGapless,
        Self::EventImmutable,
        Self::ToldAtLeastOnce,
        Self::ToldAtMostOnce,
        Self::ToldTheTruth,
        Self::DeadLetterJustified,
        Self::NothingGivenUp,
        Self::ConflictRecorded,
        Self::PanicContained,
        Self::AnswerUnderstood,
        Self::ComesToRest,
        Self::HoldKept,
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

/// An invariant that did not hold.
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

/// What was counted.
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
    /// Dead letters by reason.
    pub dead_letters: BTreeMap<&'static str, u64>,
    /// Notifications by who was told.
    pub told: BTreeMap<&'static str, u64>,
    /// Orders that the reconciler put back on their queues.
    pub brought_on: u64,
    /// Times that the reconciler could not read an order, and went on to the next.
    pub passed_over: u64,
    /// Times that a circuit breaker opened.
    pub circuits_opened: u64,
    /// Holds left at the gateway where nobody can know of them, by how: see `docs/simulation.md`.
    pub holds_left: BTreeMap<&'static str, u64>,
    /// What only a fault or a race leads to, by name; see [`crate::SOMETIMES`].
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
        all(&mut self.told, &other.told);
        all(&mut self.reached, &other.reached);
        all(&mut self.holds_left, &other.holds_left);
        self.brought_on += other.brought_on;
        self.passed_over += other.passed_over;
        self.circuits_opened += other.circuits_opened;
    }

    /// How often a kind of fault struck.
    #[must_use]
    pub fn struck(&self, kind: FaultKind) -> u64 {
        self.faults.get(kind.name()).copied().unwrap_or(0)
    }
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What did not hold; empty when all is well.
    pub violations: Vec<Violation>,
    /// What was counted.
    pub statistics: Statistics,
    /// What happened, where the plan asked for it.
    pub story: Option<Story>,
}

impl Outcome {
    /// Whether everything held.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.violations.is_empty()
    }
}
