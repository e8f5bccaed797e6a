//! Redrives or discards the messages of a queue, one by one; uses a move task or a replay where that is better.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use aws_sdk_sqs::Client;
use order_domain::stage::Stage;
use order_domain::time::Timestamp;
use tokio::time::Instant;

use super::audit::{Audit, close};
use super::messages::{BATCH, receive, return_to_queue};
use super::queue::{self, DeadLetterQueue};
use super::{Action, DeadLetter, DeadLetterError, Method, Options, Redriven, list, move_task, send, stream};
use deployed::Deployed;
use terminal::cancel::Cancel;
use terminal::progress::Progress;

/// Visibility timeout during a redrive: ten messages at one per second, plus time for slow SQS requests.
const HIDDEN: Duration = Duration::from_secs(120);
/// Maximum messages that a dry run checks.
const DRY_RUN_LIMIT: usize = 10_000;
/// The destination of discarded messages, for the report.
const NOWHERE: &str = "nowhere";
/// Maximum send requests per second; a higher rate sends several messages per request.
const SENDS_PER_SECOND: u32 = 10;

/// Redrives or discards the messages of a queue. It is safe to stop it, to repeat it, and to run it twice at once.
///
/// # Errors
///
/// When SQS does not answer or the audit record cannot be written, before any message moves. Later problems are part of
/// the result.
pub async fn redrive(
    deployed: &Deployed,
    queue: &DeadLetterQueue,
    options: &Options,
    progress: Progress,
    cancel: &Cancel,
) -> Result<Redriven, DeadLetterError> {
    let discards = options.action == Action::Discard;
    if discards && options.filter.is_open() {
        return Err(DeadLetterError::NothingNamed { queue: queue.name.clone() });
    }
    let source = match &queue.source {
        _ if discards => None,
        None => return stream::redrive(deployed, queue, options, progress, cancel).await,
        source => source.as_deref(),
    };
    let client = Client::new(deployed.aws());
    let messages = queue::count(&client, queue).await?;
    let to = if discards { NOWHERE.to_owned() } else { queue.source_name() };
    let one_by_one = if discards { Method::Discard } else { Method::Messages };
    let nothing = |method| Redriven::nothing(queue, &to, method, options);
    if options.dry_run {
        let seen = list::peek(&client, queue, DRY_RUN_LIMIT, cancel).await?;
        let mut redriven = nothing(one_by_one);
        for message in &seen {
            if options.filter.matches(message) { redriven.count(message) } else { redriven.passed_over += 1 }
        }
        return Ok(redriven);
    }
    if messages == 0 {
        return Ok(nothing(one_by_one));
    }
    // A webhook needs the time of its acceptance as an attribute, which a move task does not add.
    if let (Some(source), true, true) = (source, options.filter.is_open(), queue.stage != Stage::Reconcile) {
        let moved = move_task::redrive(deployed, &client, queue, source, messages, options, progress, cancel).await?;
        if let Some(redriven) = moved {
            return Ok(redriven);
        }
    }
    let doing = if discards { "Discarding messages of" } else { "Redriving" };
    let step = progress.counted(format!("{doing} {}", queue.name), messages);
    let mut run = Run {
        deployed,
        client,
        queue,
        source,
        messages,
        options,
        began: Timestamp::now(),
        audit: None,
        sent_ids: HashSet::new(),
        held: HashMap::new(),
        redriven: nothing(one_by_one),
    };
    let outcome = run.all(&step, cancel).await;
    let handles: Vec<String> = run.held.drain().map(|(_, handle)| handle).collect();
    return_to_queue(&run.client, &queue.url, &handles).await;
    let redriven = close(run.audit, run.redriven, outcome).await?;
    step.finish(&format!("{} messages", redriven.moved));
    Ok(redriven)
}

struct Run<'a> {
    deployed: &'a Deployed,
    client: Client,
    queue: &'a DeadLetterQueue,
    /// URL of the source queue; `None` for a discard.
    source: Option<&'a str>,
    /// Approximate number of messages at the start.
    messages: u64,
    options: &'a Options,
    began: Timestamp,
    audit: Option<Audit>,
    /// Ids in the source queue of the sent messages: a dead-lettered message with such an id came back.
    sent_ids: HashSet<String>,
    /// Messages that stay in the queue, by id, with their newest receipt handle.
    held: HashMap<String, String>,
    redriven: Redriven,
}

