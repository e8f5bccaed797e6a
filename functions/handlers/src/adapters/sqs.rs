//! A stage's queues on SQS.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, MessageAttributeValue, SendMessageBatchRequestEntry,
};
use order_contract::api::around::WEBHOOK_SIGNATURE_ATTRIBUTE;
use order_contract::message::Message;
use order_contract::variable;
use order_domain::stage::Stage;

use super::aws::classify;
use super::settings::{self, SettingError};
use crate::failure::Failure;
use crate::ports::{DeadLetter, Queue, Signed};

/// Most entries of one batch call (docs.aws.amazon.com/AWSSimpleQueueService, quotas-messages).
const BATCH: usize = 10;
/// Longest visibility timeout (the same page).
const LONGEST_WAIT: Duration = Duration::from_secs(12 * 3600);
/// The attribute of a redriven webhook: the time when the API accepted it, in milliseconds after 1970. Only senders with
/// access to the queues can write it.
pub const ACCEPTED_AT_ATTRIBUTE: &str = "acceptedAt";
/// The longest error chain in the attribute of a dead-lettered message, in bytes; a longer one is cut.
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
                .iter()
                .copied()
                .filter_map(|stage| Some((stage, settings::text(variable::queue_url(stage)?).ok()?)))
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
                let name = variable::queue_url(stage).unwrap_or("no variable");
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

    async fn dead_letter(&self, letter: &DeadLetter) -> Result<(), Failure> {
        let what = || format!("message {} could not be put into {}", letter.message_id, self.dead_letters);
        let mut send = self.client.send_message().queue_url(&self.dead_letters).message_body(&letter.body);
        for (name, value) in attributes_of(letter) {
            let value = MessageAttributeValue::builder().data_type("String").string_value(value).build();
            send = send.message_attributes(name, value.map_err(|error| Failure::transient(what(), error))?);
        }
        // A failure here must not dead-letter the message a second time: the delivery stays in its queue.
        send.send().await.map(drop).map_err(|error| Failure::transient(what(), error))
    }
}

/// The attributes of a dead-lettered message.
fn attributes_of(letter: &DeadLetter) -> Vec<(&'static str, String)> {
    let mut attributes = vec![
        ("reason", letter.reason.to_owned()),
        ("error", letter.error.chars().take(ERROR_LENGTH).collect()),
        ("sourceMessageId", letter.message_id.clone()),
        ("traceHeader", letter.trace.clone().unwrap_or_default()),
    ];
    if let Some(Signed { signature, accepted_at }) = &letter.signed {
        attributes.push((WEBHOOK_SIGNATURE_ATTRIBUTE, signature.clone()));
        attributes.push((ACCEPTED_AT_ATTRIBUTE, accepted_at.unix_milliseconds().to_string()));
    }
    // SQS refuses an empty attribute.
    attributes.retain(|(_, value)| !value.is_empty());
    attributes
}

#[cfg(test)]
mod tests {
    use order_domain::time::Timestamp;

    use super::*;

    fn letter(signed: Option<Signed>) -> DeadLetter {
        let error = "x".repeat(ERROR_LENGTH + 1);
        DeadLetter { body: "{}".into(), reason: "A", error, message_id: "m".into(), trace: None, signed }
    }

    #[test]
    fn a_dead_lettered_message_has_its_reason_and_no_empty_attribute() {
        let attributes = attributes_of(&letter(None));
        let names: Vec<&str> = attributes.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["reason", "error", "sourceMessageId"]);
        assert_eq!(attributes[1].1.len(), ERROR_LENGTH);
        let traced = attributes_of(&DeadLetter { trace: Some("Root=1-5759e988".into()), ..letter(None) });
        assert_eq!(traced[3], ("traceHeader", "Root=1-5759e988".to_owned()));
    }

    #[test]
    fn a_dead_lettered_webhook_keeps_its_signature_and_the_time_of_its_acceptance() {
        let accepted_at = Timestamp::from_unix_milliseconds(1_764_000_000_123).unwrap();
        let attributes = attributes_of(&letter(Some(Signed { signature: "t=1,v1=ab".into(), accepted_at })));
        assert_eq!(
            attributes[3..],
            [("signature", "t=1,v1=ab".to_owned()), ("acceptedAt", "1764000000123".to_owned())]
        );
    }
}
