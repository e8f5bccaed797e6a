//! The one description of the pipeline. Queues, functions, their settings and permissions, alarms and the dashboard all
//! derive from it.

mod alarms;
pub mod concurrency;
mod grants;
mod names;
mod stage;
#[cfg(test)]
mod tests;

use order_contract::message;
use order_contract::table;
use order_domain::notification::Topic;
use order_domain::stage::Stage;

pub use alarms::{Alarm, Limit, Severity, Statistic, Subject, Threshold, alarms};
pub use grants::{Grant, TableAction};
pub use names::{
    ALARMS_TOPIC, MAIL_CONFIGURATION_SET, MAIL_EVENTS, Queue, Secret, Table, function as function_name,
    mail_rule as mail_rule_name, topic as topic_name,
};
pub use stage::{Calls, QueueSource, Schedule, Source, StageDescription, StreamSource};

use TableAction::{BatchGetItem, DeleteItem, GetItem, PutItem, Query, UpdateItem};

/// How long a queue keeps a message that nobody receives: 4 days, a long weekend and a day.
pub const QUEUE_RETENTION_SECONDS: u32 = 4 * 24 * 60 * 60;
/// How long a dead-letter queue keeps a message: 14 days, SQS's longest. A message keeps its age when it is moved there, so
/// this has to be longer than the source's retention.
pub const DEAD_LETTER_RETENTION_SECONDS: u32 = 14 * 24 * 60 * 60;
const _: () = assert!(DEAD_LETTER_RETENTION_SECONDS > QUEUE_RETENTION_SECONDS);

/// The retries of a stage behind a queue. An hour's outage of what it calls costs about half of the receives.
const RETRIES: QueueSource = QueueSource {
    batch_size: 10,
    batching_window_seconds: 0,
    maximum_concurrency: 20,
    maximum_receives: 50,
    retry_base_seconds: 2,
    retry_cap_seconds: 600,
    alarm_age_seconds: 300,
};

/// What a stage needs to authorise, capture, void or refund money, and to release or sell the reserved stock.
const SETTLING_MONEY: &[Grant] = &[
    Grant::Table(Table::Orders, &[BatchGetItem, PutItem]),
    Grant::Table(Table::Inventory, &[UpdateItem, DeleteItem]),
    Grant::Secret(Secret::PaymentKey),
];

/// What the sweep may change of an order: the time of its next check. It names the keys and the version to do so.
const CHECKED_LATER: &[&str] = &[
    table::PARTITION_KEY,
    table::SORT_KEY,
    "version",
    table::OPEN_ORDERS_INDEX_SORT_KEY,
    table::OPEN_ORDERS_INDEX_PARTITION_KEY,
];

