//! Terratest-style tests: real Terraform applies the pipeline to the emulator, the tests use it as its users do, and it
//! is destroyed after the last test, also when tests fail or panic.
//!
//! Every test works with orders, customers and SKUs of its own, so all of them run at once in one environment. A test
//! that breaks something on purpose takes the environment for itself: see [`shop::Shop::alone`].

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod aged;
mod cases;
mod customers;
mod gateway;
mod observer;
mod order;
mod outbox;
mod permissions;
mod shop;
mod wait;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use local::environment::{UpOptions, with_environment};
use terminal::cancel::Cancel;
use terminal::progress::Progress;

use shop::Shop;

/// Tests mostly wait for the pipeline, so more of them run at once than there are cores.
const AT_ONCE: usize = 16;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(AT_ONCE);
    let wanted = |name: &str| {
        let matches = |filter: &String| if arguments.exact { name == filter } else { name.contains(filter) };
        arguments.filter.as_ref().is_none_or(matches) && !arguments.skip.iter().any(matches)
    };
    let selected = cases::all().iter().filter(|case| wanted(case.name)).count();
    if arguments.list || selected == 0 {
        // Nothing to run: no environment is needed to say so.
        let trials = cases::all().into_iter().map(|case| Trial::test(case.name, || Ok(()))).collect();
        return libtest_mimic::run(&arguments, trials).exit_code();
    }
    let runtime = tokio::runtime::Runtime::new().expect("a Tokio runtime");
    match runtime.block_on(run(arguments)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {}", order_handlers::failure::chain(&error));
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<ExitCode, local::environment::EnvironmentError> {
    let all = arguments.filter.is_none() && arguments.skip.is_empty();
    let mut options = UpOptions::local(format!("tests-{}", std::process::id()));
    options.progress = Progress::detect();
    options.cancel = Cancel::on_signals().expect("signal handlers");
    let finished = with_environment(options, async |environment| {
        let shop = Arc::new(Shop::open(environment).await);
        let handle = tokio::runtime::Handle::current();
        let trials = cases::all().into_iter().map(|case| {
            let (shop, handle) = (Arc::clone(&shop), handle.clone());
            Trial::test(case.name, move || {
                handle.block_on((case.run)(shop));
                Ok(())
            })
        });
        let trials = trials.collect();
        let used = tokio::task::spawn_blocking(move || libtest_mimic::run(&arguments, trials)).await;
        let outbox = outbox::each_event_was_published_once_by_each_of_its_topics(&shop).await;
        let customers = customers::nobody_was_sent_anything_twice(&shop, all).await;
        shop.close().await;
        (used, outbox, customers, shop.second_plan(environment).await)
    })
    .await?;
    let (used, outbox, customers, second_plan) = finished.value;
    let left_behind = finished.destroyed.left_behind;
    // These can only be judged after all others.
    let last = vec![
        Trial::test("each_event_was_published_once_by_each_of_its_topics", || outbox.map_err(Failed::from)),
        Trial::test("nobody_was_sent_anything_twice", || customers.map_err(Failed::from)),
        Trial::test("a_second_plan_shows_no_change_but_the_listed_differences_of_the_emulator", || {
            second_plan.map_err(Failed::from)
        }),
        Trial::test("destroy_leaves_nothing", move || {
            if left_behind.is_empty() { Ok(()) } else { Err(Failed::from(format!("left behind: {left_behind:?}"))) }
        }),
    ];
    let last = libtest_mimic::run(&Arguments::default(), last);
    let good = used.is_ok_and(|used| !used.has_failed()) && !last.has_failed();
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
