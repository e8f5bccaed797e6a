//! `cargo ops dlq`

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
Looking at a letter hides it from others for a moment and counts as a receive; it is given back at once, and no letter is
deleted by a look. TOO_MANY_RECEIVES are the letters that SQS moved by itself: messages whose receives were used up: they kill the function each time, or their stage was broken or throttled for hours.

Exit codes: 0 there are no dead letters; 1 there are; 2 the queues could not be asked.";

const SHOW_HELP: &str = "\
Customers' personal data is never shown: of a body only the order's and the customer's id.

Examples:
  cargo ops dlq show payment-dlq
  cargo ops dlq show validate --json --suffix prod";

const REDRIVE_HELP: &str = "\
Each letter is sent to its source queue first and deleted after, so that an interruption can repeat a letter and never lose
one; the stages take a repetition as what it is. Ctrl-C stops after the letter at hand. Running it twice at once is safe.
Letters that come back meanwhile, or that arrive after the beginning, are left for the next time.

Who redrove what, when, how many, from where to where is recorded in the orders table (pk REDRIVE#<id>, sk AUDIT, and
AUDIT#OUTCOME at the end), which nothing changes afterwards; without that record no letter moves.

On AWS and without filters SQS moves the letters by itself (StartMessageMoveTask): with the attributes that they have, their
old reason included. notify-dlq holds no events but tells when they were: redriving it replays that time (see `replay`).

Exit codes: 0 every letter moved; 1 some are still there; 2 it could not run; 130 stopped by Ctrl-C.

Examples:
  cargo ops dlq redrive payment-dlq --dry-run
  cargo ops dlq redrive inventory-dlq --reason STOCK_INCONSISTENT
  cargo ops dlq redrive --all --rate 50 --suffix prod";

const DISCARD_HELP: &str = "\
For letters that nothing can be done with: no order, a command that its order refused, a refund that was paid in another way.
While they lie there the queue's alarm stays on, and the next letter pages nobody. Say which: by reason, by order, or both.

What each letter was (order, reason, error; not what the customer wrote) is written into the audit record before it is
deleted: pk REDRIVE#<id>, sk AUDIT#LETTER#<message id>. What is deleted does not come back.

Exit codes: 0 every such letter that was there at the beginning is gone (or was counted); 1 some are still there; 2 it could not run; 130 stopped by Ctrl-C.

Examples:
  cargo ops dlq discard fulfilment-dlq --reason ILLEGAL_COMMAND --dry-run
  cargo ops dlq discard fulfilment-dlq --reason REFUND_RETURNED --order ord-7f3a --by Ada";

/// Dead letters.
#[derive(Debug, Subcommand)]
pub enum Dlq {
    /// Shows how many letters every dead-letter queue holds, how old they are, and why they are there
    #[command(after_help = LIST_HELP)]
    List(List),
    /// Shows the letters of one queue, oldest first
    #[command(after_help = SHOW_HELP)]
    Show(Show),
    /// Puts letters back to work
    #[command(after_help = REDRIVE_HELP)]
    Redrive(Redrive),
    /// Deletes letters that nothing can be done with
    #[command(after_help = DISCARD_HELP, mut_group("which", |which| which.required(true)))]
    Discard(Discard),
}

#[derive(Debug, Args)]
pub struct List {
    /// Letters of a queue to look at, at most; the reasons are counted from these
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
    /// The queue, e.g. payment-dlq; its stage's name does as well
    queue: String,
    /// Letters to show, at most
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
    /// The queue, e.g. payment-dlq; its stage's name does as well
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
    /// The queue, e.g. payment-dlq; its stage's name does as well
    queue: String,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    how: How,
}

/// Which letters are meant.
#[derive(Debug, Args)]
#[group(id = "which", multiple = true)]
struct Which {
    /// Only letters of this reason
    #[arg(long, value_name = "REASON")]
    reason: Option<String>,
    /// Only letters of this order
    #[arg(long, value_name = "ID", value_parser = |text: &str| OrderId::new(text))]
    order: Option<OrderId>,
}

/// How it is done.
#[derive(Debug, Args)]
struct How {
    /// Only count the letters
    #[arg(long)]
    dry_run: bool,
    /// Letters a second, at most; events, where notify-dlq is redriven
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=500))]
    rate: u32,
    /// Who does it, for the audit record, beside your AWS identity or user name
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
        let step = Progress::detect().step("Looking at dead letters");
        let reports = list(&deployed, &queues(&deployed).await?, self.limit, cancel).await?;
        step.finish(&format!("{} queues", reports.len()));
        if self.json {
            println!("{}", serde_json::to_string(&reports)?);
        } else {
            reports.iter().for_each(print_report);
        }
        Ok(match reports.iter().all(|report| report.letters == 0) {
            _ if cancel.is_cancelled() => Outcome::Interrupted,
            true => Outcome::Well,
            false => Outcome::Failed,
        })
    }
}

