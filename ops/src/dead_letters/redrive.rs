//! Putting letters back to work: which way, and letter by letter.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use aws_sdk_sqs::Client;
use order_domain::id::OrderId;
use order_domain::time::Timestamp;
use serde::Serialize;
use tokio::time::Instant;

use super::audit::Audit;
use super::messages::{BATCH, give_back, receive};
use super::queue::{self, DeadLetterQueue};
use super::{DeadLetterError, Letter, list, move_task, send, stream};
use crate::cancel::Cancel;
use crate::deployed::Deployed;
use crate::progress::Progress;

/// How long a letter is hidden from others while it is redriven: ten letters at one a second, and patience with SQS.
const HIDDEN: Duration = Duration::from_secs(120);
/// A dry run looks at no more letters than this.
const DRY_RUN_LIMIT: usize = 10_000;
/// Letters are sent this often a second, at most; a higher rate sends several at once.
const SENDS_PER_SECOND: u32 = 10;

/// Which letters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those of this reason.
    pub reason: Option<String>,
    /// Only those of this order.
    pub order: Option<OrderId>,
}

impl Filter {
    /// Whether it lets every letter pass.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.reason.is_none() && self.order.is_none()
    }

    /// Whether it lets this one pass.
    #[must_use]
    pub fn lets(&self, letter: &Letter) -> bool {
        self.reason.as_ref().is_none_or(|reason| *reason == letter.reason)
            && self.order.as_ref().is_none_or(|order| Some(order) == letter.order_id.as_ref())
    }
}

/// How to redrive.
#[derive(Debug, Clone)]
pub struct Options {
    /// Which letters.
    pub filter: Filter,
    /// Only count them.
    pub dry_run: bool,
    /// Letters a second, at most; events, for the stream's.
    pub rate: u32,
    /// Who does it, for the audit record.
    pub by: String,
}

/// How letters were redriven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Method {
    /// Each was received, sent to its source queue, and deleted.
    Letters,
    /// SQS moved them by itself (StartMessageMoveTask).
    MoveTask,
    /// The events that they stand for were read from the table and told.
    Replay,
}

/// What a redrive of one queue did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Redriven {
    /// Its audit record: the items `REDRIVE#<id>` of the orders table. None where no letter was to be moved.
    pub redrive_id: Option<String>,
    /// From where.
    pub from: String,
    /// To where.
    pub to: String,
    /// Who did it.
    pub by: String,
    /// How.
    pub method: Method,
    /// Nothing was moved: it was only counted.
    pub dry_run: bool,
    /// Letters moved, or that would be.
    pub moved: u64,
    /// Of those, by reason, where they were looked at.
    pub reasons: BTreeMap<String, u64>,
    /// Letters that the filters did not let pass.
    pub passed_over: u64,
    /// Letters that came after the beginning, and those that came back: redriving them again would go on for ever.
    pub too_young: u64,
    /// Letters that were to be moved and were not: they are still in the queue.
    pub failed: u64,
    /// Letters that were sent and not deleted: they are sent again by the next redrive, which the stages take as a
    /// repetition.
    pub not_deleted: u64,
    /// Events that were told, where the letters stand for events.
    pub events_told: Option<u64>,
    /// What went wrong.
    pub problem: Option<String>,
    /// It was stopped before the end.
    pub interrupted: bool,
}

impl Redriven {
    pub(super) fn nothing(queue: &DeadLetterQueue, to: &str, method: Method, options: &Options) -> Self {
        Self {
            redrive_id: None,
            from: queue.name.clone(),
            to: to.to_owned(),
            by: options.by.clone(),
            method,
            dry_run: options.dry_run,
            moved: 0,
            reasons: BTreeMap::new(),
            passed_over: 0,
            too_young: 0,
            failed: 0,
            not_deleted: 0,
            events_told: None,
            problem: None,
            interrupted: false,
        }
    }

