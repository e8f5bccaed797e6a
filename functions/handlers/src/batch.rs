//! A batch of deliveries from a queue: each order's failure stays its own, and none is ever lost from the answer.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::join_all;
use order_contract::message::Message;
use order_contract::metric;
use order_domain::event::{Cause, CommandContext};
use order_domain::stage::Stage;
use order_domain::time::Timestamp;

use crate::failure::{DeadLetterReason, Failure, chain};
use crate::ports::{DeadLetter, Queue, Runtime, Signed};
use crate::retry::RetryPolicy;

/// One delivery of a message by a queue.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The message's id: the partial batch response names it.
    pub message_id: String,
    /// This delivery's handle.
    pub receipt_handle: String,
    /// How often the message has been delivered, this time included.
    pub receive_count: u32,
    /// When the message was sent.
    pub sent_at: Timestamp,
    /// The X-Ray trace header that came with it.
    pub trace: Option<String>,
    /// How it was signed, where it is a webhook.
    pub signed: Option<Signed>,
    /// The message.
    pub body: String,
}

impl Delivery {
    /// The delivery as the context of a change.
    #[must_use]
    pub fn command_context(&self, actor: Stage, cause: Cause, at: Timestamp) -> CommandContext {
        CommandContext { at, actor, cause, message_id: self.message_id.clone() }
    }

    /// The document in the body.
    ///
    /// # Errors
    /// A permanent failure when the body is no such document.
    pub fn parsed<T: serde::de::DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_str(&self.body).map_err(|error| {
            Failure::permanent(
                DeadLetterReason::NotACommand,
                format!("message {} is no command", self.message_id),
                error,
            )
        })
    }
}

/// What one delivery led to: a command for the next stage, or nothing more to do.
pub type Handled = Result<Option<Message>, Failure>;

/// Why work did not come to an end of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interrupted {
    /// It panicked. What it said is in the log, and may be about anybody: it goes nowhere else.
    Panicked,
    /// It was not done in this time.
    TookTooLong(Duration),
}

impl fmt::Display for Interrupted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked => formatter.write_str("panicked"),
            Self::TookTooLong(budget) => write!(formatter, "was not done in {budget:?}"),
        }
    }
}

/// Runs work so that neither a panic nor the function's end takes anything beside it along.
///
/// # Errors
/// When it panics, or is not done in `budget`.
pub async fn interruptible<T>(budget: Duration, work: impl Future<Output = T>) -> Result<T, Interrupted> {
    match tokio::time::timeout(budget, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(_)) => Err(Interrupted::Panicked),
        Err(_) => Err(Interrupted::TookTooLong(budget)),
    }
}

/// Runs one order's work so that it takes no other of its batch along: what is interrupted is reported as failed.
pub async fn contained<T>(
    what: &str,
    budget: Duration,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let interrupted = |interrupted| Err(Failure::transient_because(format!("{what} {interrupted}")));
    interruptible(budget, work).await.unwrap_or_else(interrupted)
}

/// Forwards what the batch led to in full batches. A command that could not be forwarded fails its delivery: the order
/// is committed, and the redelivery forwards it again.
pub async fn forward(queue: &impl Queue, handled: Vec<Handled>) -> Vec<Result<(), Failure>> {
    let commands: Vec<Message> = handled.iter().filter_map(|result| result.clone().ok().flatten()).collect();
    let mut forwarded = if commands.is_empty() { Vec::new() } else { queue.forward(&commands).await }.into_iter();
    handled
        .into_iter()
        .map(|result| match result? {
            None => Ok(()),
            Some(command) => forwarded.next().unwrap_or_else(|| {
                Err(Failure::transient_because(format!("order {} was not forwarded", command.order_id())))
            }),
        })
        .collect()
}

/// A message that is tried for longer than this shows something that lasts. SQS does not tell: its age of the oldest message
/// leaves out what was received three times (docs.aws.amazon.com/AWSSimpleQueueService, "Available CloudWatch metrics").
const LONG: Duration = Duration::from_secs(5 * 60);

/// Deals with the failures of a batch and says which deliveries Lambda must give back to the queue.
///
/// Transient: wait, then again. Permanent: to the dead-letter queue, now, with the reason; done once it is there.
pub async fn settle(
    queue: &impl Queue,
    runtime: &impl Runtime,
    policy: RetryPolicy,
    batch: &[Delivery],
    results: Vec<Result<(), Failure>>,
) -> Vec<String> {
    let answered = results.len();
    let failed = batch.iter().zip(results).filter_map(|(delivery, result)| result.err().map(|error| (delivery, error)));
    let given_back = join_all(failed.map(|(delivery, failure)| async move {
        let buried = match &failure {
            Failure::Permanent { reason, .. } => dead_letter(queue, runtime, delivery, *reason, &failure).await,
            Failure::Transient { .. } | Failure::Waiting { .. } | Failure::Early { .. } => false,
        };
        if buried {
            return None;
        }
        tracing::warn!(
            message_id = %delivery.message_id,
            receive_count = delivery.receive_count,
            error = %chain(&failure),
            "a delivery returns to its queue"
        );
        let failed = !matches!(failure, Failure::Early { .. });
        if failed && runtime.now().since(delivery.sent_at) > LONG {
            runtime.count(metric::RETRIED_FOR_LONG, 1);
        }
        let backoff = policy.wait(delivery.receive_count, runtime.random());
        let wait = match failure {
            // Spread over as much again, so that those who waited do not all come at once.
            Failure::Waiting { wait, .. } | Failure::Early { wait, .. } => {
                backoff.max(wait + wait.mul_f64(runtime.random()))
            }
            Failure::Transient { .. } | Failure::Permanent { .. } => backoff,
        };
        Some((delivery, wait))
    }))
    .await;
    let given_back: Vec<_> = given_back.into_iter().flatten().collect();
    if !given_back.is_empty() {
        runtime.count(metric::RETRIES, given_back.len());
        let waits: Vec<_> =
            given_back.iter().map(|(delivery, wait)| (delivery.receipt_handle.as_str(), *wait)).collect();
        if let Err(failure) = queue.postpone(&waits).await {
            // Only the wait is lost: the deliveries come back when the queue's visibility timeout ends.
            tracing::warn!(error = %chain(&failure), "retries could not be postponed");
        }
    }
    // A stage that answered for fewer deliveries than it was given did not finish the others.
    let unanswered = batch.iter().skip(answered);
    given_back
        .iter()
        .map(|(delivery, _)| *delivery)
        .chain(unanswered)
        .map(|delivery| delivery.message_id.clone())
        .collect()
}

async fn dead_letter(
    queue: &impl Queue,
    runtime: &impl Runtime,
    delivery: &Delivery,
    reason: DeadLetterReason,
    failure: &Failure,
) -> bool {
    let letter = DeadLetter {
        body: delivery.body.clone(),
        reason: reason.name(),
        error: chain(failure),
        message_id: delivery.message_id.clone(),
        trace: delivery.trace.clone(),
        signed: delivery.signed.clone(),
    };
    match queue.dead_letter(&letter).await {
        Ok(()) => {
            runtime.count(metric::ORDERS_FAILED, 1);
            tracing::error!(message_id = %delivery.message_id, error = %letter.error, "a delivery was moved to the dead-letter queue");
            true
        }
        Err(error) => {
            tracing::error!(message_id = %delivery.message_id, error = %chain(&error), "the dead-letter queue did not take a delivery");
            false
        }
    }
}
