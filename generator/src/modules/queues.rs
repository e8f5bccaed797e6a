//! `modules/queues`: the queue that feeds each stage, and the dead-letter queue for what a stage can never process.

use std::collections::BTreeMap;

use order_contract::mail_event::MailFate;

use super::location::Location;
use super::{environment_suffix, require_tls};
use crate::aws::SqsQueue;
use crate::aws::sqs_queue::SqsQueueReference;
use crate::iam::{Effect, Policy, Statement};
use crate::naming::{logical, suffixed};
use crate::pipeline::{self, DEAD_LETTER_RETENTION_SECONDS, Grant, QUEUE_RETENTION_SECONDS, Queue, mail_rule_name};
use crate::terraform::kind::{Boolean, Map, Text};
use crate::terraform::{Expression, Module, Output, Value};
use crate::{array, object, template};

/// The module with its inputs and outputs.
pub struct Queues {
    /// The module.
    pub module: Module,
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
    let suffix = module.variable(&environment_suffix());
    let tls_only = module.variable(&require_tls());
    let location = Location::of(&mut module);
    // The ARN from the name: a queue's own policy cannot refer to it, nor a dead-letter queue to what refers to it.
    let arn = |queue: Queue| location.arn("sqs", suffixed(&queue.name(), &suffix));

    // The policies stand in the queue itself: each as a resource of its own costs another 25 s of waiting.
    let encrypted = |queue: Queue, also: &[Statement]| {
        SqsQueue {}.name(suffixed(&queue.name(), &suffix)).sqs_managed_sse_enabled(true).policy(policy(
            &tls_only,
            arn(queue),
            also,
        ))
    };

    let (mut work_queues, mut dead_letter_queues) = (BTreeMap::new(), BTreeMap::new());
    for stage in pipeline::stages() {
        let Some(dead_letters) = stage.dead_letters() else { continue };
        let work = stage.queue();
        let dead_letter_queue = module.add(
            &logical(&dead_letters.name()),
            encrypted(dead_letters, &[]).message_retention_seconds(DEAD_LETTER_RETENTION_SECONDS).redrive_allow_policy(
                match work {
                    Some((queue, _)) => {
                        object! { "redrivePermission": "byQueue", "sourceQueueArns": array![arn(queue)] }.encode()
                    }
                    // A stream's failures are sent by Lambda; no queue may use it.
                    None => object! { "redrivePermission": "denyAll" }.encode(),
                },
            ),
        );
        if let Some((queue, settings)) = work {
            let redrive = object! {
                "deadLetterTargetArn": dead_letter_queue.arn(),
                "maxReceiveCount": settings.maximum_receives,
            };
            // SES's events are EventBridge's to send, and EventBridge has no role of ours.
            let told_by_ses = stage.has(Grant::EmailCustomers).then(|| from_ses(&location, &suffix, arn(queue)));
            let work_queue = module.add(
                &logical(&queue.name()),
                encrypted(queue, told_by_ses.as_slice())
                    .visibility_timeout_seconds(stage.visibility_timeout_seconds())
                    .message_retention_seconds(QUEUE_RETENTION_SECONDS)
                    .redrive_policy(redrive.encode()),
            );
            work_queues.insert(queue.name(), work_queue);
        }
        dead_letter_queues.insert(dead_letters.name(), dead_letter_queue);
    }

    let names = work_queues.iter().chain(&dead_letter_queues).map(|(name, queue)| (name.clone(), queue.name()));
    let (queue_arns, queue_urls) = arns_and_urls(&mut module, "queue", "each stage's queue", &work_queues);
    let (dead_letter_queue_arns, dead_letter_queue_urls) =
        arns_and_urls(&mut module, "dead_letter_queue", "each dead-letter queue", &dead_letter_queues);
    Queues {
        queue_arns,
        queue_urls,
        dead_letter_queue_arns,
        dead_letter_queue_urls,
        queue_names: module.output(
            "queue_names",
            "Full name of every queue, by its name without the suffix.",
            names.collect::<Vec<_>>(),
        ),
        module,
    }
}

/// The outputs of the ARNs and of the URLs of these queues.
fn arns_and_urls(
    module: &mut Module,
    name: &str,
    which: &str,
    queues: &BTreeMap<String, SqsQueueReference>,
) -> (Output<Map<Text>>, Output<Map<Text>>) {
    let mut output = |what: &str, attribute: fn(&SqsQueueReference) -> Expression<Text>| {
        let values: Vec<_> = queues.iter().map(|(name, queue)| (name.clone(), attribute(queue))).collect();
        let description = format!("{what} of {which}, by its name without the suffix.");
        module.output(&format!("{name}_{}s", what.to_lowercase()), &description, values)
    };
    (output("ARN", SqsQueueReference::arn), output("URL", SqsQueueReference::url))
}

/// Who may use a queue is each role's own policy; the queue's forbids what is not encrypted, and permits what no role does.
fn policy(tls_only: &Expression<Boolean>, queue: Value<Text>, also: &[Statement]) -> Expression<Text> {
    let deny =
        Statement::new("DenyWithoutTls", Effect::Deny, &["sqs:*"]).principal_everybody().on(vec![queue]).without_tls();
    let without_tls = if also.is_empty() { Value::null() } else { Policy::new(also.to_vec()).encode() };
    let statements = [deny].into_iter().chain(also.iter().cloned());
    tls_only.choose(Policy::new(statements.collect()).encode(), without_tls)
}

/// Lets the rules that hand on SES's events send to a queue, and no other rule.
fn from_ses(location: &Location, suffix: &Expression<Text>, queue: Value<Text>) -> Statement {
    let rule = |fate| location.arn("events", template!["rule/", suffixed(&mail_rule_name(fate), suffix)]);
    Statement::allow("MailEvents", &["sqs:SendMessage"], vec![queue])
        .principal_service("events.amazonaws.com")
        .from_account(&location.account)
        .from_sources(MailFate::ALL.iter().copied().map(rule).collect())
}
