//! The main job, end to end: an environment comes up, orders of every kind are sent, each is followed to its end and to
//! its notification, some are shipped, cancelled or returned, and the environment is destroyed without a trace.
//!
//! `plan` decides which orders are sent and how each has to end, `judge` judges each order, and `tally` adds up; all three
//! are pure.

mod aftermath;
mod books;
mod end;
mod error;
mod follow;
mod fulfil;
mod judge;
mod latency;
mod observer;
#[cfg(test)]
mod perfect;
mod plan;
mod report;
mod sample;
mod send;
mod shipping;
mod tally;

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use order_domain::order::{Order, OrderStatus};
use rand::Rng;

pub use aftermath::{Mails, Texts};
pub use end::End;
pub use error::DemoError;
pub use judge::{Answer, Observed, Outcome};
pub use observer::Heard;
pub use plan::{Expected, Kind, PlannedOrder, plan};
pub use report::render;
pub use shipping::Report;
pub use tally::{Row, Summary, Tally};

use crate::catalogue;
use deployed::client::{ApiClient, aws_configuration, http_client};
use deployed::{Connection, PaymentGateway};
use local::environment::{Environment, EnvironmentError, Lifetime, UpOptions, with_environment};
use observer::{Deliveries, Observer};
use payment_simulator::{LedgerSummary, Totals};
use send::Sent;
use terminal::progress::Progress;

/// The options of the demonstration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::Args)]
pub struct Options {
    /// The number of orders.
    #[command(flatten)]
    pub load: Load,
    /// Leave the environment running afterwards; `cargo ops down` takes it down.
    #[arg(long)]
    pub keep: bool,
    /// Print the result as one JSON object, the last line of standard output.
    #[arg(long)]
    pub json: bool,
}

/// How much the demonstration sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::Args)]
pub struct Load {
    /// How many orders to send.
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = at_least_one)]
    pub orders: usize,
    /// How many of them at the same time.
    #[arg(long, default_value_t = 100, value_name = "C", value_parser = at_least_one)]
    pub concurrency: usize,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err(format!("`{text}` is not a valid number of orders; use 1 or more")),
        Ok(number) => Ok(number),
    }
}

/// Longest wait for an answer of the emulator's own pages and of the simulator's.
const PAGE_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest wait for the queues to run empty once every order is at its end: only duplicates are left in them.
const DRAIN_PATIENCE: Duration = Duration::from_secs(60);

/// The whole demonstration: creates an environment, carries the demonstration out, prints the findings, and
/// destroys the environment or, with `keep`, leaves it. The caller turns [`Summary::ok`] into an exit code.
///
/// # Errors
///
/// [`DemoError`] when a step cannot be carried out. Then nothing is left running, kept or not.
pub async fn run(options: Options, up: UpOptions) -> Result<Tally, DemoError> {
    let tally = if options.keep { run_and_keep(options, up).await? } else { run_and_destroy(options, up).await? };
    if options.json {
        println!("{}", tally.summary.to_json());
    }
    Ok(tally)
}

async fn run_and_destroy(options: Options, up: UpOptions) -> Result<Tally, DemoError> {
    let progress = up.progress;
    let finished = with_environment(up, async |environment| show(options, environment, progress).await).await?;
    let mut tally = finished.value?;
    let left_behind = finished.destroyed.left_behind;
    println!("\n{} resources destroyed, {} left behind", finished.destroyed.resources, left_behind.len());
    left_behind.iter().for_each(|resource| println!("  left behind: {resource}"));
    if !tally.summary.ok {
        println!("To look for the reason, run it again with --keep and read the functions' logs.");
    }
    tally.add_left_behind(&left_behind);
    Ok(tally)
}

async fn run_and_keep(options: Options, up: UpOptions) -> Result<Tally, DemoError> {
    let executable = std::env::current_exe().map_err(|error| DemoError::call("finding this program's file", error))?;
    let (progress, cancel) = (up.progress, up.cancel.clone());
    let up = UpOptions { lifetime: Lifetime::Detached { executable }, ..up };
    let instance = up.instance.clone();
    let environment = Environment::up(up).await?;
    let shown = tokio::select! {
        shown = show(options, &environment, progress) => shown,
        () = cancel.cancelled() => Err(EnvironmentError::Cancelled.into()),
    };
    match shown {
        Ok(tally) => {
            let connection = environment.keep();
            println!("\nThe environment is left running; its API is {}", connection.api_url);
            println!("Take it down with `cargo ops down --instance {instance}`.");
            Ok(tally)
        }
        Err(error) => {
            environment.stop().await?;
            Err(error)
        }
    }
}

