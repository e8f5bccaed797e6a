//! `orderctl replay`

use crate::replay::{Options, Outcome as Replayed, Window, Windows, parse_time, replay};
use clap::Args;
use order_domain::id::OrderId;
use order_domain::time::Timestamp;
use terminal::cancel::Cancel;
use terminal::progress::Progress;

use super::place::Place;
use terminal::outcome::{Failure, Outcome};

const AFTER_HELP: &str = "\
Reads events from the orders table and sends them to the notify function, as the table's stream does. Each notification is \
recorded, so nobody is notified twice: it is safe to repeat a replay, to stop it, and to run it beside the stream. Without \
--order it scans the whole table, which costs read capacity.

Exit codes: 0 every event is published; 1 some are not (fix the cause and repeat it); 2 it could not run; 130 stopped by \
Ctrl-C after the current batch.

Examples:
  orderctl replay --since 2h --dry-run
  orderctl replay --since 2026-11-27T08:00:00Z --until 2026-11-27T08:20:00Z
  orderctl replay --order ord-4711 --suffix prod";

/// Maximum failed events to print; `--json` prints all.
const NAMED: usize = 20;

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Replay {
    /// Start of the time range: RFC 3339 (2026-11-27T08:00:00Z), or an age (90s, 30m, 2h, 1d)
    #[arg(long, value_name = "TIME", required_unless_present = "order")]
    since: Option<String>,
    /// End of the time range [default: now]
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only this order's events
    #[arg(long, value_name = "ID", value_parser = |text: &str| OrderId::new(text))]
    order: Option<OrderId>,
    /// Count the events and publish none
    #[arg(long)]
    dry_run: bool,
    /// Maximum events per second
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    rate: u32,
    /// Print the outcome as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

impl Replay {
    pub async fn run(self, cancel: &Cancel) -> Result<Outcome, Failure> {
        let now = Timestamp::now();
        let since = match &self.since {
            Some(text) => parse_time(text, now)?,
            None => Timestamp::from_unix_milliseconds(0)?,
        };
        let until = self.until.as_deref().map_or(Ok(now), |text| parse_time(text, now))?;
        let windows = Windows::from(Window::new(since, until)?);
        let deployed = self.place.reach().await?;
        let options = Options { windows, order: self.order, dry_run: self.dry_run, rate: self.rate };
        let outcome = replay(&deployed, &options, Progress::detect(), cancel).await?;
        if self.json {
            println!("{}", serde_json::to_string(&outcome)?);
        } else {
            print_for_people(&outcome, self.dry_run);
        }
        Ok(match outcome {
            _ if outcome.interrupted => Outcome::Interrupted,
            _ if outcome.is_complete() => Outcome::Well,
            _ => Outcome::Failed,
        })
    }
}

fn print_for_people(outcome: &Replayed, dry_run: bool) {
    for (event_type, count) in &outcome.found {
        println!("{count:>8}  {event_type}");
    }
    if dry_run {
        println!("{} events would be replayed.", outcome.events());
        return;
    }
    println!("{} events published, {} not published.", outcome.done, outcome.failed.len());
    for event in outcome.failed.iter().take(NAMED) {
        println!("  not published: {} event {}", event.order_id, event.sequence);
    }
    if outcome.failed.len() > NAMED {
        println!("  and {} more (--json lists all)", outcome.failed.len() - NAMED);
    }
    if let Some(reason) = &outcome.reason {
        println!("Last error: {reason}");
    }
    if outcome.aborted {
        println!(
            "Aborted: several batches in a row failed completely. Fix the cause, then run the same command again."
        );
    }
    if outcome.interrupted {
        println!("Stopped before the end. Run the same command again; nobody is notified twice.");
    }
}