fn print_report(report: &Report) {
    let Report { queue, letters, looked_at, oldest_seconds, groups } = report;
    match oldest_seconds {
        _ if *letters == 0 => println!("{queue}: empty"),
        None => println!("{queue}: {}; others are looking at them just now", number_of(*letters)),
        Some(oldest) => println!("{queue}: {}, the oldest {}", number_of(*letters), age(*oldest)),
    }
    for group in groups {
        let (reason, oldest) = (printable(&group.reason), age(group.oldest_seconds));
        println!("  {:>7}  {reason}, the oldest {oldest}", group.letters);
    }
    if looked_at < letters && *looked_at > 0 {
        println!("  of {looked_at} letters that were looked at");
    }
}

/// A letter and its age.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    #[serde(flatten)]
    letter: &'a DeadLetter,
    age_seconds: u64,
}

impl Show {
    async fn run(self, cancel: &Cancel) -> Result<Outcome, Failure> {
        let deployed = self.place.reach().await?;
        let queue = find(&deployed, &self.queue).await?;
        let step = Progress::detect().step(format!("Looking at {}", queue.name));
        let letters = show(&deployed, &queue, self.limit, cancel).await?;
        step.finish(&format!("{} letters", letters.len()));
        let now = Timestamp::now();
        let shown: Vec<Shown<'_>> =
            letters.iter().map(|letter| Shown { letter, age_seconds: now.since(letter.sent_at).as_secs() }).collect();
        if self.json {
            println!("{}", serde_json::to_string(&shown)?);
        } else if shown.is_empty() {
            println!("{} is empty.", queue.name);
        } else {
            shown.iter().for_each(print_letter);
        }
        Ok(if cancel.is_cancelled() { Outcome::Interrupted } else { Outcome::Well })
    }
}

fn print_letter(shown: &Shown<'_>) {
    let letter = shown.letter;
    println!("{}", printable(&letter.message_id));
    let line = |name: &str, text: Option<String>| {
        if let Some(text) = text {
            println!("  {name:<10} {}", printable(&text));
        }
    };
    line("order", letter.order_id.as_ref().map(ToString::to_string));
    line("customer", letter.customer_id.as_ref().map(ToString::to_string));
    line("reason", Some(letter.reason.clone()));
    line("error", letter.error.clone());
    line(
        "events",
        letter.stream_batch.as_ref().map(|batch| {
            format!("{} records of {}, {} to {}", batch.records, batch.shard_id, batch.first_at, batch.last_at)
        }),
    );
    line("trace", letter.trace.clone());
    line("came from", letter.source_message_id.clone());
    line("age", Some(format!("{}, since {}", age(shown.age_seconds), letter.sent_at)));
    line("receives", Some(letter.receive_count.to_string()));
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
            // A name that anybody can give does not hide whose credentials were used.
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
        (Action::Redrive, true) => println!("{from}: {moved} would go to {to}"),
        (Action::Redrive, false) => println!("{from}: {moved} went to {to}"),
        (Action::Discard, true) => println!("{from}: {moved} would be deleted"),
        (Action::Discard, false) => println!("{from}: {moved} deleted"),
    }
    let not_deleted = match action {
        Action::Redrive => "sent but not deleted: the next redrive repeats them",
        Action::Discard => "on record but not deleted: they are still there",
    };
    for (reason, letters) in &redriven.reasons {
        println!("  {letters:>7}  {}", printable(reason));
    }
    for (count, what) in [
        (redriven.passed_over, "passed over by the filters"),
        (redriven.too_young, "left, since they came back or arrived after the beginning"),
        (redriven.failed, "not moved, and still there"),
        (redriven.not_deleted, not_deleted),
    ] {
        if count > 0 {
            println!("  {count:>7}  {what}");
        }
    }
    if let Some(told) = redriven.events_told {
        println!("  {told} events told, those included that had been told before");
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

fn number_of(letters: u64) -> String {
    if letters == 1 { "1 letter".to_owned() } else { format!("{letters} letters") }
}

/// An age as people say it.
fn age(seconds: u64) -> String {
    let age = Duration::from_secs(seconds);
    match age.as_secs() {
        seconds @ 0..=119 => format!("{seconds} s"),
        seconds @ 120..=7199 => format!("{} min", seconds / 60),
        seconds @ 7200..=172_799 => format!("{} h", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    }
}
