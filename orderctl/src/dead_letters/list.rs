//! What a dead-letter queue contains, and why.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use aws_sdk_sqs::Client;
use futures::future::try_join_all;
use order_domain::time::Timestamp;
use serde::Serialize;

use super::messages::{receive, return_to_queue};
use super::queue::{self, DeadLetterQueue};
use super::{DeadLetter, DeadLetterError};
use deployed::Deployed;
use terminal::cancel::Cancel;

/// Visibility timeout while a message is read: it returns after this time if this process dies.
const READ: Duration = Duration::from_secs(30);

/// The content of a dead-letter queue, grouped by reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The queue.
    pub queue: String,
    /// Approximate number of messages in the queue.
    pub messages: u64,
    /// How many messages were checked; the groups count these.
    pub checked: u64,
    /// Age of the oldest checked message, in seconds.
    pub oldest_seconds: Option<u64>,
    /// The groups, largest first.
    pub groups: Vec<Group>,
}

/// The messages with one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// The reason.
    pub reason: String,
    /// Number of messages.
    pub messages: u64,
    /// Age of the oldest message, in seconds.
    pub oldest_seconds: u64,
}

/// Reports on queues; checks at most `limit` messages of each.
///
/// # Errors
///
/// When SQS does not answer.
pub async fn list(
    deployed: &Deployed,
    queues: &[DeadLetterQueue],
    limit: usize,
    cancel: &Cancel,
) -> Result<Vec<Report>, DeadLetterError> {
    let client = Client::new(deployed.aws());
    try_join_all(queues.iter().map(|queue| {
        let client = &client;
        async move {
            let messages = queue::count(client, queue).await?;
            let seen = if messages == 0 { Vec::new() } else { peek(client, queue, limit, cancel).await? };
            Ok(report(&queue.name, messages, &seen, Timestamp::now()))
        }
    }))
    .await
}

/// The messages of a queue, oldest first, `limit` at most.
///
/// # Errors
///
/// When SQS does not answer.
pub async fn show(
    deployed: &Deployed,
    queue: &DeadLetterQueue,
    limit: usize,
    cancel: &Cancel,
) -> Result<Vec<DeadLetter>, DeadLetterError> {
    peek(&Client::new(deployed.aws()), queue, limit, cancel).await
}

/// Reads messages, and returns them to the queue even when reading fails.
pub(super) async fn peek(
    client: &Client,
    queue: &DeadLetterQueue,
    limit: usize,
    cancel: &Cancel,
) -> Result<Vec<DeadLetter>, DeadLetterError> {
    let mut messages: Vec<DeadLetter> = Vec::new();
    let mut handles = Vec::new();
    let mut seen = HashSet::new();
    let outcome = loop {
        if messages.len() >= limit || cancel.is_cancelled() {
            break Ok(());
        }
        match receive(client, &queue.url, &queue.name, READ).await {
            Ok(received) => {
                let known = messages.len();
                for message in received {
                    handles.push(message.content.receipt_handle.clone());
                    if seen.insert(message.message_id.clone()) {
                        messages.push(message);
                    }
                }
                // No new message: the queue is empty, or shows earlier messages again.
                if messages.len() == known {
                    break Ok(());
                }
            }
            Err(error) => break Err(error),
        }
    };
    return_to_queue(client, &queue.url, &handles).await;
    outcome?;
    messages.sort_by_key(|message| message.sent_at);
    messages.truncate(limit);
    Ok(messages)
}

fn report(queue: &str, messages: u64, seen: &[DeadLetter], now: Timestamp) -> Report {
    let age = |message: &DeadLetter| now.since(message.sent_at).as_secs();
    let mut by_reason: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for message in seen {
        let (count, oldest) = by_reason.entry(&message.reason).or_default();
        *count += 1;
        *oldest = (*oldest).max(age(message));
    }
    let mut groups: Vec<Group> = by_reason
        .into_iter()
        .map(|(reason, (messages, oldest_seconds))| Group { reason: reason.to_owned(), messages, oldest_seconds })
        .collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.messages));
    let checked = u64::try_from(seen.len()).unwrap_or(u64::MAX);
    // SQS's count lags behind what was received.
    let messages = messages.max(checked);
    Report { queue: queue.to_owned(), messages, checked, oldest_seconds: seen.iter().map(age).max(), groups }
}

#[cfg(test)]
mod tests {
    use super::super::dead_letter::tests::message;
    use super::*;

    #[test]
    fn messages_are_grouped_by_reason_with_the_largest_group_first() {
        let of = |reason| DeadLetter::read(message("{}", &[("reason", reason)]));
        let seen = [of("A"), of("B"), of("B"), DeadLetter::read(message("{}", &[]))];
        let now = Timestamp::from_unix_seconds(1_764_000_060).unwrap();
        let report = report("payment-dlq", 9, &seen, now);
        let groups: Vec<_> = report.groups.iter().map(|group| (group.reason.as_str(), group.messages)).collect();
        assert_eq!(groups, [("B", 2), ("A", 1), ("TOO_MANY_RECEIVES", 1)]);
        assert_eq!((report.messages, report.checked, report.oldest_seconds), (9, 4, Some(60)));
    }
}