impl Run<'_> {
    async fn all(&mut self, step: &terminal::progress::Step, cancel: &Cancel) -> Result<(), DeadLetterError> {
        let mut repeats = 0;
        while !self.stopped(cancel) {
            let received = receive(&self.client, &self.queue.url, &self.queue.name, HIDDEN).await?;
            if received.is_empty() {
                return Ok(());
            }
            let mut messages = Vec::with_capacity(received.len());
            for message in received {
                let (id, handle) = (message.message_id.clone(), message.content.receipt_handle.clone());
                if self.held.insert(id, handle).is_some() {
                    repeats += 1;
                } else if self.is_to_move(&message) {
                    messages.push(message);
                }
            }
            // A large queue shows excluded messages again when their visibility timeout has ended.
            if messages.is_empty() && repeats > self.held.len().max(BATCH * BATCH) {
                return Ok(());
            }
            self.send_all(&messages, step, cancel).await?;
        }
        Ok(())
    }

    fn stopped(&mut self, cancel: &Cancel) -> bool {
        self.redriven.interrupted |= cancel.is_cancelled();
        self.redriven.interrupted
    }

    fn is_to_move(&mut self, message: &DeadLetter) -> bool {
        let came_back = self.sent_ids.contains(&message.message_id)
            || message.source_message_id.as_ref().is_some_and(|id| self.sent_ids.contains(id));
        match () {
            () if came_back || message.sent_at > self.began => self.redriven.too_young += 1,
            () if !self.options.filter.matches(message) => self.redriven.passed_over += 1,
            () => return true,
        }
        false
    }

    async fn send_all(
        &mut self,
        messages: &[DeadLetter],
        step: &terminal::progress::Step,
        cancel: &Cancel,
    ) -> Result<(), DeadLetterError> {
        let at_once = usize::try_from(self.options.rate / SENDS_PER_SECOND).unwrap_or(BATCH).clamp(1, BATCH);
        for chunk in send::chunks(messages, at_once) {
            if self.stopped(cancel) {
                return Ok(());
            }
            let began = Instant::now();
            let sent = self.send(chunk).await?;
            let mut handles = Vec::with_capacity(chunk.len());
            for (message, sent) in chunk.iter().zip(sent) {
                match sent {
                    Ok(id) => {
                        self.sent_ids.insert(id);
                        self.held.remove(&message.message_id);
                        self.redriven.count(message);
                        handles.push(message.content.receipt_handle.clone());
                    }
                    Err(reason) => {
                        self.redriven.failed += 1;
                        self.redriven.problem.get_or_insert(reason);
                    }
                }
            }
            let kept = send::delete(&self.client, &self.queue.url, &self.queue.name, &handles).await;
            self.redriven.not_deleted += kept;
            if self.source.is_none() {
                self.redriven.moved -= kept;
            }
            step.done(self.redriven.moved);
            let share = Duration::from_secs(1).mul_f64(chunk.len() as f64 / f64::from(self.options.rate.max(1)));
            tokio::select! {
                () = tokio::time::sleep_until(began + share) => {}
                () = cancel.cancelled() => {}
            }
        }
        Ok(())
    }

    /// Sends messages, or records those to discard. For each message: its id in the source queue, or why it was refused.
    async fn send(&mut self, messages: &[DeadLetter]) -> Result<Vec<Result<String, String>>, DeadLetterError> {
        let (client, source, name) = (self.client.clone(), self.source, self.queue.source_name());
        let audit = self.begun().await?;
        let Some(source) = source else {
            for message in messages {
                audit.message(message).await?;
            }
            return Ok(messages.iter().map(|message| Ok(message.message_id.clone())).collect());
        };
        send::send(&client, source, &name, messages, &audit.id).await
    }

    /// The audit record; it is created with the first message that moves.
    async fn begun(&mut self) -> Result<&Audit, DeadLetterError> {
        let audit = match self.audit.take() {
            Some(audit) => audit,
            None => {
                let (deployed, queue, Redriven { to, method, .. }) = (self.deployed, self.queue, &self.redriven);
                Audit::begin(deployed, queue, to, *method, self.messages, self.options).await?
            }
        };
        self.redriven.redrive_id = Some(audit.id.clone());
        Ok(self.audit.insert(audit))
    }
}