    /// Whether every letter that was to be moved has been.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.failed == 0 && self.not_deleted == 0 && self.problem.is_none() && !self.interrupted
    }

    pub(super) fn count(&mut self, letter: &Letter) {
        self.moved += 1;
        *self.reasons.entry(letter.reason.clone()).or_default() += 1;
    }
}

/// Redrives the letters of a queue. It can be stopped at any moment, run again, and run beside another.
///
/// # Errors
///
/// When the queue cannot be asked or the audit record cannot be written, before any letter was moved. What goes wrong
/// afterwards is part of the result.
pub async fn redrive(
    deployed: &Deployed,
    queue: &DeadLetterQueue,
    options: &Options,
    progress: Progress,
    cancel: &Cancel,
) -> Result<Redriven, DeadLetterError> {
    let Some(source) = &queue.source else {
        return stream::redrive(deployed, queue, options, progress, cancel).await;
    };
    let client = Client::new(deployed.aws());
    let letters = queue::count(&client, queue).await?;
    let nothing = |method| Redriven::nothing(queue, &queue.source_name(), method, options);
    if options.dry_run {
        let seen = list::look(&client, queue, DRY_RUN_LIMIT, cancel).await?;
        let mut redriven = nothing(Method::Letters);
        for letter in &seen {
            if options.filter.lets(letter) { redriven.count(letter) } else { redriven.passed_over += 1 }
        }
        return Ok(redriven);
    }
    if letters == 0 {
        return Ok(nothing(Method::Letters));
    }
    if options.filter.is_open() {
        let moved = move_task::redrive(deployed, &client, queue, source, letters, options, progress, cancel).await?;
        if let Some(redriven) = moved {
            return Ok(redriven);
        }
    }
    let step = progress.counted(format!("Redriving {}", queue.name), letters);
    let mut run = Run {
        deployed,
        client,
        queue,
        source,
        letters,
        options,
        began: Timestamp::now(),
        audit: None,
        sent_ids: HashSet::new(),
        held: HashMap::new(),
        redriven: nothing(Method::Letters),
    };
    let outcome = run.all(&step, cancel).await;
    let handles: Vec<String> = run.held.drain().map(|(_, handle)| handle).collect();
    give_back(&run.client, &queue.url, &handles).await;
    let redriven = close(run.audit, run.redriven, outcome).await?;
    step.finish(&format!("{} letters", redriven.moved));
    Ok(redriven)
}

/// Writes the end of the audit record. An error before the record was begun is one; afterwards it belongs to the result.
pub(super) async fn close(
    audit: Option<Audit>,
    mut redriven: Redriven,
    outcome: Result<(), DeadLetterError>,
) -> Result<Redriven, DeadLetterError> {
    let Some(audit) = audit else { return outcome.map(|()| redriven) };
    if let Err(error) = outcome {
        redriven.problem = Some(order_handlers::failure::chain(&error));
    }
    if let Err(error) = audit.end(&redriven).await {
        redriven.problem.get_or_insert_with(|| order_handlers::failure::chain(&error));
    }
    Ok(redriven)
}

struct Run<'a> {
    deployed: &'a Deployed,
    client: Client,
    queue: &'a DeadLetterQueue,
    source: &'a str,
    /// About how many letters there were at the beginning.
    letters: u64,
    options: &'a Options,
    began: Timestamp,
    audit: Option<Audit>,
    /// The ids that what was sent has in the source queue: a letter that names one has come back.
    sent_ids: HashSet<String>,
    /// Letters that stay, by id, with their newest receipt handle.
    held: HashMap<String, String>,
    redriven: Redriven,
}

