//! `orderctl dlq`

use std::time::Duration;

use crate::dead_letters::{
    Action, DeadLetter, DeadLetterError, DeadLetterQueue, Filter, Options, Redriven, Report, find, list, printable,
    queues, redrive, show,
};
use clap::{Args, Subcommand};
use deployed::Deployed;
use order_domain::id::OrderId;
use order_domain::time::Timestamp;
use serde::Serialize;
use terminal::cancel::Cancel;
use terminal::progress::Progress;

use super::place::Place;
use terminal::outcome::{Failure, Outcome};

const LIST_HELP: &str = "\
Listing hides each message from other consumers for a moment and counts as a receive. No message is deleted. \
TOO_MANY_RECEIVES marks the messages that SQS moved after their last receive: the function crashed on them each time, or \
the stage was broken or throttled for hours.

Exit codes: 0 no messages; 1 there are messages; 2 the queues could not be read.";

const SHOW_HELP: &str = "\
Customers' personal data is not shown: only the ids of the order and the customer.

Examples:
  orderctl dlq show payment-dlq
  orderctl dlq show validate --json --suffix prod";

const REDRIVE_HELP: &str = "\
Each message is sent to its source queue first and deleted afterwards: an interruption can repeat a message, never lose \
it, and the stages tolerate repeats. Ctrl-C stops after the current message. It is safe to run it twice at once. Messages \
that arrive or come back after the start are left for the next run.

The orders table records who redrove what, when and how many (pk REDRIVE#<id>, sk AUDIT and AUDIT#OUTCOME). Without that \
record no message moves.

On AWS and without filters SQS moves the messages (StartMessageMoveTask), and they keep their attributes, including the \
old reason. notify-dlq contains no events, only their time range: redriving it replays that range (see `replay`).

Exit codes: 0 every message moved; 1 some are still there; 2 it could not run; 130 stopped by Ctrl-C.

Examples:
  orderctl dlq redrive payment-dlq --dry-run
  orderctl dlq redrive inventory-dlq --reason STOCK_INCONSISTENT
  orderctl dlq redrive --all --rate 50 --suffix prod";

const DISCARD_HELP: &str = "\
For messages that no redrive can fix: an unreadable order, a command that its order rejected, a refund that was paid in \
another way. The queue's alarm stays on while messages remain, so new ones do not page. Select by reason, by order, or by \
both.

Each message (order, reason, error; no personal data) is written to the audit record before it is deleted: pk \
REDRIVE#<id>, sk AUDIT#MESSAGE#<message id>. A deleted message cannot be restored.

Exit codes: 0 every selected message is deleted (or was counted); 1 some are still there; 2 it could not run; 130 stopped \
by Ctrl-C.

Examples:
  orderctl dlq discard fulfilment-dlq --reason ILLEGAL_COMMAND --dry-run
  orderctl dlq discard fulfilment-dlq --reason REFUND_RETURNED --order ord-7f3a --by Ada";

/// Dead-lettered messages.
#[derive(Debug, Subcommand)]
pub enum Dlq {
    /// List the dead-letter queues: number of messages, their age and reasons
    #[command(after_help = LIST_HELP)]
    List(List),
    /// Show the messages of one queue, oldest first
    #[command(after_help = SHOW_HELP)]
    Show(Show),
    /// Return messages to the source queues of their stages
    #[command(after_help = REDRIVE_HELP)]
    Redrive(Redrive),
    /// Delete messages that no redrive can fix
    #[command(after_help = DISCARD_HELP, mut_group("which", |which| which.required(true)))]
    Discard(Discard),
}

#[derive(Debug, Args)]
pub struct List {
    /// Maximum messages to check per queue; reasons are counted from these
    #[arg(long, default_value_t = 1000, value_name = "N")]
    limit: usize,
    /// Print one JSON array
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
pub struct Show {
    /// Queue or stage, e.g. payment-dlq or payment
    queue: String,
    /// Maximum messages to show
    #[arg(long, default_value_t = 100, value_name = "N")]
    limit: usize,
    /// Print one JSON array
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
pub struct Redrive {
    /// Queue or stage, e.g. payment-dlq or payment
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    queue: Option<String>,
    /// Every dead-letter queue
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, Args)]
pub struct Discard {
    /// Queue or stage, e.g. payment-dlq or payment
    queue: String,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    how: How,
}

/// Selects messages.
#[derive(Debug, Args)]
#[group(id = "which", multiple = true)]
struct Which {
    /// Only messages with this reason
    #[arg(long, value_name = "REASON")]
    reason: Option<String>,
    /// Only messages for this order
    #[arg(long, value_name = "ID", value_parser = |text: &str| OrderId::new(text))]
    order: Option<OrderId>,
}

/// How to run it.
#[derive(Debug, Args)]
struct How {
    /// Count the messages and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Maximum messages per second; for notify-dlq, events per second
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=500))]
    rate: u32,
    /// Your name for the audit record, in addition to your AWS identity
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Print one JSON array
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

