//! The description of a stage.

use order_contract::timeout;
use order_domain::stage::Stage;

use super::grants::Grant;
use super::names::{self, Queue, Table};

/// One function of the pipeline: its source, its limits and its permissions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StageDescription {
    /// Which one.
    pub stage: Stage,
    /// What it does, for the function's description.
    pub summary: &'static str,
    /// What invokes it.
    pub source: Source,
    /// The stages whose queues it sends to.
    pub forwards_to: &'static [Stage],
    /// The calls of its longest path.
    pub calls: Calls,
    /// Seconds after which Lambda stops it: more than [`Self::longest_work_seconds`].
    pub timeout_seconds: u32,
    /// Memory in MiB, and with it the share of a processor.
    pub memory_mib: u32,
    /// The message that a schedule puts into its queue.
    pub schedule: Option<Schedule>,
    /// Permissions besides receiving and forwarding.
    pub grants: &'static [Grant],
}

/// The client calls of one order's longest path through a stage, one after the other. Repetitions are not counted (after a
/// conflict, or under another idempotency key because the gateway saved its own error), nor the voiding of more than one
/// authorisation. If the time does not suffice, the message returns to the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calls {
    /// Calls to AWS.
    pub aws: u32,
    /// Calls to the payment gateway.
    pub gateway: u32,
}

/// What invokes a function, and with it the bound on how often it runs at the same time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Source {
    /// The stage's own queue.
    Queue(QueueSource),
    /// The orders table's stream of committed items.
    OrderEvents(StreamSource),
    /// Requests to the API. The API's own throttles bound them.
    Api,
}

/// How a queue feeds its function.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QueueSource {
    /// Messages in one invocation, at most.
    pub batch_size: u32,
    /// Seconds to wait for a batch to fill: 0, since a customer is waiting.
    pub batching_window_seconds: u32,
    /// Invocations at the same time, at most: protects what the stage calls. It is the event source's own bound, so that it
    /// receives no message that the bound would keep from being processed; only an account with too little concurrency
    /// does that (see [`concurrency`](super::concurrency)).
    pub maximum_concurrency: u32,
    /// Receives before SQS itself moves a message to the dead-letter queue. The code retries; this only catches messages
    /// that kill the process every time.
    pub maximum_receives: u32,
    /// First retry's longest wait.
    pub retry_base_seconds: u32,
    /// Longest wait between two retries.
    pub retry_cap_seconds: u32,
    /// Age of the oldest message at which the alarm fires.
    pub alarm_age_seconds: u32,
}

/// How the orders table's stream feeds its function.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StreamSource {
    /// Records in one invocation, at most.
    pub batch_size: u32,
    /// Batches of one shard at the same time: the bound is this times the stream's shards, of which a table has one for
    /// about 1000 writes a second.
    pub parallelization_factor: u32,
    /// The shards of a new table's stream: an on-demand table begins with room for 4000 writes a second.
    pub first_shards: u32,
    /// Retries of a failing batch, before its records go to the dead-letter queue. Our code adds no waits between them, so the
    /// age bounds them: an hour without the tables or the queues must not cost an event.
    pub maximum_retry_attempts: u32,
    /// Age at which a record moves to the dead-letter queue; the stream itself forgets after 24 hours.
    pub maximum_record_age_seconds: u32,
    /// Age of the oldest record at which the alarm fires.
    pub alarm_age_seconds: u32,
}

/// A message that is put into a stage's queue at fixed times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// Minutes from one message to the next.
    pub every_minutes: u32,
    /// The message.
    pub message: &'static str,
}

impl Schedule {
    /// When it sends, in EventBridge Scheduler's words, e.g. `rate(1 minute)`.
    #[must_use]
    pub fn expression(self) -> String {
        match self.every_minutes {
            1 => "rate(1 minute)".to_owned(),
            minutes => format!("rate({minutes} minutes)"),
        }
    }
}

impl StageDescription {
    /// The queue that feeds the stage.
    #[must_use]
    pub fn queue(&self) -> Option<(Queue, QueueSource)> {
        match self.source {
            Source::Queue(settings) => Some((Queue::Work(self.stage), settings)),
            Source::OrderEvents(_) | Source::Api => None,
        }
    }

    /// The queue for what the stage can never process.
    #[must_use]
    pub fn dead_letters(&self) -> Option<Queue> {
        match self.source {
            Source::Queue(_) | Source::OrderEvents(_) => Some(Queue::DeadLetters(self.stage)),
            Source::Api => None,
        }
    }

    /// Seconds that the stage's calls take when every one of them takes as long as it may, and then the end of the batch.
    #[must_use]
    pub const fn longest_work_seconds(&self) -> u64 {
        let calls = self.calls.aws as u64 * timeout::AWS_CALL.as_secs()
            + self.calls.gateway as u64 * timeout::GATEWAY_CALL.as_secs();
        match self.source {
            Source::Queue(_) | Source::OrderEvents(_) => calls + timeout::END_OF_BATCH.as_secs(),
            Source::Api => calls,
        }
    }

    /// Seconds for which a received message is hidden from others: six times the function's timeout, as AWS asks, so
    /// that throttled invocations and retries of the poller do not deliver it twice.
    #[must_use]
    pub const fn visibility_timeout_seconds(&self) -> u32 {
        6 * self.timeout_seconds
    }

    /// `<stage>-function`, without the suffix.
    #[must_use]
    pub fn function(&self) -> String {
        names::function(self.stage)
    }

    /// `<stage>-schedule`, without the suffix.
    #[must_use]
    pub fn schedule_name(&self) -> String {
        format!("{}-schedule", self.stage.name())
    }

    /// Whether the stage may do anything with the table.
    #[must_use]
    pub fn touches(&self, table: Table) -> bool {
        self.grants.iter().any(|grant| match grant {
            Grant::Table(of, _)
            | Grant::ChangeAttributes(of, _)
            | Grant::PutAttributes(of, _)
            | Grant::Index(of, _)
            | Grant::Stream(of) => *of == table,
            Grant::Publish(_)
            | Grant::TextCustomers
            | Grant::EmailCustomers
            | Grant::PushToCustomers
            | Grant::Secret(_) => false,
        })
    }

    /// Whether the stage has this permission.
    #[must_use]
    pub fn has(&self, grant: Grant) -> bool {
        self.grants.contains(&grant)
    }
}
