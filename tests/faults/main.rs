//! Real faults on the emulator while orders flow: function processes are killed, AWS and the payment gateway fail, are slow,
//! lose their answers and go away, and the emulator itself is stopped and started again. After each, every order has to be
//! accounted for: see [`account`].
//!
//! Faults are everybody's, so the scenarios run one after the other, in an environment of their own. It is destroyed after
//! the last, whatever became of them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod account;
mod customers;
mod flow;
mod listener;
#[path = "../pipeline/observer.rs"]
mod observer;
#[path = "../pipeline/order.rs"]
mod order;
mod orders;
#[path = "../pipeline/permissions.rs"]
mod permissions;
mod proxies;
mod scenarios;
#[path = "../pipeline/shop.rs"]
#[allow(dead_code, reason = "the shop is the other tests' too, and these need a part of it")]
mod shop;
#[path = "../pipeline/wait.rs"]
mod wait;
mod world;

use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use libtest_mimic::{Arguments, Failed, Trial};
use local::environment::{EnvironmentError, UpOptions, with_environment};
use terminal::cancel::Cancel;
use terminal::progress::Progress;
use tokio::time::{Instant, timeout_at};

use proxies::Proxies;
use scenarios::Scenario;
use world::World;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let wanted = |name: &str| {
        let matches = |filter: &String| if arguments.exact { name == filter } else { name.contains(filter) };
        arguments.filter.as_ref().is_none_or(matches) && !arguments.skip.iter().any(matches)
    };
    let (selected, others): (Vec<Scenario>, Vec<Scenario>) =
        scenarios::all().into_iter().partition(|scenario| !arguments.ignored && wanted(scenario.name));
    if arguments.list || selected.is_empty() {
        // Nothing to run: no environment is needed to say so.
        let trials = selected.iter().chain(&others).map(|scenario| Trial::test(scenario.name, || Ok(())));
        return libtest_mimic::run(&arguments, trials.collect()).exit_code();
    }
    let runtime = tokio::runtime::Runtime::new().expect("a Tokio runtime");
    match runtime.block_on(run(selected)) {
        // A filter was applied already: what ran is reported whatever it asks for.
        Ok(trials) => libtest_mimic::run(&Arguments::default(), trials).exit_code(),
        Err(error) => {
            eprintln!("error: {}", order_handlers::failure::chain(&error));
            ExitCode::FAILURE
        }
    }
}

/// Longest time for all of them, three times what they take on a quiet machine of two cores: where something is wrong, each of them
/// may wait for long, and somebody waits for the answer.
const AT_MOST: Duration = Duration::from_secs(40 * 60);

/// Runs the scenarios in one environment; what became of each, and of the environment.
async fn run(scenarios: Vec<Scenario>) -> Result<Vec<Trial>, EnvironmentError> {
    let proxies = Arc::new(Proxies::start().await.expect("two free ports on the loopback address"));
    let mut options =
        UpOptions::local(format!("faults-{}", std::process::id())).with_restarts().with_detour(proxies.clone());
    options.progress = Progress::detect();
    options.cancel = Cancel::on_signals().expect("signal handlers");
    let finished = with_environment(options, async |environment| {
        let world = World::open(environment, proxies).await;
        let (mut outcomes, end) = (Vec::new(), Instant::now() + AT_MOST);
        for Scenario { name, run, .. } in scenarios {
            let outcome = match timeout_at(end, AssertUnwindSafe(run(&world)).catch_unwind()).await {
                Ok(Ok(())) => Ok(()),
                // The panic's message was printed when it happened.
                Ok(Err(_)) => Err("see above"),
                Err(_) => Err("there was no time left for it: see which scenario before it took so long"),
            };
            world.repair().await;
            outcomes.push((name, outcome));
        }
        world.close().await;
        outcomes
    })
    .await?;
    let left_behind = finished.destroyed.left_behind;
    let trials =
        finished.value.into_iter().map(|(name, outcome)| Trial::test(name, move || outcome.map_err(Failed::from)));
    let destroyed = Trial::test("destroy_leaves_nothing", move || {
        if left_behind.is_empty() { Ok(()) } else { Err(Failed::from(format!("left behind: {left_behind:?}"))) }
    });
    Ok(trials.chain([destroyed]).collect())
}