const STAGES: [StageDescription; Stage::ALL.len()] = [
    StageDescription {
        stage: Stage::Validate,
        summary: "Parses an order, prices it from the catalogue and stores it.",
        source: Source::Queue(RETRIES),
        forwards_to: &[Stage::Inventory],
        // The products, the order, and the conflict where it is another order's id.
        calls: Calls { aws: 3, gateway: 0 },
        timeout_seconds: 30,
        memory_mib: 256,
        schedule: None,
        grants: &[Grant::Table(Table::Orders, &[PutItem]), Grant::Table(Table::Inventory, &[BatchGetItem])],
    },
    StageDescription {
        stage: Stage::Inventory,
        summary: "Reserves every line of an order, or says that it is out of stock.",
        source: Source::Queue(RETRIES),
        forwards_to: &[Stage::Payment],
        // The order, its reservation, another shard, the reservation again, the refusal.
        calls: Calls { aws: 5, gateway: 0 },
        timeout_seconds: 30,
        memory_mib: 256,
        schedule: None,
        grants: &[
            Grant::Table(Table::Orders, &[BatchGetItem, PutItem]),
            Grant::Table(Table::Inventory, &[Query, PutItem, UpdateItem]),
        ],
    },
    StageDescription {
        stage: Stage::Payment,
        summary: "Authorises the payment at the gateway; confirms, or declines and releases the stock.",
        source: Source::Queue(RETRIES),
        forwards_to: &[Stage::Fulfilment],
        // The gateway's key, the order, the answer and once more after a conflict. A search for authorisations; then either
        // reading the found one and voiding a surplus one, or a new authorisation, and reading it if the answer is a repeated
        // one; the message that cancels it if another worker was faster.
        calls: Calls { aws: 5, gateway: 4 },
        timeout_seconds: 75,
        memory_mib: 256,
        schedule: None,
        grants: SETTLING_MONEY,
    },
    StageDescription {
        stage: Stage::Fulfilment,
        summary: "Records shipments, returns and cancellations, checks reservations and authorisations, and settles the money that is due.",
        source: Source::Queue(RETRIES),
        forwards_to: &[Stage::Fulfilment],
        // A return that is reported before the money was taken, with an expired authorisation. The gateway's key, the order,
        // the report, the order again, the re-authorisation, the capture, the refund; a capture that comes too late, a search
        // and reading what it found, the re-authorisation, reading it if the answer is a repeated one, the message that
        // cancels it if another worker's is kept, the capture, reading the refunds, and the refund.
        calls: Calls { aws: 8, gateway: 8 },
        timeout_seconds: 130,
        memory_mib: 256,
        schedule: None,
        grants: SETTLING_MONEY,
    },
    StageDescription {
        stage: Stage::Notify,
        summary: "Publishes every committed event to its topics, and asks the contact stage to notify the customer.",
        source: Source::OrderEvents(StreamSource {
            batch_size: 100,
            parallelization_factor: 1,
            first_shards: 4,
            maximum_retry_attempts: 10_000,
            maximum_record_age_seconds: 20 * 60 * 60,
            alarm_age_seconds: 60,
        }),
        forwards_to: &[Stage::Contact],
        // The records of what was sent, the orders, the topics, ten batches of messages, three tries to record them.
        calls: Calls { aws: 16, gateway: 0 },
        timeout_seconds: 90,
        memory_mib: 256,
        schedule: None,
        grants: &[
            Grant::Stream(Table::Orders),
            Grant::Table(Table::Orders, &[BatchGetItem]),
            Grant::PutAttributes(Table::Orders, &table::SENT_ATTRIBUTES),
            Grant::Publish(Topic::OrderConfirmation),
            Grant::Publish(Topic::PaymentStatus),
            Grant::Publish(Topic::ShipmentUpdates),
        ],
    },
    StageDescription {
        stage: Stage::Contact,
        summary: "Notifies customers of their orders by e-mail, text message or push, and publishes to topics that were down.",
        // The bound protects SES and SNS; the receives outlast a day's outage of either.
        source: Source::Queue(QueueSource {
            maximum_concurrency: 5,
            maximum_receives: 250,
            retry_cap_seconds: 900,
            ..RETRIES
        }),
        forwards_to: &[],
        // All reads at once; the send; three tries to record it. Reports about mails are recorded at the same time.
        calls: Calls { aws: 5, gateway: 0 },
        timeout_seconds: 30,
        memory_mib: 256,
        schedule: None,
        grants: &[
            Grant::Table(Table::Orders, &[BatchGetItem]),
            Grant::PutAttributes(Table::Orders, &table::SENT_ATTRIBUTES),
            Grant::Publish(Topic::OrderConfirmation),
            Grant::Publish(Topic::PaymentStatus),
            Grant::Publish(Topic::ShipmentUpdates),
            Grant::TextCustomers,
            Grant::EmailCustomers,
            Grant::PushToCustomers,
        ],
    },
    StageDescription {
        stage: Stage::Reconcile,
        summary: "Finds orders that stopped moving, or that the gateway reported, and puts them on the right queue.",
        // The next sweep finds the same orders, and the gateway's reports are not urgent.
        source: Source::Queue(QueueSource { maximum_concurrency: 2, ..RETRIES }),
        forwards_to: &[Stage::Inventory, Stage::Payment, Stage::Fulfilment],
        // The secret, the index's shards, the orders, where they go, and when they are checked next.
        calls: Calls { aws: 12, gateway: 0 },
        timeout_seconds: 60,
        memory_mib: 256,
        schedule: Some(Schedule { every_minutes: 1, message: message::SWEEP }),
        grants: &[
            Grant::Table(Table::Orders, &[BatchGetItem]),
            Grant::ChangeAttributes(Table::Orders, CHECKED_LATER),
            Grant::Index(Table::Orders, table::OPEN_ORDERS_INDEX),
            Grant::Secret(Secret::WebhookSigning),
        ],
    },
    StageDescription {
        stage: Stage::Query,
        summary: "Answers the API's reads.",
        source: Source::Api,
        forwards_to: &[],
        // The order or a page of the index, and what belongs to it.
        calls: Calls { aws: 2, gateway: 0 },
        timeout_seconds: 10,
        memory_mib: 256,
        schedule: None,
        grants: &[Grant::Table(Table::Orders, &[GetItem, Query]), Grant::Index(Table::Orders, table::CUSTOMER_INDEX)],
    },
];

// What Lambda and SQS cannot know of each other.
const _: () = {
    let mut index = 0;
    while index < STAGES.len() {
        let stage = STAGES[index];
        assert!(
            stage.longest_work_seconds() < stage.timeout_seconds as u64,
            "a function stops before its calls time out"
        );
        if let Source::Queue(queue) = stage.source {
            let dead_lettered_after = stage.visibility_timeout_seconds() * queue.maximum_receives;
            // Otherwise the queue would forget a message that kills the process before it reaches the dead-letter queue.
            assert!(dead_lettered_after < QUEUE_RETENTION_SECONDS, "a message is forgotten before it is dead-lettered");
        }
        index += 1;
    }
};

/// The stages, in the order in which an order meets them.
#[must_use]
pub const fn stages() -> [StageDescription; Stage::ALL.len()] {
    STAGES
}

/// Every queue: for each stage its own and its dead-letter queue.
#[must_use]
pub fn queues() -> Vec<Queue> {
    let of = |stage: &StageDescription| [stage.queue().map(|(queue, _)| queue), stage.dead_letters()];
    stages().iter().flat_map(of).flatten().collect()
}

impl StageDescription {
    /// The channels that the stage has to know: its own, and those of the stages that it sends to, so that it never asks for
    /// a notification that they would not send.
    pub fn channels(&self) -> impl Iterator<Item = Grant> {
        let stages = stages().into_iter();
        let known = stages.filter(|stage| stage.stage == self.stage || self.forwards_to.contains(&stage.stage));
        known.flat_map(|stage| stage.grants).copied().filter(|grant| grant.is_channel())
    }
}
