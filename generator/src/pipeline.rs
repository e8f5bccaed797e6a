//! The one description of the pipeline. Queues, functions, their settings and permissions, alarms and the dashboard all
//! derive from it: what is said here is said nowhere else.

mod alarms;
mod grants;
mod names;

use order_domain::notification::Topic;
use order_domain::wiring::Stage;

pub use alarms::{Alarm, Severity, Statistic, Subject, Threshold, alarms};
pub use grants::{Grant, TableAction};
pub use names::{ALARMS_TOPIC, Queue, Table, function as function_name, topic as topic_name};

use TableAction::{BatchGetItem, BatchWriteItem, DeleteItem, GetItem, PutItem, Query, UpdateItem};

/// How long a queue keeps a message that nobody takes: 4 days, a long weekend and a day.
pub const QUEUE_RETENTION_SECONDS: u32 = 4 * 24 * 60 * 60;
/// How long a dead-letter queue keeps one: 14 days, SQS's longest. A message keeps its age when it is moved there, so it
/// has to be longer than the source's.
pub const DEAD_LETTER_RETENTION_SECONDS: u32 = 14 * 24 * 60 * 60;
const _: () = assert!(DEAD_LETTER_RETENTION_SECONDS > QUEUE_RETENTION_SECONDS);

/// One function of the pipeline: what feeds it, what it has, and what it may touch.
#[derive(Debug, Clone, PartialEq)]
pub struct StageDescription {
    /// Which one.
    pub stage: Stage,
    /// What it does, for the function's description.
    pub summary: &'static str,
    /// What invokes it.
    pub source: Source,
    /// The stages whose queues it sends to.
    pub forwards_to: &'static [Stage],
    /// Seconds after which Lambda stops it. Longer than all of its client timeouts together.
    pub timeout_seconds: u32,
    /// Memory in MiB, and with it the share of a processor.
    pub memory_mib: u32,
    /// What it may do beside receiving and forwarding.
    pub grants: Vec<Grant>,
}

/// What invokes a function.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Source {
    /// The stage's own queue.
    Queue(QueueSource),
    /// The orders table's stream of committed items.
    OrderEvents(StreamSource),
    /// Requests to the API.
    Api,
}

/// How a queue feeds its function.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QueueSource {
    /// Messages in one invocation, at most.
    pub batch_size: u32,
    /// Seconds to wait for a batch to fill: 0, since a customer is waiting.
    pub batching_window_seconds: u32,
    /// Invocations at the same time, at most: protects what the stage calls.
    pub maximum_concurrency: u32,
    /// Receives before SQS itself gives a message up. Retries are the code's affair; this only catches messages that
    /// kill the process every time.
    pub maximum_receives: u32,
    /// First retry's longest wait.
    pub retry_base_seconds: u32,
    /// Longest wait between two retries.
    pub retry_cap_seconds: u32,
    /// Age of the oldest message at which somebody has to look.
    pub alarm_age_seconds: u32,
}

/// How the orders table's stream feeds its function.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StreamSource {
    /// Records in one invocation, at most.
    pub batch_size: u32,
    /// Batches of one shard at the same time.
    pub parallelization_factor: u32,
    /// Retries of a failing batch, before its records go to the dead-letter queue. Nothing of ours spaces them, so it is the
    /// age that bounds them: an hour without SNS must not cost an event.
    pub maximum_retry_attempts: u32,
    /// Age at which a record is given up; the stream itself forgets after 24 hours.
    pub maximum_record_age_seconds: u32,
    /// Age of the oldest record at which somebody has to look.
    pub alarm_age_seconds: u32,
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

    /// Seconds for which a received message is hidden from others: six times the function's timeout, as AWS asks, so
    /// that throttled invocations and retries of the poller do not deliver it twice.
    #[must_use]
    pub fn visibility_timeout_seconds(&self) -> u32 {
        6 * self.timeout_seconds
    }

    /// `<stage>-function`, without the suffix.
    #[must_use]
    pub fn function(&self) -> String {
        names::function(self.stage)
    }

    /// Whether the stage may do anything with the table.
    #[must_use]
    pub fn touches(&self, table: Table) -> bool {
        self.grants.iter().any(|grant| match grant {
            Grant::Table(of, _) | Grant::Index(of, _) | Grant::Stream(of) => *of == table,
            Grant::Publish(_) | Grant::TextCustomers | Grant::PaymentSecret => false,
        })
    }

    /// Whether the stage has this permission.
    #[must_use]
    pub fn has(&self, grant: Grant) -> bool {
        self.grants.contains(&grant)
    }
}

/// What retries look like for a stage behind a queue. An hour's outage of what it calls costs about ten receives.
const RETRIES: QueueSource = QueueSource {
    batch_size: 10,
    batching_window_seconds: 0,
    maximum_concurrency: 20,
    maximum_receives: 50,
    retry_base_seconds: 2,
    retry_cap_seconds: 600,
    alarm_age_seconds: 300,
};

