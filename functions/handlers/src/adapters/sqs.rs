//! A stage's queues on SQS.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, MessageAttributeValue, SendMessageBatchRequestEntry,
};
use order_domain::message::Message;
use order_domain::wiring::{Stage, variable};

use super::aws::classify;
use super::settings::{self, SettingError};
use crate::failure::Failure;
use crate::ports::{DeadLetter, Queue};

/// Most entries of one batch call (docs.aws.amazon.com/AWSSimpleQueueService, quotas-messages).
const BATCH: usize = 10;
/// Longest visibility timeout (the same page).
const LONGEST_WAIT: Duration = Duration::from_secs(12 * 3600);
/// An error chain longer than this is cut in a dead letter's attribute.
const ERROR_LENGTH: usize = 2048;

/// The queues.
#[derive(Debug, Clone)]
pub struct SqsQueue {
    client: Client,
    source: String,
    /// The queues of the stages that this one sends to.
    next: BTreeMap<Stage, String>,
    dead_letters: String,
}

impl SqsQueue {
    /// The queues that the environment names. A stage without a source has only its dead-letter queue; the last stage
    /// sends to none.
    ///
    /// # Errors
    /// When the environment names no dead-letter queue.
    pub fn from_environment(client: Client) -> Result<Self, SettingError> {
        Ok(Self {
            client,
            source: settings::text(variable::SOURCE_QUEUE_URL).unwrap_or_default(),
            next: Stage::ALL
                .into_iter()
                .filter_map(|stage| Some((stage, settings::text(stage.queue_variable()?).ok()?)))
                .collect(),
            dead_letters: settings::text(variable::DEAD_LETTER_QUEUE_URL)?,
        })
    }

    /// Sends up to [`BATCH`] messages to one queue; one answer for each, in their order.
    async fn forward_batch(&self, queue: &str, messages: &[&Message]) -> Result<Vec<Result<(), Failure>>, Failure> {
        let mut entries = Vec::with_capacity(messages.len());
        for (position, message) in messages.iter().enumerate() {
            let what = || format!("order {} could not be forwarded to {queue}", message.order_id());
            let body = serde_json::to_string(message).map_err(|error| Failure::transient(what(), error))?;
            let entry = SendMessageBatchRequestEntry::builder().id(position.to_string()).message_body(body).build();
            entries.push(entry.map_err(|error| Failure::transient(what(), error))?);
        }
        let sent = self.client.send_message_batch().queue_url(queue).set_entries(Some(entries)).send().await;
        let sent =
            sent.map_err(|error| classify(format!("{} messages could not be forwarded", messages.len()), error))?;
        Ok(messages
            .iter()
            .enumerate()
            .map(|(position, message)| match sent.failed().iter().find(|entry| entry.id() == position.to_string()) {
                None => Ok(()),
                Some(entry) => Err(Failure::transient_because(format!(
                    "order {} could not be forwarded to {queue} ({})",
                    message.order_id(),
                    entry.code()
                ))),
            })
            .collect())
    }
}

impl Queue for SqsQueue {
    async fn forward(&self, messages: &[Message]) -> Vec<Result<(), Failure>> {
        let mut by_stage: BTreeMap<Stage, Vec<(usize, &Message)>> = BTreeMap::new();
        for (position, message) in messages.iter().enumerate() {
            by_stage.entry(message.stage()).or_default().push((position, message));
        }
        let mut answers: Vec<(usize, Result<(), Failure>)> = Vec::with_capacity(messages.len());
        for (stage, messages) in by_stage {
            let Some(queue) = self.next.get(&stage) else {
                let name = stage.queue_variable().unwrap_or("no variable");
                let failure = Failure::transient(
                    format!("there is no way to the {} stage", stage.name()),
                    SettingError::Missing(name),
                );
                answers.extend(messages.iter().map(|(position, _)| (*position, Err(failure.clone()))));
                continue;
            };
            for chunk in messages.chunks(BATCH) {
                let batch: Vec<&Message> = chunk.iter().map(|(_, message)| *message).collect();
                let sent = self.forward_batch(queue, &batch).await;
                let sent = sent.unwrap_or_else(|failure| vec![Err(failure); chunk.len()]);
                answers.extend(chunk.iter().map(|(position, _)| *position).zip(sent));
            }
        }
        answers.sort_by_key(|(position, _)| *position);
        answers.into_iter().map(|(_, answer)| answer).collect()
    }

    async fn postpone(&self, waits: &[(&str, Duration)]) -> Result<(), Failure> {
        for chunk in waits.chunks(BATCH) {
            let entries: Result<Vec<_>, _> = chunk
                .iter()
                .enumerate()
                .map(|(position, (handle, wait))| {
                    ChangeMessageVisibilityBatchRequestEntry::builder()
                        .id(position.to_string())
                        .receipt_handle(*handle)
                        .visibility_timeout(i32::try_from((*wait).min(LONGEST_WAIT).as_secs()).unwrap_or(0))
                        .build()
                })
                .collect();
            let entries = entries.map_err(|error| Failure::transient("a wait has no receipt handle", error))?;
            let changed =
                self.client.change_message_visibility_batch().queue_url(&self.source).set_entries(Some(entries)).send();
            let changed = changed.await.map_err(|error| classify("the visibility could not be changed", error))?;
            if let Some(entry) = changed.failed().first() {
                return Err(Failure::transient_because(format!("a visibility was not changed ({})", entry.code())));
            }
        }
        Ok(())
    }

    async fn bury(&self, letter: &DeadLetter) -> Result<(), Failure> {
        let what = || format!("message {} could not be put into {}", letter.message_id, self.dead_letters);
        let mut send = self.client.send_message().queue_url(&self.dead_letters).message_body(&letter.body);
        let error: String = letter.error.chars().take(ERROR_LENGTH).collect();
        let trace = letter.trace.clone();
        let attributes = [
            ("reason", Some(letter.reason.to_owned())),
            ("error", Some(error)),
            ("sourceMessageId", Some(letter.message_id.clone())),
            ("traceHeader", trace),
        ];
        for (name, value) in attributes {
            // SQS refuses an empty attribute.
            let Some(value) = value.filter(|value| !value.is_empty()) else { continue };
            let value = MessageAttributeValue::builder().data_type("String").string_value(value).build();
            send = send.message_attributes(name, value.map_err(|error| Failure::transient(what(), error))?);
        }
        // A refusal must not bury the letter again: the delivery stays in its queue.
        send.send().await.map(drop).map_err(|error| Failure::transient(what(), error))
    }
}
