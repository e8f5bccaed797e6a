//! Replays events from the table.

use order_domain::id::OrderId;
use orderctl::replay::{EventId, Options, Outcome, Window, Windows, replay};
use terminal::cancel::Cancel;
use terminal::progress::Progress;

use crate::pipeline::Pipeline;

fn windows(since: &str, until: &str) -> Windows {
    Windows::from(Window::new(since.parse().unwrap(), until.parse().unwrap()).unwrap())
}

fn morning() -> Options {
    let windows = windows("2026-11-20T08:00:00Z", "2026-11-20T09:00:00Z");
    Options { windows, order: None, dry_run: false, rate: 1000 }
}

async fn run(pipeline: &Pipeline, options: &Options) -> Outcome {
    replay(&pipeline.deployed, options, Progress::silent(), &Cancel::new()).await.unwrap()
}

#[tokio::test]
async fn the_events_in_the_window_are_sent_to_notify_sorted_by_order() {
    let pipeline = Pipeline::start().await;
    pipeline.deploy_notify().await;
    pipeline.store_event("ord-2", 1, "2026-11-20T08:00:00Z", "m").await;
    pipeline.store_event("ord-1", 2, "2026-11-20T09:00:00Z", "m").await;
    pipeline.store_event("ord-1", 1, "2026-11-20T08:30:00Z", "m").await;
    pipeline.store_event("ord-1", 3, "2026-11-20T09:00:00.001Z", "m").await;
    pipeline.store_event("ord-3", 1, "2026-11-20T07:59:59.999Z", "m").await;

    let counted = run(&pipeline, &Options { dry_run: true, ..morning() }).await;
    assert_eq!((counted.found["ORDER_CONFIRMED"], counted.done), (3, 0));
    assert!(pipeline.handed_over().is_empty());

    let outcome = run(&pipeline, &morning()).await;
    assert_eq!((outcome.done, outcome.is_complete()), (3, true), "{outcome:?}");
    assert_eq!(pipeline.handed_over(), [["ord-1:1", "ord-1:2", "ord-2:1"]]);

    let order = Some(OrderId::new("ord-1").unwrap());
    assert_eq!(run(&pipeline, &Options { order, ..morning() }).await.done, 2);
    assert_eq!(pipeline.handed_over()[1], ["ord-1:1", "ord-1:2"]);
    pipeline.stop().await;
}

#[tokio::test]
async fn events_that_notify_cannot_publish_are_reported() {
    let pipeline = Pipeline::start().await;
    pipeline.deploy_notify().await;
    for (sequence, cause) in [(1, "m"), (2, "fail"), (3, "m")] {
        pipeline.store_event("ord-1", sequence, "2026-11-20T08:30:00Z", cause).await;
    }
    let outcome = run(&pipeline, &morning()).await;
    let failed: Vec<_> = outcome.failed.iter().cloned().collect();
    assert_eq!(failed, [EventId { order_id: "ord-1".into(), sequence: 2 }]);
    assert_eq!((outcome.done, outcome.is_complete()), (2, false));
    pipeline.stop().await;
}

#[tokio::test]
async fn a_replay_aborts_when_the_function_always_fails() {
    let pipeline = Pipeline::start().await;
    pipeline.deploy_notify().await;
    for sequence in 1..=10 {
        pipeline.store_event("ord-1", sequence, "2026-11-20T08:30:00Z", "crash").await;
    }
    let outcome = run(&pipeline, &Options { rate: 1, ..morning() }).await;
    assert!(outcome.aborted && outcome.done == 0, "{outcome:?}");
    assert_eq!((pipeline.handed_over().len(), outcome.failed.len()), (3, 3));
    assert!(outcome.reason.unwrap().contains("it crashed"));
    pipeline.stop().await;
}

#[tokio::test]
async fn a_missing_function_is_an_error_with_its_name() {
    let pipeline = Pipeline::start().await;
    pipeline.store_event("ord-1", 1, "2026-11-20T08:30:00Z", "m").await;
    let error = replay(&pipeline.deployed, &morning(), Progress::silent(), &Cancel::new()).await.unwrap_err();
    let text = order_handlers::failure::chain(&error);
    assert!(text.contains("notify-function-local") && text.contains("404"), "{text}");
    pipeline.stop().await;
}
