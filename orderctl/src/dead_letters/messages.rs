//! Receives messages, and returns them to the queue.

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{ChangeMessageVisibilityBatchRequestEntry, MessageSystemAttributeName};

use super::{DeadLetter, DeadLetterError};

/// Maximum messages per call (docs.aws.amazon.com/AWSSimpleQueueService, quotas-messages).
pub(super) const BATCH: usize = 10;
/// Seconds of long polling. A short poll asks only some of the queue's servers and may miss messages.
const POLL_SECONDS: i32 = 1;

/// Receives up to [`BATCH`] messages and hides them from other consumers for `hidden`. An empty answer means that no
/// message is visible now.
pub(super) async fn receive(
    client: &Client,
    url: &str,
    name: &str,
    hidden: Duration,
) -> Result<Vec<DeadLetter>, DeadLetterError> {
    let received = client
        .receive_message()
        .queue_url(url)
        .max_number_of_messages(i32::try_from(BATCH).unwrap_or(10))
        .wait_time_seconds(POLL_SECONDS)
        .visibility_timeout(i32::try_from(hidden.as_secs()).unwrap_or(i32::MAX))
        .message_attribute_names("All")
        .message_system_attribute_names(MessageSystemAttributeName::All)
        .send()
        .await;
    let messages = received.map_err(|error| DeadLetterError::queue("receive messages from", name, error))?.messages;
    Ok(messages.unwrap_or_default().into_iter().map(DeadLetter::read).collect())
}

/// Returns messages to the queue at once. A failure is harmless: their visibility timeout returns them later.
pub(super) async fn return_to_queue(client: &Client, url: &str, handles: &[String]) {
    for chunk in handles.chunks(BATCH) {
        let entries: Result<Vec<_>, _> = chunk
            .iter()
            .enumerate()
            .map(|(position, handle)| {
                ChangeMessageVisibilityBatchRequestEntry::builder()
                    .id(position.to_string())
                    .receipt_handle(handle)
                    .visibility_timeout(0)
                    .build()
            })
            .collect();
        let Ok(entries) = entries else { continue };
        let changed = client.change_message_visibility_batch().queue_url(url).set_entries(Some(entries)).send().await;
        if let Err(error) = changed {
            tracing::debug!(url, error = %error, "messages stay hidden until their visibility timeout ends");
        }
    }
}