impl Dlq {
    pub async fn run(self, cancel: &Cancel) -> Result<Outcome, Failure> {
        match self {
            Self::List(command) => command.run(cancel).await,
            Self::Show(command) => command.run(cancel).await,
            Self::Redrive(command) => command.run(cancel).await,
            Self::Discard(command) => command.run(cancel).await,
        }
    }
}

impl List {
    async fn run(self, cancel: &Cancel) -> Result<Outcome, Failure> {
        let deployed = self.place.reach().await?;
        let step = Progress::detect().step("Reading the dead-letter queues");
        let reports = list(&deployed, &queues(&deployed).await?, self.limit, cancel).await?;
        step.finish(&format!("{} queues", reports.len()));
        if self.json {
            println!("{}", serde_json::to_string(&reports)?);
        } else {
            reports.iter().for_each(print_report);
        }
        Ok(match reports.iter().all(|report| report.messages == 0) {
            _ if cancel.is_cancelled() => Outcome::Interrupted,
            true => Outcome::Well,
            false => Outcome::Failed,
        })
    }
}

fn print_report(report: &Report) {
    let Report { queue, messages, checked, oldest_seconds, groups } = report;
    match oldest_seconds {
        _ if *messages == 0 => println!("{queue}: empty"),
        None => println!("{queue}: {}, all hidden by another consumer now", number_of(*messages)),
        Some(oldest) => println!("{queue}: {}, oldest {}", number_of(*messages), age(*oldest)),
    }
    for group in groups {
        let (reason, oldest) = (printable(&group.reason), age(group.oldest_seconds));
        println!("  {:>7}  {reason}, oldest {oldest}", group.messages);
    }
    if checked < messages && *checked > 0 {
        println!("  counted from {checked} messages");
    }
}

/// A message with its age.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    #[serde(flatten)]
    message: &'a DeadLetter,
    age_seconds: u64,
}

impl Show {
    async fn run(self, cancel: &Cancel) -> Result<Outcome, Failure> {
        let deployed = self.place.reach().await?;
        let queue = find(&deployed, &self.queue).await?;
        let step = Progress::detect().step(format!("Reading {}", queue.name));
        let messages = show(&deployed, &queue, self.limit, cancel).await?;
        step.finish(&format!("{} messages", messages.len()));
        let now = Timestamp::now();
        let shown: Vec<Shown<'_>> = messages
            .iter()
            .map(|message| Shown { message, age_seconds: now.since(message.sent_at).as_secs() })
            .collect();
        if self.json {
            println!("{}", serde_json::to_string(&shown)?);
        } else if shown.is_empty() {
            println!("{} is empty.", queue.name);
        } else {
            shown.iter().for_each(print_message);
        }
        Ok(if cancel.is_cancelled() { Outcome::Interrupted } else { Outcome::Well })
    }
}

fn print_message(shown: &Shown<'_>) {
    let message = shown.message;
    println!("{}", printable(&message.message_id));
    let line = |name: &str, text: Option<String>| {
        if let Some(text) = text {
            println!("  {name:<10} {}", printable(&text));
        }
    };
    line("order", message.order_id.as_ref().map(ToString::to_string));
    line("customer", message.customer_id.as_ref().map(ToString::to_string));
    line("reason", Some(message.reason.clone()));
    line("error", message.error.clone());
    line(
        "events",
        message.stream_batch.as_ref().map(|batch| {
            format!("{} records of {}, {} to {}", batch.records, batch.shard_id, batch.first_at, batch.last_at)
        }),
    );
    line("trace", message.trace.clone());
    line("source id", message.source_message_id.clone());
    line("age", Some(format!("{}, since {}", age(shown.age_seconds), message.sent_at)));
    line("receives", Some(message.receive_count.to_string()));
}