impl Run<'_> {
    async fn all(&mut self, step: &crate::progress::Step, cancel: &Cancel) -> Result<(), DeadLetterError> {
        let mut repeats = 0;
        while !self.stopped(cancel) {
            let received = receive(&self.client, &self.queue.url, &self.queue.name, HIDDEN).await?;
            if received.is_empty() {
                return Ok(());
            }
            let mut letters = Vec::with_capacity(received.len());
            for letter in received {
                let (id, handle) = (letter.message_id.clone(), letter.content.receipt_handle.clone());
                if self.held.insert(id, handle).is_some() {
                    repeats += 1;
                } else if self.is_to_move(&letter) {
                    letters.push(letter);
                }
            }
            // A large queue shows letters again that were passed over long ago.
            if letters.is_empty() && repeats > self.held.len().max(BATCH * BATCH) {
                return Ok(());
            }
            self.send_all(&letters, step, cancel).await?;
        }
        Ok(())
    }

    fn stopped(&mut self, cancel: &Cancel) -> bool {
        self.redriven.interrupted |= cancel.is_cancelled();
        self.redriven.interrupted
    }

    fn is_to_move(&mut self, letter: &Letter) -> bool {
        let came_back = self.sent_ids.contains(&letter.message_id)
            || letter.source_message_id.as_ref().is_some_and(|id| self.sent_ids.contains(id));
        match () {
            () if came_back || letter.sent_at > self.began => self.redriven.too_young += 1,
            () if !self.options.filter.lets(letter) => self.redriven.passed_over += 1,
            () => return true,
        }
        false
    }

    async fn send_all(
        &mut self,
        letters: &[Letter],
        step: &crate::progress::Step,
        cancel: &Cancel,
    ) -> Result<(), DeadLetterError> {
        let at_once = usize::try_from(self.options.rate / SENDS_PER_SECOND).unwrap_or(BATCH).clamp(1, BATCH);
        for chunk in send::chunks(letters, at_once) {
            if self.stopped(cancel) {
                return Ok(());
            }
            let began = Instant::now();
            let audit = self.begun().await?.to_owned();
            let sent = send::send(&self.client, self.source, &self.queue.source_name(), chunk, &audit).await?;
            let mut handles = Vec::with_capacity(chunk.len());
            for (letter, sent) in chunk.iter().zip(sent) {
                match sent {
                    Ok(id) => {
                        self.sent_ids.insert(id);
                        self.held.remove(&letter.message_id);
                        self.redriven.count(letter);
                        handles.push(letter.content.receipt_handle.clone());
                    }
                    Err(reason) => {
                        self.redriven.failed += 1;
                        self.redriven.problem.get_or_insert(reason);
                    }
                }
            }
            let kept = send::delete(&self.client, &self.queue.url, &self.queue.name, &handles).await;
            self.redriven.not_deleted += kept;
            step.done(self.redriven.moved);
            let share = Duration::from_secs(1).mul_f64(chunk.len() as f64 / f64::from(self.options.rate.max(1)));
            tokio::select! {
                () = tokio::time::sleep_until(began + share) => {}
                () = cancel.cancelled() => {}
            }
        }
        Ok(())
    }

    /// The audit record, begun with the first letter that is to move.
    async fn begun(&mut self) -> Result<&str, DeadLetterError> {
        let audit = match self.audit.take() {
            Some(audit) => audit,
            None => {
                let to = self.queue.source_name();
                let (deployed, queue) = (self.deployed, self.queue);
                Audit::begin(deployed, queue, &to, Method::Letters, self.letters, self.options).await?
            }
        };
        self.redriven.redrive_id = Some(audit.id.clone());
        Ok(&self.audit.insert(audit).id)
    }
}

#[cfg(test)]
mod tests {
    use super::super::letter::tests::message;
    use super::*;

    #[test]
    fn a_filter_lets_pass_what_has_its_reason_and_its_order() {
        let letter = Letter::read(message(r#"{"orderId":"ord-1"}"#, &[("reason", "A")]));
        let filter = |reason: Option<&str>, order: Option<&str>| Filter {
            reason: reason.map(str::to_owned),
            order: order.map(|id| OrderId::new(id).unwrap()),
        };
        assert!(filter(None, None).lets(&letter) && filter(None, None).is_open());
        assert!(filter(Some("A"), Some("ord-1")).lets(&letter));
        assert!(!filter(Some("B"), Some("ord-1")).lets(&letter));
        assert!(!filter(None, Some("ord-2")).lets(&letter));
    }
}