async fn show(options: Options, environment: &Environment, progress: Progress) -> Result<Tally, DemoError> {
    let (connection, gateway) = (environment.connection(), environment.payment_gateway());
    let tally = carry_out(connection, gateway, options.load, progress).await?;
    print!("\n{}", render(&tally));
    Ok(tally)
}

/// Fills the catalogue of a running environment, sends orders, follows them, and returns the findings.
///
/// # Errors
///
/// [`DemoError`] when a step cannot be carried out. An order that does not end well is a finding, not an error.
pub async fn carry_out(
    connection: &Connection,
    gateway: &PaymentGateway,
    load: Load,
    progress: Progress,
) -> Result<Tally, DemoError> {
    let products = catalogue::products()?;
    let step = progress.step("Filling the catalogue");
    catalogue::fill(connection, &products).await?;
    step.finish(&format!("{} products", products.len()));

    let run: String = format!("{:08x}", rand::rng().random::<u32>());
    let plan = plan(load.orders, &run, &products);
    let observer = Observer::subscribe(connection, &run).await?;
    let seen = observe(connection, gateway, &plan, load, &observer, progress).await;
    // The queue is deleted in any case; an earlier failure is reported first.
    let left = observer.leave().await;
    let seen = seen?;
    left?;
    Ok(seen)
}

async fn observe(
    connection: &Connection,
    gateway: &PaymentGateway,
    plan: &[PlannedOrder],
    load: Load,
    observer: &Observer,
    progress: Progress,
) -> Result<Tally, DemoError> {
    let client = ApiClient::new(connection)?;
    let http = http_client(PAGE_TIMEOUT)?;
    let aws = aws_configuration(connection).await;
    let dynamodb = aws_sdk_dynamodb::Client::new(&aws);
    let sqs = aws_sdk_sqs::Client::new(&aws);

    let step = progress.counted("Sending orders", plan.len() as u64);
    let sent = send::send(&client, plan, load.concurrency, &step).await;
    let is_accepted = |planned: &PlannedOrder| {
        sent.get(&planned.order_id).is_some_and(|sent| sent.answers.first() == Some(&Answer::Accepted))
    };
    let accepted: BTreeSet<String> =
        plan.iter().filter(|planned| is_accepted(planned)).map(|planned| planned.order_id.clone()).collect();
    step.finish(&format!("{} sent, {} accepted", plan.len(), accepted.len()));

    let step = progress.counted("Following orders to their end", accepted.len() as u64);
    let patience = follow::patience(accepted.len());
    let followed = follow::follow(&dynamodb, &connection.orders_table, &accepted, patience, &step).await?;
    let ended = followed.values().filter(|order| !order.status.is_open()).count();
    step.finish(&format!("{ended} of {} at their end", accepted.len()));

    let reports = report(&client, &dynamodb, connection, plan, &followed, load.concurrency, progress).await?;

    let step = progress.step("Waiting for empty queues");
    let undelivered = aftermath::drained(&sqs, connection, DRAIN_PATIENCE).await?;
    let dead_letters = aftermath::dead_letters(&sqs, connection).await?;
    // Duplicates were under way until now, and no order that the API refused may be stored.
    let everything: Vec<&String> = plan.iter().map(|planned| &planned.order_id).collect();
    let stored = follow::read(&dynamodb, &connection.orders_table, &everything).await?;
    step.finish(if undelivered.is_empty() { "done" } else { "not empty" });

    let (delivered, texts, mails) = notifications(connection, &http, plan, &stored, observer, progress).await?;
    let ledger = aftermath::ledger(&http, &gateway.url).await?;
    let orders = gather(plan, sent, reports, &stored, &delivered, (&texts, &mails), &ledger);

    let mut tally = Tally::new(&orders);
    for (queue, messages) in undelivered {
        tally.add_finding(format!("{queue} still holds {messages} message(s)"));
    }
    for (queue, messages) in dead_letters {
        tally.add_finding(format!("{queue} holds {messages} dead-lettered message(s)"));
    }
    books::compare(&orders, &ledger).into_iter().for_each(|finding| tally.add_finding(finding));
    let step = progress.step("Asking the API for a sample");
    let findings = sample::sample(&client, &orders).await?;
    step.finish(if findings.is_empty() { "it agrees with the table" } else { "it does not agree with the table" });
    findings.into_iter().for_each(|finding| tally.add_finding(finding));
    Ok(tally)
}

