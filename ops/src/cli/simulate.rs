//! `cargo ops simulate`

use std::num::NonZeroUsize;
use std::time::Duration;

use clap::Args;
use local::environment::EnvironmentError;
use order_simulation::{FaultProfile, Plan, Report, Shortest, Statistics, run_many, shrink};
use serde_json::json;
use terminal::cancel::Cancel;
use terminal::progress::Progress;

use terminal::outcome::{Failure, Outcome};

/// Runs that search for a shorter story: some seconds.
const ATTEMPTS: u32 = 1_500;
/// Lines of a story in the text output; `--json` has the whole story.
const LINES: usize = 120;

const HELP: &str = "\
The real stages run over a simulated AWS and payment gateway. The seed decides every order, every interleaving and every
fault, so that the same command tells the same story on every machine. docs/simulation.md says what is simulated.

Faults: none, light, heavy, or a list of crash, lost-answer, throttle, conflict, duplicate, delay, reorder, poison, outage,
early-expiry, skew, panic, saved-failure, forgery, unreadable, aws-outage, partial-read, lost-webhook, refund-returned,
stocktaking, clock-jump.

Exit codes: 0 every invariant held; 1 one broke, and the shortest story of it is printed; 2 wrong usage.

Examples:
  cargo ops simulate --seed 7 --orders 100              one run, replayed exactly
  cargo ops simulate --runs 1000                        a hundred thousand orders, from seed 1 on
  cargo ops simulate --runs 500 --faults crash,outage   only these faults";

#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub struct Simulate {
    /// The run's seed; with several runs, the first one's
    #[arg(long, default_value_t = 1, value_name = "NUMBER")]
    seed: u64,
    /// Orders that are placed in each run
    #[arg(long, default_value_t = 100, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    orders: u32,
    /// How many runs, each with the next seed
    #[arg(long, default_value_t = 1, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    runs: u64,
    /// What may go wrong: none, light, heavy, or a list of kinds (see --help)
    #[arg(long, default_value = "heavy", value_name = "FAULTS")]
    faults: FaultProfile,
    /// How many runs at the same time; the number of processors by default
    #[arg(long, value_name = "NUMBER")]
    threads: Option<NonZeroUsize>,
    /// Print the whole story of a single run
    #[arg(long, conflicts_with = "json")]
    story: bool,
    /// Print one JSON document on standard output
    #[arg(long)]
    json: bool,
}

/// A broken invariant and its report.
struct Told {
    plan: Plan,
    violation: String,
    shortest: Shortest,
}

impl Simulate {
    pub async fn run(self, cancel: &Cancel) -> Result<Outcome, Failure> {
        let cancel = cancel.clone();
        // Each run has a runtime of its own, which cannot begin inside this one.
        tokio::task::spawn_blocking(move || self.simulate(&cancel)).await?
    }

    fn simulate(self, cancel: &Cancel) -> Result<Outcome, Failure> {
        let first = Plan::new(self.seed, self.orders, self.faults.clone());
        let threads = self.threads.or_else(|| std::thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN);
        let progress = if self.runs > 1 { Progress::detect() } else { Progress::silent() };
        let step = progress.counted(format!("Simulating {} runs of {} orders", self.runs, self.orders), self.runs);
        let report = run_many(&first, self.runs, threads, |done| {
            step.done(done);
            !cancel.is_cancelled()
        })?;
        if cancel.is_cancelled() {
            return Err(EnvironmentError::Cancelled.into());
        }
        step.finish(&format!("{} orders", report.statistics.orders));
        if self.story && self.runs == 1 {
            let story = order_simulation::run(&first.clone().with_story())?.story.unwrap_or_default();
            print!("{story}");
        }
        let told = self.tell(&first, &report, progress)?;
        if self.json {
            print_json(&report, told.as_ref())
        } else {
            print_text(&report, told.as_ref())
        }
        Ok(if told.is_none() { Outcome::Well } else { Outcome::Failed })
    }

    /// The shortest story of the first invariant that broke.
    fn tell(&self, first: &Plan, report: &Report, progress: Progress) -> Result<Option<Told>, Failure> {
        let Some(broken) = report.broken.first() else { return Ok(None) };
        let Some(violation) = broken.violations.first() else { return Ok(None) };
        let plan = Plan { seed: broken.seed, ..first.clone() };
        let step = progress.step("Looking for the shortest story");
        let shortest = shrink(&plan, violation, ATTEMPTS)?;
        step.finish(&format!("{} orders, after {} runs", shortest.plan.orders, shortest.attempts));
        Ok(Some(Told { plan, violation: violation.to_string(), shortest }))
    }
}

fn print_json(report: &Report, told: Option<&Told>) {
    let told = told.map(|told| {
        json!({
            "command": told.plan.command(),
            "violation": told.violation,
            "shortest": {
                "command": told.shortest.plan.command(),
                "violation": told.shortest.violation,
                "story": told.shortest.story,
            },
        })
    });
    let document = json!({
        "ok": report.broken.is_empty(),
        "runs": report.runs,
        "statistics": report.statistics,
        "broken": report.broken,
        "first": told,
    });
    println!("{document}");
}

fn print_text(report: &Report, told: Option<&Told>) {
    print_statistics(report.runs, &report.statistics);
    let Some(told) = told else {
        println!("\nEvery invariant held.");
        return;
    };
    println!("\nAn invariant broke in {} of {} runs:", report.broken.len(), report.runs);
    println!("  {}", told.violation);
    println!("  replay: {}", told.plan.command());
    let shortest = &told.shortest;
    println!("\nThe shortest story that breaks it: {}", shortest.violation);
    println!("  replay: {} --story\n", shortest.plan.command());
    let lines = &shortest.story.lines;
    for line in lines.iter().take(LINES) {
        println!("{line}");
    }
    if lines.len() > LINES {
        println!("... and {} lines more", lines.len() - LINES);
    }
}

fn print_statistics(runs: u64, counted: &Statistics) {
    let list = |counts: &std::collections::BTreeMap<&'static str, u64>| {
        let counts: Vec<String> = counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
        if counts.is_empty() { "none".to_owned() } else { counts.join(", ") }
    };
    let days = Duration::from_secs(counted.virtual_seconds).as_secs_f64() / 86_400.0;
    println!("runs           {runs}, {days:.1} days of simulated time");
    println!("orders         {}", counted.orders);
    println!("  ended        {}", list(&counted.ended));
    println!("invocations    {}", counted.invocations);
    println!("deliveries     {}, {} of them again", counted.deliveries, counted.redeliveries);
    println!("events         {}", counted.events);
    println!("notifications  {} ({})", counted.notifications, list(&counted.notified));
    println!("re-queued      {} times, by the reconciler", counted.requeued);
    println!("dead-lettered  {}", list(&counted.dead_letters));
    println!("faults         {}", list(&counted.faults));
    if !counted.authorisations_left.is_empty() {
        println!("not voided     {} (docs/simulation.md)", list(&counted.authorisations_left));
    }
}

#[cfg(test)]
mod tests {
    use order_simulation::FaultKind;

    use super::*;

    #[test]
    fn the_help_names_every_fault() {
        let help = HELP.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(FaultKind::ALL.iter().all(|kind| help.contains(kind.name())), "{help}");
    }
}
