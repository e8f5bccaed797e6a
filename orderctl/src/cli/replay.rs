//! `cargo ops replay`

use crate::replay::{Options, Outcome as Replayed, Window, Windows, moment, replay};
use clap::Args;
use order_domain::id::OrderId;
use order_domain::time::Timestamp;
use terminal::cancel::Cancel;
use terminal::progress::Progress;

use super::place::Place;
use terminal::outcome::{Failure, Outcome};

const AFTER_HELP: &str = "\
Reads the events from the orders table and hands them to the notify function, as the table's stream does. What was told
already is on record and tells nobody twice, so a replay can be repeated, stopped and run beside the stream. It reads the
whole table, which costs read capacity, unless --order names one order.

Exit codes: 0 every event is told; 1 some are not (run it again once the reason is mended); 2 it could not run;
130 stopped by Ctrl-C after the batch at hand.

Examples:
  cargo ops replay --since 2h --dry-run
  cargo ops replay --since 2026-11-27T08:00:00Z --until 2026-11-27T08:20:00Z
  cargo ops replay --order ord-4711 --suffix prod";

/// How many failed events are named on a terminal; `--json` names all.
const NAMED: usize = 20;

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Replay {
    /// Events from this time on: RFC 3339 (2026-11-27T08:00:00Z), or how long ago (90s, 30m, 2h, 1d)
    #[arg(long, value_name = "TIME", required_unless_present = "order")]
    since: Option<String>,
    /// Events up to this time; now, where it is not given
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only this order's events
    #[arg(long, value_name = "ID", value_parser = |text: &str| OrderId::new(text))]
    order: Option<OrderId>,
    /// Only count the events
    #[arg(long)]
    dry_run: bool,
    /// Events a second, at most
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
            Some(text) => moment(text, now)?,
            None => Timestamp::from_unix_milliseconds(0)?,
        };
        let until = self.until.as_deref().map_or(Ok(now), |text| moment(text, now))?;
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
    println!("{} events handed over and told, {} not told.", outcome.done, outcome.failed.len());
    for event in outcome.failed.iter().take(NAMED) {
        println!("  not told: {} event {}", event.order_id, event.sequence);
    }
    if outcome.failed.len() > NAMED {
        println!("  and {} more (--json names all)", outcome.failed.len() - NAMED);
    }
    if let Some(reason) = &outcome.reason {
        println!("The last reason: {reason}");
    }
    if outcome.given_up {
        println!(
            "Given up: nothing of the last batches could be told. Mend the reason, and run the same command again."
        );
    }
    if outcome.interrupted {
        println!("Stopped before the end. Run the same command again: what was told is not told twice.");
    }
}