/// Reports on the confirmed orders whose kind has reports; the answers, by order id.
async fn report(
    client: &ApiClient,
    dynamodb: &aws_sdk_dynamodb::Client,
    connection: &Connection,
    plan: &[PlannedOrder],
    followed: &HashMap<String, Order>,
    concurrency: usize,
    progress: Progress,
) -> Result<HashMap<String, Vec<Answer>>, DemoError> {
    let is_confirmed = |id: &String| followed.get(id).is_some_and(|order| order.status == OrderStatus::Confirmed);
    let due: Vec<&PlannedOrder> =
        plan.iter().filter(|planned| !planned.kind.reports().is_empty() && is_confirmed(&planned.order_id)).collect();
    let step = progress.counted("Shipping, cancelling and refunding", due.len() as u64);
    let reports = fulfil::fulfil((client, dynamodb), &connection.orders_table, &due, concurrency, &step).await?;
    step.finish(&format!("{} reports on {} orders", reports.values().map(Vec::len).sum::<usize>(), due.len()));
    Ok(reports)
}

/// Waits for every watched event, every text message and every e-mail, as long as is reasonable.
async fn notifications(
    connection: &Connection,
    http: &reqwest::Client,
    plan: &[PlannedOrder],
    stored: &HashMap<String, Order>,
    observer: &Observer,
    progress: Progress,
) -> Result<(Deliveries, Texts, Mails), DemoError> {
    let step = progress.counted("Collecting notifications", stored.len() as u64);
    let deadline = Instant::now() + follow::patience(stored.len()) / 2;
    let mut delivered = Deliveries::new();
    observer
        .collect(&mut delivered, deadline.saturating_duration_since(Instant::now()), |delivered| {
            let complete = stored.iter().filter(|(id, order)| {
                let copies: usize = delivered.get(*id).map_or(0, |delivered| delivered.values().sum());
                copies >= End::of(order).deliveries()
            });
            let complete = complete.count();
            step.done(complete as u64);
            complete == stored.len()
        })
        .await?;
    let (texts, mails) = loop {
        let (texts, mails) = (Texts::read(http, connection).await?, Mails::read(http, connection).await?);
        let missing = plan.iter().any(|planned| {
            let id = &planned.order_id;
            let due = stored.get(id).map_or(0, |order| End::of(order).texts());
            mails.about(planned.address(), id) < due
                || planned.text_to.as_ref().is_some_and(|number| texts.about(number, id) < due)
        });
        if !missing || Instant::now() >= deadline {
            break (texts, mails);
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    };
    step.finish(&format!("notified of {} orders", delivered.len()));
    Ok((delivered, texts, mails))
}

/// The observations, order by order.
fn gather(
    plan: &[PlannedOrder],
    mut sent: HashMap<String, Sent>,
    mut reports: HashMap<String, Vec<Answer>>,
    stored: &HashMap<String, Order>,
    delivered: &Deliveries,
    (texts, mails): (&Texts, &Mails),
    ledger: &LedgerSummary,
) -> Vec<(PlannedOrder, Observed)> {
    let observed = |planned: &PlannedOrder| {
        let id = &planned.order_id;
        let sent = sent.remove(id);
        let payments = ledger.orders.get(id);
        let number = planned.document["customer"]["phone"].as_str().unwrap_or_default();
        Observed {
            accept_latency: sent.as_ref().map(|sent| sent.accept_latency),
            answers: sent.map(|sent| sent.answers).unwrap_or_default(),
            reports: reports.remove(id).unwrap_or_default(),
            order: stored.get(id).cloned(),
            delivered: delivered.get(id).cloned().unwrap_or_default(),
            texts: texts.about(number, id),
            mails: mails.about(planned.address(), id),
            charges: payments.map_or(0, |payments| payments.charges),
            money: payments.map_or_else(Totals::default, |payments| payments.totals),
        }
    };
    let observed: Vec<Observed> = plan.iter().map(observed).collect();
    plan.iter().cloned().zip(observed).collect()
}
