//! A batch of deliveries from a queue: one order's failure does not affect the others, and the answer has every failure.

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
    /// A permanent failure when the body is not such a document.
    pub fn parsed<T: serde::de::DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_str(&self.body).map_err(|error| {
            Failure::permanent(
                DeadLetterReason::NotACommand,
                format!("message {} is not a valid command", self.message_id),
                error,
            )
        })
    }
}

/// The result of one delivery: a command for the next stage, or `None` if there is nothing more to do.
pub type Handled = Result<Option<Message>, Failure>;

/// Why work was interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interrupted {
    /// It panicked. The panic's text can have personal data, so it is only in the log.
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

/// Runs work so that neither its panic nor its timeout affects other work.
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

/// Runs one order's work so that it does not affect others of its batch: interrupted work is reported as failed.
pub async fn contained<T>(
    what: &str,
    budget: Duration,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let interrupted = |interrupted| Err(Failure::transient_because(format!("{what} {interrupted}")));
    interruptible(budget, work).await.unwrap_or_else(interrupted)
}

/// Forwards the batch's next messages in full batches. A command that could not be forwarded fails its delivery: the order
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

/// A message that is retried for longer than this shows a lasting problem. SQS's age of the oldest message does not show it:
/// it leaves out messages that were received three times (docs.aws.amazon.com/AWSSimpleQueueService, "Available CloudWatch
/// metrics").
const LONG: Duration = Duration::from_secs(5 * 60);

/// Handles the failures of a batch. Returns the ids of the messages that return to the queue.
///
/// After a transient failure the message is retried after a wait. After a permanent one it moves to the dead-letter queue at
/// once, with the reason.
pub async fn settle(
    queue: &impl Queue,
    runtime: &impl Runtime,
    policy: RetryPolicy,
    batch: &[Delivery],
    results: Vec<Result<(), Failure>>,
) -> Vec<String> {
    let answered = results.len();
    let failed = batch.iter().zip(results).filter_map(|(delivery, result)| result.err().map(|error| (delivery, error)));
    let returned = join_all(failed.map(|(delivery, failure)| async move {
        let dead_lettered = match &failure {
            Failure::Permanent { reason, .. } => dead_letter(queue, runtime, delivery, *reason, &failure).await,
            Failure::Transient { .. } | Failure::Waiting { .. } | Failure::Early { .. } => false,
        };
        if dead_lettered {
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
            // A random part of the wait is added, so that the waiting messages do not all come at once.
            Failure::Waiting { wait, .. } | Failure::Early { wait, .. } => {
                backoff.max(wait + wait.mul_f64(runtime.random()))
            }
            Failure::Transient { .. } | Failure::Permanent { .. } => backoff,
        };
        Some((delivery, wait))
    }))
    .await;
    let returned: Vec<_> = returned.into_iter().flatten().collect();
    if !returned.is_empty() {
        runtime.count(metric::RETRIES, returned.len());
        let waits: Vec<_> = returned.iter().map(|(delivery, wait)| (delivery.receipt_handle.as_str(), *wait)).collect();
        if let Err(failure) = queue.postpone(&waits).await {
            // Only the wait is lost: the deliveries come back when the queue's visibility timeout ends.
            tracing::warn!(error = %chain(&failure), "retries could not be postponed");
        }
    }
    // A stage that answered for fewer deliveries than it was given did not finish the others.
    let unanswered = batch.iter().skip(answered);
    returned
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
    let message = DeadLetter {
        body: delivery.body.clone(),
        reason: reason.name(),
        error: chain(failure),
        message_id: delivery.message_id.clone(),
        trace: delivery.trace.clone(),
        signed: delivery.signed.clone(),
    };
    match queue.dead_letter(&message).await {
        Ok(()) => {
            runtime.count(metric::ORDERS_FAILED, 1);
            tracing::error!(message_id = %delivery.message_id, error = %message.error, "a delivery was moved to the dead-letter queue");
            true
        }
        Err(error) => {
            tracing::error!(message_id = %delivery.message_id, error = %chain(&error), "the dead-letter queue did not take a delivery");
            false
        }
    }
}
