//! Putting letters back to work, or out of the world: which way, and letter by letter.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use aws_sdk_sqs::Client;
use order_domain::stage::Stage;
use order_domain::time::Timestamp;
use tokio::time::Instant;

use super::audit::Audit;
use super::messages::{BATCH, give_back, receive};
use super::queue::{self, DeadLetterQueue};
use super::{Action, DeadLetter, DeadLetterError, Method, Options, Redriven, list, move_task, send, stream};
use deployed::Deployed;
use terminal::cancel::Cancel;
use terminal::progress::Progress;

/// How long a letter is hidden from others while it is redriven: ten letters at one a second, and patience with SQS.
const HIDDEN: Duration = Duration::from_secs(120);
/// A dry run looks at no more letters than this.
const DRY_RUN_LIMIT: usize = 10_000;
/// Where letters go that are discarded.
const NOWHERE: &str = "nowhere";
/// Letters are sent this often a second, at most; a higher rate sends several at once.
const SENDS_PER_SECOND: u32 = 10;

/// Redrives or discards the letters of a queue. It can be stopped at any moment, run again, and run beside another.
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
    let letters = queue::count(&client, queue).await?;
    let to = if discards { NOWHERE.to_owned() } else { queue.source_name() };
    let one_by_one = if discards { Method::Discard } else { Method::Letters };
    let nothing = |method| Redriven::nothing(queue, &to, method, options);
    if options.dry_run {
        let seen = list::look(&client, queue, DRY_RUN_LIMIT, cancel).await?;
        let mut redriven = nothing(one_by_one);
        for letter in &seen {
            if options.filter.lets(letter) { redriven.count(letter) } else { redriven.passed_over += 1 }
        }
        return Ok(redriven);
    }
    if letters == 0 {
        return Ok(nothing(one_by_one));
    }
    // A webhook has to be sent with the time at which it was accepted, which a task of SQS does not do.
    if let (Some(source), true, true) = (source, options.filter.is_open(), queue.stage != Stage::Reconcile) {
        let moved = move_task::redrive(deployed, &client, queue, source, letters, options, progress, cancel).await?;
        if let Some(redriven) = moved {
            return Ok(redriven);
        }
    }
    let doing = if discards { "Discarding letters of" } else { "Redriving" };
    let step = progress.counted(format!("{doing} {}", queue.name), letters);
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
        redriven: nothing(one_by_one),
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
    /// Where they go; nowhere, where they are discarded.
    source: Option<&'a str>,
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
    async fn all(&mut self, step: &terminal::progress::Step, cancel: &Cancel) -> Result<(), DeadLetterError> {
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

    fn is_to_move(&mut self, letter: &DeadLetter) -> bool {
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
        letters: &[DeadLetter],
        step: &terminal::progress::Step,
        cancel: &Cancel,
    ) -> Result<(), DeadLetterError> {
        let at_once = usize::try_from(self.options.rate / SENDS_PER_SECOND).unwrap_or(BATCH).clamp(1, BATCH);
        for chunk in send::chunks(letters, at_once) {
            if self.stopped(cancel) {
                return Ok(());
            }
            let began = Instant::now();
            let sent = self.send(chunk).await?;
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

    /// Sends letters, or writes down what is discarded; for each its id in the source queue, or why it was not taken.
    async fn send(&mut self, letters: &[DeadLetter]) -> Result<Vec<Result<String, String>>, DeadLetterError> {
        let (client, source, name) = (self.client.clone(), self.source, self.queue.source_name());
        let audit = self.begun().await?;
        let Some(source) = source else {
            for letter in letters {
                audit.message(letter).await?;
            }
            return Ok(letters.iter().map(|letter| Ok(letter.message_id.clone())).collect());
        };
        send::send(&client, source, &name, letters, &audit.id).await
    }

    /// The audit record, begun with the first letter that is to move.
    async fn begun(&mut self) -> Result<&Audit, DeadLetterError> {
        let audit = match self.audit.take() {
            Some(audit) => audit,
            None => {
                let (deployed, queue, Redriven { to, method, .. }) = (self.deployed, self.queue, &self.redriven);
                Audit::begin(deployed, queue, to, *method, self.letters, self.options).await?
            }
        };
        self.redriven.redrive_id = Some(audit.id.clone());
        Ok(self.audit.insert(audit))
    }
}
