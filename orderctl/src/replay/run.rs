//! Runs a replay: reads events, sends them to notify in batches, counts the results.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use order_domain::id::OrderId;
use serde::Serialize;
use serde_json::Value;

use super::event_id::EventId;
use super::events::{EventReader, Item, ReadError};
use super::lambda::{Functions, InvokeError};
use super::stream_form::{event_id, payload};
use super::window::Windows;
use deployed::Deployed;
use deployed::client::ApiError;
use terminal::cancel::Cancel;
use terminal::progress::{Progress, Step};

/// Maximum records per invocation, as in the stream's event source mapping (`batch_size` of the notify stage).
const BATCH: usize = 100;
/// After this many failed batches in a row the cause is not an event, and the replay aborts.
const FAILED_BATCHES: u32 = 3;

/// What to replay, and how fast.
#[derive(Debug, Clone)]
pub struct Options {
    /// Time ranges of the events.
    pub windows: Windows,
    /// Only this order's events.
    pub order: Option<OrderId>,
    /// Count the events and publish none.
    pub dry_run: bool,
    /// Maximum events per second.
    pub rate: u32,
}

/// The result of a replay.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// Number of events found, by type.
    pub found: BTreeMap<String, u64>,
    /// Number of events that notify processed: published now, or earlier.
    pub done: u64,
    /// Events that notify could not process.
    pub failed: BTreeSet<EventId>,
    /// The last error of a batch that failed completely.
    pub reason: Option<String>,
    /// Whether it was stopped before the end.
    pub interrupted: bool,
    /// Whether it aborted because several batches in a row failed completely.
    pub aborted: bool,
}

impl Outcome {
    /// Number of events found.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.found.values().sum()
    }

    /// Whether every event was published.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.failed.is_empty() && !self.interrupted && !self.aborted
    }
}

/// A replay did not run.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The events cannot be read.
    #[error("the replay cannot read more events")]
    Read(#[from] ReadError),
    /// The function cannot be invoked.
    #[error("events cannot be sent to notify; run the replay again, nobody is notified twice")]
    Invoke(#[from] InvokeError),
    /// No HTTP client.
    #[error("Lambda cannot be called")]
    Client(#[from] ApiError),
}

/// Replays events. It is safe to stop it and to repeat it.
///
/// # Errors
///
/// When the table cannot be read or the function cannot be invoked. A failure inside the function is part of the outcome.
pub async fn replay(
    deployed: &Deployed,
    options: &Options,
    progress: Progress,
    cancel: &Cancel,
) -> Result<Outcome, ReplayError> {
    let client = aws_sdk_dynamodb::Client::new(deployed.aws());
    let (order, windows) = (options.order.clone(), options.windows.clone());
    let mut reader = EventReader::new(client, deployed.orders_table(), order, windows);
    let step = progress.step(if options.dry_run { "Reading events" } else { "Replaying events" });
    let mut run = Run {
        functions: Functions::new(deployed.aws())?,
        function: deployed.notify_function(),
        options,
        step: &step,
        outcome: Outcome::default(),
        failed_in_a_row: 0,
    };
    let mut waiting: Vec<(EventId, Item)> = Vec::new();
    while let Some(page) = reader.next_page().await? {
        for item in page {
            let Some(id) = event_id(&item) else { continue };
            let of_type = item.get("eventType").and_then(|name| name.as_s().ok()).map_or("UNREADABLE", String::as_str);
            *run.outcome.found.entry(of_type.to_owned()).or_default() += 1;
            waiting.push((id, item));
        }
        while waiting.len() >= run.batch_size() {
            let rest = waiting.split_off(run.batch_size());
            run.send_batch(std::mem::replace(&mut waiting, rest), cancel).await?;
            if run.has_ended(cancel) {
                break;
            }
        }
        if run.has_ended(cancel) {
            break;
        }
    }
    if !run.has_ended(cancel) && !waiting.is_empty() {
        run.send_batch(waiting, cancel).await?;
    }
    let outcome = run.outcome;
    step.finish(&format!("{} events", outcome.events()));
    Ok(outcome)
}

struct Run<'a> {
    functions: Functions,
    function: &'a str,
    options: &'a Options,
    step: &'a Step,
    outcome: Outcome,
    failed_in_a_row: u32,
}

impl Run<'_> {
    fn batch_size(&self) -> usize {
        usize::try_from(self.options.rate).unwrap_or(BATCH).clamp(1, BATCH)
    }

    fn has_ended(&mut self, cancel: &Cancel) -> bool {
        self.outcome.interrupted |= cancel.is_cancelled();
        self.outcome.interrupted || self.outcome.aborted
    }

    async fn send_batch(&mut self, mut batch: Vec<(EventId, Item)>, cancel: &Cancel) -> Result<(), ReplayError> {
        if self.options.dry_run {
            self.step.detail(format!("{} events", self.outcome.events()));
            return Ok(());
        }
        batch.sort_by(|(one, _), (other, _)| one.cmp(other));
        let began = tokio::time::Instant::now();
        let failed = match self.functions.invoke(self.function, &payload(&batch)).await {
            Ok(answer) => failures(&answer, &batch),
            Err(error) if error.is_the_functions() => {
                self.outcome.reason = Some(error.to_string());
                batch.iter().map(|(id, _)| id.clone()).collect()
            }
            Err(error) => return Err(error.into()),
        };
        self.failed_in_a_row = if failed.len() == batch.len() { self.failed_in_a_row + 1 } else { 0 };
        self.outcome.aborted = self.failed_in_a_row >= FAILED_BATCHES;
        self.outcome.done += u64::try_from(batch.len() - failed.len()).unwrap_or(u64::MAX);
        self.outcome.failed.extend(failed);
        self.step.done(self.outcome.done);
        self.step.detail(format!("{} published, {} failed", self.outcome.done, self.outcome.failed.len()));
        let share = Duration::from_secs(1).mul_f64(batch.len() as f64 / f64::from(self.options.rate.max(1)));
        tokio::select! {
            () = tokio::time::sleep_until(began + share) => {}
            () = cancel.cancelled() => {}
        }
        Ok(())
    }
}

