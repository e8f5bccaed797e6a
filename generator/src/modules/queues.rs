//! `modules/queues`: the queue that feeds each stage, and the dead-letter queue for what a stage can never process.

use std::collections::BTreeMap;

use super::surroundings::Surroundings;
use super::{environment_suffix, require_tls};
use crate::aws::SqsQueue;
use crate::aws::sqs_queue::SqsQueueReference;
use crate::iam::{Effect, Policy, Statement};
use crate::naming::{logical, suffixed};
use crate::pipeline::{self, DEAD_LETTER_RETENTION_SECONDS, QUEUE_RETENTION_SECONDS, Queue};
use crate::terraform::kind::{Boolean, Map, Text};
use crate::terraform::{Expression, Module, Output, Value, Variable};
use crate::{array, object};

/// The module, what it is given and what it gives.
pub struct Queues {
    /// The module.
    pub module: Module,
    /// Ends every name.
    pub environment_suffix: Variable<Text>,
    /// Refuse requests without TLS.
    pub require_tls: Variable<Boolean>,
    /// ARN of each stage's queue, by its name without the suffix.
    pub queue_arns: Output<Map<Text>>,
    /// URL of each stage's queue, by its name without the suffix.
    pub queue_urls: Output<Map<Text>>,
    /// ARN of each dead-letter queue, by its name without the suffix. Apart from the others, which have to wait for
    /// these: what needs no other queue can start sooner.
    pub dead_letter_queue_arns: Output<Map<Text>>,
    /// URL of each dead-letter queue, by its name without the suffix.
    pub dead_letter_queue_urls: Output<Map<Text>>,
    /// Full name of each queue, by its name without the suffix.
    pub queue_names: Output<Map<Text>>,
}

/// The module of the pipeline's queues.
#[must_use]
pub fn define() -> Queues {
    let mut module = Module::new("queues", "The queue before each stage, and a dead-letter queue for each of them.");
    let (environment_suffix, require_tls) = (environment_suffix(), require_tls());
    let suffix = module.variable(&environment_suffix);
    let tls_only = module.variable(&require_tls);
    let surroundings = Surroundings::of(&mut module);
    // The ARN from the name: a queue's own policy cannot refer to it, nor a dead-letter queue to what refers to it.
    let arn = |queue: Queue| surroundings.arn("sqs", suffixed(&queue.name(), &suffix));

    let (mut work_queues, mut dead_letter_queues) = (BTreeMap::new(), BTreeMap::new());
    for stage in pipeline::stages() {
        let Some(dead_letters) = stage.dead_letters() else { continue };
        let work = stage.queue();
        let dead_letter_queue = module.add(
            &logical(&dead_letters.name()),
            SqsQueue {}
                .name(suffixed(&dead_letters.name(), &suffix))
                .message_retention_seconds(DEAD_LETTER_RETENTION_SECONDS)
                .sqs_managed_sse_enabled(true)
                // The policies stand in the queue itself: each as a resource of its own costs another 25 s of waiting.
                .redrive_allow_policy(match work {
                    Some((queue, _)) => {
                        object! { "redrivePermission": "byQueue", "sourceQueueArns": array![arn(queue)] }.encode()
                    }
                    // A stream's failures are sent by Lambda; no queue may use it.
                    None => object! { "redrivePermission": "denyAll" }.encode(),
                })
                .policy(only_with_tls(&tls_only, arn(dead_letters))),
        );
        if let Some((queue, settings)) = work {
            let work_queue = module.add(
                &logical(&queue.name()),
                SqsQueue {}
                    .name(suffixed(&queue.name(), &suffix))
                    .visibility_timeout_seconds(stage.visibility_timeout_seconds())
                    .message_retention_seconds(QUEUE_RETENTION_SECONDS)
                    .sqs_managed_sse_enabled(true)
                    .redrive_policy(
                        object! {
                            "deadLetterTargetArn": dead_letter_queue.arn(),
                            "maxReceiveCount": settings.maximum_receives,
                        }
                        .encode(),
                    )
                    .policy(only_with_tls(&tls_only, arn(queue))),
            );
            work_queues.insert(queue.name(), work_queue);
        }
        dead_letter_queues.insert(dead_letters.name(), dead_letter_queue);
    }

    let names = work_queues.iter().chain(&dead_letter_queues).map(|(name, queue)| (name.clone(), queue.name()));
    Queues {
        queue_arns: module.output(
            "queue_arns",
            "ARN of each stage's queue, by its name without the suffix.",
            each(&work_queues, SqsQueueReference::arn),
        ),
        queue_urls: module.output(
            "queue_urls",
            "URL of each stage's queue, by its name without the suffix.",
            each(&work_queues, SqsQueueReference::url),
        ),
        dead_letter_queue_arns: module.output(
            "dead_letter_queue_arns",
            "ARN of each dead-letter queue, by its name without the suffix.",
            each(&dead_letter_queues, SqsQueueReference::arn),
        ),
        dead_letter_queue_urls: module.output(
            "dead_letter_queue_urls",
            "URL of each dead-letter queue, by its name without the suffix.",
            each(&dead_letter_queues, SqsQueueReference::url),
        ),
        queue_names: module.output(
            "queue_names",
            "Full name of every queue, by its name without the suffix.",
            names.collect::<Vec<_>>(),
        ),
        environment_suffix,
        require_tls,
        module,
    }
}

fn each(
    queues: &BTreeMap<String, SqsQueueReference>,
    attribute: fn(&SqsQueueReference) -> Expression<Text>,
) -> Vec<(String, Expression<Text>)> {
    queues.iter().map(|(name, queue)| (name.clone(), attribute(queue))).collect()
}

/// Who may use a queue is each role's own policy; the queue's only forbids what is not encrypted.
fn only_with_tls(tls_only: &Expression<Boolean>, queue: Value<Text>) -> Expression<Text> {
    let deny =
        Statement::new("DenyWithoutTls", Effect::Deny, &["sqs:*"]).principal_everybody().on(vec![queue]).without_tls();
    tls_only.choose(Policy::new(vec![deny]).encode(), Value::null())
}
