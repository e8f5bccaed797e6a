//! The main job, end to end: an environment comes up, orders of every kind are sent, each is followed to its end and to
//! its notification, and the environment goes away without a trace.
//!
//! What is sent and how it has to end is decided in `plan`, what was seen is judged in `tally`; both are pure.

mod aftermath;
mod error;
mod follow;
mod latency;
mod observer;
mod plan;
mod report;
mod sample;
mod send;
mod tally;

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use order_domain::order::Order;
use rand::Rng;

pub use error::DemoError;
pub use plan::{Expected, Kind, PlannedOrder, plan};
pub use report::render;
pub use tally::{Answer, Observed, Outcome, Row, Summary, Tally};

use crate::catalogue;
use crate::client::{ApiClient, aws_configuration, http_client};
use crate::environment::{
    Connection, Environment, EnvironmentError, Lifetime, PaymentGateway, UpOptions, with_environment,
};
use crate::gateway_simulator::LedgerSummary;
use crate::progress::Progress;
use aftermath::Texts;
use observer::{Observer, Told};
use send::Sent;

/// What a caller may choose about the demonstration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::Args)]
pub struct Options {
    /// What is sent.
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
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub orders: usize,
    /// How many of them at the same time.
    #[arg(long, default_value_t = 100, value_name = "C", value_parser = parse_concurrency)]
    pub concurrency: usize,
}

fn parse_concurrency(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err(format!("`{text}` is no number of orders to send at the same time; use 1 or more")),
        Ok(concurrency) => Ok(concurrency),
    }
}

/// Longest wait for an answer of the emulator's own pages and of the simulator's.
const PAGE_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest wait for the queues to run empty once every order is at its end: only duplicates are left in them.
const DRAIN_PATIENCE: Duration = Duration::from_secs(60);

/// The whole demonstration: brings an environment up, carries the demonstration out, prints what was found, and
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

/// Fills the catalogue of an environment that is up, sends orders, follows them, and says what was found.
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
    // The queue goes whatever happened; a failure before is the one to tell of.
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
    let ended = followed.values().filter(|order| tally::has_ended(order.status)).count();
    step.finish(&format!("{ended} of {} at their end", accepted.len()));

    let step = progress.step("Waiting for empty queues");
    let undelivered = aftermath::drained(&sqs, connection, DRAIN_PATIENCE).await?;
    let dead_letters = aftermath::dead_letters(&sqs, connection).await?;
    // Duplicates were under way until now, and what was refused at the edge must not have come in by another way.
    let everything: Vec<&String> = plan.iter().map(|planned| &planned.order_id).collect();
    let stored = follow::read(&dynamodb, &connection.orders_table, &everything).await?;
    step.finish(if undelivered.is_empty() { "done" } else { "not empty" });

    let (told, texts) = notifications(connection, &http, plan, &stored, observer, progress).await?;
    let ledger = aftermath::ledger(&http, &gateway.url).await?;
    let orders = gather(plan, sent, &stored, &told, &texts, &ledger);

    let mut tally = Tally::new(&orders);
    for (queue, messages) in undelivered {
        tally.add_finding(format!("{queue} still holds {messages} message(s)"));
    }
    for (queue, messages) in dead_letters {
        tally.add_finding(format!("{queue} holds {messages} dead letter(s)"));
    }
    for (key, charges) in ledger.charges_by_idempotency_key.iter().filter(|(_, charges)| **charges > 1) {
        tally.add_finding(format!("the gateway charged {charges} times under the idempotency key {key}"));
    }
    let confirmed_total: u64 =
        stored.values().filter(|order| order.confirmed_at.is_some()).map(|order| order.total.amount).sum();
    if tally.summary.held_minor_units != confirmed_total {
        let held = tally.summary.held_minor_units;
        tally.add_finding(format!(
            "the gateway holds {held} and the confirmed orders cost {confirmed_total} (minor units)"
        ));
    }
    let step = progress.step("Asking the API for a sample");
    let findings = sample::sample(&client, &orders).await?;
    step.finish(if findings.is_empty() { "it agrees with the table" } else { "it does not agree with the table" });
    findings.into_iter().for_each(|finding| tally.add_finding(finding));
    Ok(tally)
}

/// Waits for every end-state event and every text message, as long as is reasonable.
async fn notifications(
    connection: &Connection,
    http: &reqwest::Client,
    plan: &[PlannedOrder],
    stored: &HashMap<String, Order>,
    observer: &Observer,
    progress: Progress,
) -> Result<(Told, Texts), DemoError> {
    let step = progress.counted("Collecting notifications", stored.len() as u64);
    let deadline = Instant::now() + follow::patience(stored.len()) / 2;
    let mut told = Told::new();
    observer
        .collect(&mut told, deadline.saturating_duration_since(Instant::now()), |told| {
            let complete = stored.iter().filter(|(id, order)| {
                let copies: usize = told.get(*id).map_or(0, |told| told.values().sum());
                copies >= tally::deliveries(order.status)
            });
            let complete = complete.count();
            step.done(complete as u64);
            complete == stored.len()
        })
        .await?;
    let texts = loop {
        let texts = Texts::read(http, connection).await?;
        let missing = plan
            .iter()
            .filter(|planned| stored.contains_key(&planned.order_id))
            .any(|planned| planned.text_to.as_ref().is_some_and(|number| texts.about(number, &planned.order_id) == 0));
        if !missing || Instant::now() >= deadline {
            break texts;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    };
    step.finish(&format!("{} orders were told of", told.len()));
    Ok((told, texts))
}

/// Everything that was seen, order by order.
fn gather(
    plan: &[PlannedOrder],
    mut sent: HashMap<String, Sent>,
    stored: &HashMap<String, Order>,
    told: &Told,
    texts: &Texts,
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
            order: stored.get(id).cloned(),
            told: told.get(id).cloned().unwrap_or_default(),
            texts: texts.about(number, id),
            charges: payments.map_or(0, |payments| payments.charges),
            held: payments.map_or(0, |payments| payments.totals.held),
        }
    };
    let observed: Vec<Observed> = plan.iter().map(observed).collect();
    plan.iter().cloned().zip(observed).collect()
}