/// The events that a partial batch response names. Any other answer, or a name that is not in the batch, fails the whole
/// batch, as Lambda does.
fn failures(answer: &Value, batch: &[(EventId, Item)]) -> BTreeSet<EventId> {
    let all = || batch.iter().map(|(id, _)| id.clone()).collect();
    let Some(named) = answer.get("batchItemFailures").and_then(Value::as_array) else { return all() };
    let mut failed = BTreeSet::new();
    for failure in named {
        let id = failure.get("itemIdentifier").and_then(Value::as_str).and_then(EventId::of_sequence_number);
        match id.filter(|id| batch.iter().any(|(known, _)| known == id)) {
            Some(id) => failed.insert(id),
            None => return all(),
        };
    }
    failed
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn batch() -> Vec<(EventId, Item)> {
        (1..=3).map(|sequence| (EventId { order_id: "ord-1".into(), sequence }, Item::new())).collect()
    }

    #[test]
    fn a_partial_batch_response_names_the_failed_events() {
        let answer = json!({ "batchItemFailures": [{ "itemIdentifier": "replay:ord-1:2" }] });
        assert_eq!(failures(&answer, &batch()), BTreeSet::from([EventId { order_id: "ord-1".into(), sequence: 2 }]));
        assert!(failures(&json!({ "batchItemFailures": [] }), &batch()).is_empty());
    }

    #[test]
    fn an_unclear_answer_fails_the_whole_batch() {
        for answer in [
            json!(null),
            json!({}),
            json!({ "batchItemFailures": [{ "itemIdentifier": "" }] }),
            json!({ "batchItemFailures": [{ "itemIdentifier": "replay:ord-9:1" }] }),
            json!({ "batchItemFailures": [{}] }),
        ] {
            assert_eq!(failures(&answer, &batch()).len(), 3, "{answer}");
        }
    }
}