/// What it takes to ask the gateway for money, or give it back, and to let the reserved stock go or sell it.
const SETTLING_MONEY: [Grant; 3] = [
    Grant::Table(Table::Orders, &[BatchGetItem, PutItem]),
    Grant::Table(Table::Inventory, &[UpdateItem, DeleteItem]),
    Grant::PaymentSecret,
];

/// The stages, in the order in which an order meets them.
#[must_use]
pub fn stages() -> Vec<StageDescription> {
    vec![
        StageDescription {
            stage: Stage::Validate,
            summary: "Parses an order, prices it from the catalogue and stores it.",
            source: Source::Queue(RETRIES),
            forwards_to: &[Stage::Inventory],
            timeout_seconds: 30,
            memory_mib: 256,
            grants: vec![Grant::Table(Table::Orders, &[PutItem]), Grant::Table(Table::Inventory, &[BatchGetItem])],
        },
        StageDescription {
            stage: Stage::Inventory,
            summary: "Reserves every line of an order, or says that it is out of stock.",
            source: Source::Queue(RETRIES),
            forwards_to: &[Stage::Payment],
            timeout_seconds: 30,
            memory_mib: 256,
            grants: vec![
                Grant::Table(Table::Orders, &[BatchGetItem, PutItem]),
                Grant::Table(Table::Inventory, &[Query, PutItem, UpdateItem]),
            ],
        },
        StageDescription {
            stage: Stage::Payment,
            summary: "Authorises the payment at the gateway; confirms, or declines and releases the stock.",
            source: Source::Queue(RETRIES),
            forwards_to: &[Stage::Fulfilment],
            timeout_seconds: 60,
            memory_mib: 256,
            grants: SETTLING_MONEY.to_vec(),
        },
        StageDescription {
            stage: Stage::Fulfilment,
            summary: "Records shipments, returns and cancellations, and settles the money that they make due.",
            source: Source::Queue(RETRIES),
            forwards_to: &[],
            timeout_seconds: 60,
            memory_mib: 256,
            grants: SETTLING_MONEY.to_vec(),
        },
        StageDescription {
            stage: Stage::Notify,
            summary: "Publishes every committed event once, to the topics and to the customer.",
            source: Source::OrderEvents(StreamSource {
                batch_size: 100,
                parallelization_factor: 1,
                maximum_retry_attempts: 10_000,
                maximum_record_age_seconds: 20 * 60 * 60,
                alarm_age_seconds: 60,
            }),
            forwards_to: &[],
            timeout_seconds: 60,
            memory_mib: 256,
            grants: vec![
                Grant::Stream(Table::Orders),
                Grant::Table(Table::Orders, &[BatchGetItem, BatchWriteItem]),
                Grant::Publish(Topic::OrderConfirmation),
                Grant::Publish(Topic::PaymentStatus),
                Grant::Publish(Topic::ShipmentUpdates),
                Grant::TextCustomers,
            ],
        },
        StageDescription {
            stage: Stage::Query,
            summary: "Answers the API's reads.",
            source: Source::Api,
            forwards_to: &[],
            timeout_seconds: 10,
            memory_mib: 256,
            grants: vec![
                Grant::Table(Table::Orders, &[GetItem, Query]),
                Grant::Index(Table::Orders, order_domain::wiring::table::CUSTOMER_INDEX),
            ],
        },
    ]
}

/// Every queue: for each stage what feeds it, and what it gives up.
#[must_use]
pub fn queues() -> Vec<Queue> {
    let of = |stage: &StageDescription| [stage.queue().map(|(queue, _)| queue), stage.dead_letters()];
    stages().iter().flat_map(of).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stage_is_described_once() {
        let described: Vec<_> = stages().iter().map(|stage| stage.stage).collect();
        assert_eq!(described, Stage::ALL);
    }

    #[test]
    fn a_message_stays_hidden_for_six_timeouts_at_least() {
        for stage in stages() {
            assert!(stage.visibility_timeout_seconds() >= 6 * stage.timeout_seconds, "{:?}", stage.stage);
        }
    }

    #[test]
    fn a_stage_forwards_only_to_a_stage_behind_a_queue() {
        let stages = stages();
        for next in stages.iter().flat_map(|stage| stage.forwards_to) {
            assert!(stages.iter().any(|stage| stage.stage == *next && stage.queue().is_some()), "{next:?}");
            assert!(next.queue_variable().is_some(), "{next:?}");
        }
    }

    #[test]
    fn a_backing_off_message_outlives_an_hours_outage() {
        // Full jitter waits half of the cap on average; what counts is the receives that fit into an hour at most.
        for (_, queue) in stages().iter().filter_map(StageDescription::queue) {
            let most_receives = 3600 / (queue.retry_cap_seconds / 2) + queue.retry_cap_seconds.ilog2();
            assert!(most_receives < queue.maximum_receives, "{queue:?}");
        }
    }

    #[test]
    fn a_stream_record_is_given_up_before_the_stream_forgets_it() {
        for stage in stages() {
            if let Source::OrderEvents(stream) = stage.source {
                assert!(stream.maximum_record_age_seconds < 24 * 60 * 60);
            }
        }
    }
}