impl Redrive {
    async fn run(self, cancel: &Cancel) -> Result<Outcome, Failure> {
        let deployed = self.how.place.reach().await?;
        let queues = match &self.queue {
            Some(name) => vec![find(&deployed, name).await?],
            None => queues(&deployed).await?,
        };
        self.how.apply(Action::Redrive, self.which, &deployed, &queues, cancel).await
    }
}

impl Discard {
    async fn run(self, cancel: &Cancel) -> Result<Outcome, Failure> {
        let deployed = self.how.place.reach().await?;
        let queues = [find(&deployed, &self.queue).await?];
        self.how.apply(Action::Discard, self.which, &deployed, &queues, cancel).await
    }
}

impl How {
    async fn apply(
        self,
        action: Action,
        Which { reason, order }: Which,
        deployed: &Deployed,
        queues: &[DeadLetterQueue],
        cancel: &Cancel,
    ) -> Result<Outcome, Failure> {
        let by = match (self.by, self.dry_run) {
            (by, true) => by.unwrap_or_default(),
            (None, false) => deployed.operator().await?,
            // The record keeps the identity of the credentials too: anybody can give any name.
            (Some(by), false) => match deployed.operator().await {
                Ok(operator) => format!("{by} ({operator})"),
                Err(_) => by,
            },
        };
        let options = Options { action, filter: Filter { reason, order }, dry_run: self.dry_run, rate: self.rate, by };
        let (mut all, mut failure): (Vec<Redriven>, Option<DeadLetterError>) = (Vec::with_capacity(queues.len()), None);
        for queue in queues {
            if cancel.is_cancelled() {
                break;
            }
            match redrive(deployed, queue, &options, Progress::detect(), cancel).await {
                Ok(redriven) => all.push(redriven),
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
            if let (false, Some(redriven)) = (self.json, all.last()) {
                print_redriven(redriven, action);
            }
        }
        if self.json {
            println!("{}", serde_json::to_string(&all)?);
        }
        if let Some(failure) = failure {
            return Err(failure.into());
        }
        Ok(match () {
            () if cancel.is_cancelled() || all.iter().any(|redriven| redriven.interrupted) => Outcome::Interrupted,
            () if all.iter().all(Redriven::is_complete) => Outcome::Well,
            () => Outcome::Failed,
        })
    }
}

fn print_redriven(redriven: &Redriven, action: Action) {
    let Redriven { from, to, .. } = redriven;
    let moved = number_of(redriven.moved);
    match (action, redriven.dry_run) {
        (Action::Redrive, true) => println!("{from}: {moved} would move to {to}"),
        (Action::Redrive, false) => println!("{from}: {moved} moved to {to}"),
        (Action::Discard, true) => println!("{from}: {moved} would be deleted"),
        (Action::Discard, false) => println!("{from}: {moved} deleted"),
    }
    let not_deleted = match action {
        Action::Redrive => "sent but not deleted; the next redrive repeats them",
        Action::Discard => "recorded but not deleted; still in the queue",
    };
    for (reason, messages) in &redriven.reasons {
        println!("  {messages:>7}  {}", printable(reason));
    }
    for (count, what) in [
        (redriven.passed_over, "excluded by the filters"),
        (redriven.too_young, "left, because they arrived or came back after the start"),
        (redriven.failed, "not moved; still in the queue"),
        (redriven.not_deleted, not_deleted),
    ] {
        if count > 0 {
            println!("  {count:>7}  {what}");
        }
    }
    if let Some(published) = redriven.events_published {
        println!("  {published} events published; events that were published before are skipped");
    }
    if let Some(problem) = &redriven.problem {
        println!("  problem: {}", printable(problem));
    }
    if redriven.interrupted {
        println!("  stopped before the end; run the same command again for the rest");
    }
    if let Some(id) = &redriven.redrive_id {
        println!("  audit record REDRIVE#{id}, by {}", redriven.by);
    }
}

fn number_of(messages: u64) -> String {
    if messages == 1 { "1 message".to_owned() } else { format!("{messages} messages") }
}

/// An age in its largest sensible unit.
fn age(seconds: u64) -> String {
    let age = Duration::from_secs(seconds);
    match age.as_secs() {
        seconds @ 0..=119 => format!("{seconds} s"),
        seconds @ 120..=7199 => format!("{} min", seconds / 60),
        seconds @ 7200..=172_799 => format!("{} h", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    }
}
