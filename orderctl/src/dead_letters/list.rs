//! What lies in a dead-letter queue, and why.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use aws_sdk_sqs::Client;
use futures::future::try_join_all;
use order_domain::time::Timestamp;
use serde::Serialize;

use super::messages::{give_back, receive};
use super::queue::{self, DeadLetterQueue};
use super::{DeadLetter, DeadLetterError};
use deployed::Deployed;
use terminal::cancel::Cancel;

/// How long a letter is hidden from others while it is looked at, should this process die meanwhile.
const LOOK: Duration = Duration::from_secs(30);

/// A dead-letter queue's content, by reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The queue.
    pub queue: String,
    /// About how many letters it holds.
    pub letters: u64,
    /// How many of them were looked at: the groups count these.
    pub looked_at: u64,
    /// Age of the oldest letter that was looked at, in seconds.
    pub oldest_seconds: Option<u64>,
    /// By reason, the largest group first.
    pub groups: Vec<Group>,
}

/// The letters of one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// The reason.
    pub reason: String,
    /// How many letters.
    pub letters: u64,
    /// Age of the oldest, in seconds.
    pub oldest_seconds: u64,
}

/// Reports on queues, looking at no more than `limit` letters of each.
///
/// # Errors
///
/// When SQS cannot be asked.
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
            let letters = queue::count(client, queue).await?;
            let seen = if letters == 0 { Vec::new() } else { look(client, queue, limit, cancel).await? };
            Ok(report(&queue.name, letters, &seen, Timestamp::now()))
        }
    }))
    .await
}

/// The letters of a queue, oldest first, `limit` at most.
///
/// # Errors
///
/// When SQS cannot be asked.
pub async fn show(
    deployed: &Deployed,
    queue: &DeadLetterQueue,
    limit: usize,
    cancel: &Cancel,
) -> Result<Vec<DeadLetter>, DeadLetterError> {
    look(&Client::new(deployed.aws()), queue, limit, cancel).await
}

/// Looks at letters and gives them back, whatever happens.
pub(super) async fn look(
    client: &Client,
    queue: &DeadLetterQueue,
    limit: usize,
    cancel: &Cancel,
) -> Result<Vec<DeadLetter>, DeadLetterError> {
    let mut letters: Vec<DeadLetter> = Vec::new();
    let mut handles = Vec::new();
    let mut seen = HashSet::new();
    let outcome = loop {
        if letters.len() >= limit || cancel.is_cancelled() {
            break Ok(());
        }
        match receive(client, &queue.url, &queue.name, LOOK).await {
            Ok(received) => {
                let known = letters.len();
                for letter in received {
                    handles.push(letter.content.receipt_handle.clone());
                    if seen.insert(letter.message_id.clone()) {
                        letters.push(letter);
                    }
                }
                // Nothing more, or only what was seen before: it has become visible again meanwhile.
                if letters.len() == known {
                    break Ok(());
                }
            }
            Err(error) => break Err(error),
        }
    };
    give_back(client, &queue.url, &handles).await;
    outcome?;
    letters.sort_by_key(|letter| letter.sent_at);
    letters.truncate(limit);
    Ok(letters)
}

fn report(queue: &str, letters: u64, seen: &[DeadLetter], now: Timestamp) -> Report {
    let age = |letter: &DeadLetter| now.since(letter.sent_at).as_secs();
    let mut by_reason: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for letter in seen {
        let (count, oldest) = by_reason.entry(&letter.reason).or_default();
        *count += 1;
        *oldest = (*oldest).max(age(letter));
    }
    let mut groups: Vec<Group> = by_reason
        .into_iter()
        .map(|(reason, (letters, oldest_seconds))| Group { reason: reason.to_owned(), letters, oldest_seconds })
        .collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.letters));
    let looked_at = u64::try_from(seen.len()).unwrap_or(u64::MAX);
    // SQS's count lags behind; what was seen is there.
    let letters = letters.max(looked_at);
    Report { queue: queue.to_owned(), letters, looked_at, oldest_seconds: seen.iter().map(age).max(), groups }
}

#[cfg(test)]
mod tests {
    use super::super::dead_letter::tests::message;
    use super::*;

    #[test]
    fn letters_are_grouped_by_reason_the_largest_group_first() {
        let of = |reason| DeadLetter::read(message("{}", &[("reason", reason)]));
        let seen = [of("A"), of("B"), of("B"), DeadLetter::read(message("{}", &[]))];
        let now = Timestamp::from_unix_seconds(1_764_000_060).unwrap();
        let report = report("payment-dlq", 9, &seen, now);
        let groups: Vec<_> = report.groups.iter().map(|group| (group.reason.as_str(), group.letters)).collect();
        assert_eq!(groups, [("B", 2), ("A", 1), ("TOO_MANY_RECEIVES", 1)]);
        assert_eq!((report.letters, report.looked_at, report.oldest_seconds), (9, 4, Some(60)));
    }
}
