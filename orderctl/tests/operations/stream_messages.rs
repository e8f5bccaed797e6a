//! Redrives stream records that Lambda could not process.

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

/// Lambda's document about a batch that it could not process.
fn failed_batch(first: &str, last: &str) -> String {
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
async fn the_events_in_the_time_ranges_are_published_and_the_messages_are_deleted() {
    let pipeline = Pipeline::start().await;
    pipeline.deploy_notify().await;
    pipeline.store_event("ord-1", 1, "2026-11-20T08:00:30Z", "m").await;
    pipeline.store_event("ord-2", 1, "2026-11-20T08:10:59Z", "m").await;
    pipeline.store_event("ord-3", 1, "2026-11-20T08:20:00Z", "m").await;
    // With the minute on each side the two overlap: their events are published once.
    pipeline.send("notify-dlq", &failed_batch("2026-11-20T08:01:00Z", "2026-11-20T08:05:00Z"), &[]).await;
    pipeline.send("notify-dlq", &failed_batch("2026-11-20T08:05:00Z", "2026-11-20T08:10:00Z"), &[]).await;
    let redriven = run(&pipeline).await;
    assert_eq!(
        (redriven.moved, redriven.method, redriven.events_published),
        (2, Method::Replay, Some(2)),
        "{redriven:?}"
    );
    assert_eq!(pipeline.handed_over(), [["ord-1:1", "ord-2:1"]]);
    assert_eq!(pipeline.visible("notify-dlq").await + pipeline.held("notify-dlq").await, 0);
    assert_eq!(pipeline.audit(&redriven.redrive_id.unwrap()).await.len(), 2);
    pipeline.stop().await;
}

#[tokio::test]
async fn messages_stay_if_their_events_are_not_published() {
    let pipeline = Pipeline::start().await;
    pipeline.deploy_notify().await;
    pipeline.store_event("ord-1", 1, "2026-11-20T08:01:00Z", "fail").await;
    pipeline.send("notify-dlq", &failed_batch("2026-11-20T08:01:00Z", "2026-11-20T08:01:00Z"), &[]).await;
    pipeline.send("notify-dlq", "no document of Lambda's", &[]).await;
    let redriven = run(&pipeline).await;
    assert_eq!((redriven.moved, redriven.failed), (0, 2), "{redriven:?}");
    assert!(!redriven.is_complete() && redriven.problem.is_some());
    assert_eq!(pipeline.visible("notify-dlq").await, 2);
    pipeline.stop().await;
}

#[tokio::test]
async fn an_unreadable_replayed_record_is_redriven_by_its_order() {
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
