//! Redriving what Lambda gave up of the table's stream.

use orderctl::dead_letters::{Action, Filter, Method, Options, Redriven, find, redrive};
use serde_json::json;
use terminal::cancel::Cancel;
use terminal::progress::Progress;

use crate::pipeline::Pipeline;

async fn run(pipeline: &Pipeline) -> Redriven {
    let queue = find(&pipeline.deployed, "notify-dlq").await.unwrap();
    let options = Options {
        action: Action::Redrive,
        filter: Filter::default(),
        dry_run: false,
        rate: 500,
        by: "the tester".into(),
    };
    redrive(&pipeline.deployed, &queue, &options, Progress::silent(), &Cancel::new()).await.unwrap()
}

/// Lambda's document about a batch that it gave up.
fn given_up(first: &str, last: &str) -> String {
    json!({
        "requestContext": { "requestId": "r", "functionArn": "arn", "condition": "RetryAttemptsExhausted" },
        "responseContext": { "statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled" },
        "version": "1.0",
        "timestamp": last,
        "DDBStreamBatchInfo": {
            "shardId": "shardId-1", "startSequenceNumber": "1", "endSequenceNumber": "2",
            "approximateArrivalOfFirstRecord": first, "approximateArrivalOfLastRecord": last,
            "batchSize": 2, "streamArn": "arn",
        },
    })
    .to_string()
}

#[tokio::test]
async fn the_events_of_their_time_are_told_and_the_letters_are_gone() {
    let pipeline = Pipeline::start().await;
    pipeline.deploy_notify().await;
    pipeline.store_event("ord-1", 1, "2026-11-20T08:00:30Z", "m").await;
    pipeline.store_event("ord-2", 1, "2026-11-20T08:10:59Z", "m").await;
    pipeline.store_event("ord-3", 1, "2026-11-20T08:20:00Z", "m").await;
    // The two overlap, with the minute on each side: their events are told once.
    pipeline.send("notify-dlq", &given_up("2026-11-20T08:01:00Z", "2026-11-20T08:05:00Z"), &[]).await;
    pipeline.send("notify-dlq", &given_up("2026-11-20T08:05:00Z", "2026-11-20T08:10:00Z"), &[]).await;
    let redriven = run(&pipeline).await;
    assert_eq!((redriven.moved, redriven.method, redriven.events_told), (2, Method::Replay, Some(2)), "{redriven:?}");
    assert_eq!(pipeline.handed_over(), [["ord-1:1", "ord-2:1"]]);
    assert_eq!(pipeline.visible("notify-dlq").await + pipeline.held("notify-dlq").await, 0);
    assert_eq!(pipeline.audit(&redriven.redrive_id.unwrap()).await.len(), 2);
    pipeline.stop().await;
}

#[tokio::test]
async fn letters_whose_events_could_not_be_told_stay() {
    let pipeline = Pipeline::start().await;
    pipeline.deploy_notify().await;
    pipeline.store_event("ord-1", 1, "2026-11-20T08:01:00Z", "fail").await;
    pipeline.send("notify-dlq", &given_up("2026-11-20T08:01:00Z", "2026-11-20T08:01:00Z"), &[]).await;
    pipeline.send("notify-dlq", "no document of Lambda's", &[]).await;
    let redriven = run(&pipeline).await;
    assert_eq!((redriven.moved, redriven.failed), (0, 2), "{redriven:?}");
    assert!(!redriven.is_complete() && redriven.problem.is_some());
    assert_eq!(pipeline.visible("notify-dlq").await, 2);
    pipeline.stop().await;
}

#[tokio::test]
async fn a_record_that_was_no_event_is_looked_for_by_its_order_when_a_replay_had_handed_it_over() {
    let pipeline = Pipeline::start().await;
    pipeline.deploy_notify().await;
    pipeline.store_event("ord-1", 1, "2025-01-01T08:00:00Z", "m").await;
    pipeline.store_event("ord-2", 1, "2025-01-01T08:00:00Z", "m").await;
    pipeline.send("notify-dlq", r#"{"sequenceNumber":"replay:ord-1:1"}"#, &[("reason", "NOT_AN_EVENT")]).await;
    let redriven = run(&pipeline).await;
    assert_eq!((redriven.moved, redriven.reasons["NOT_AN_EVENT"]), (1, 1), "{redriven:?}");
    assert_eq!(pipeline.handed_over(), [["ord-1:1"]]);
    pipeline.stop().await;
}
