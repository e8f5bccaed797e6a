//! The answer to a batch: what is done is not given back, what is not done is never lost, and Lambda understands every name.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

#[allow(dead_code, reason = "the stages' tests use the rest of it")]
mod memory;

use std::time::Duration;

use aws_lambda_events::dynamodb::Event as StreamEvent;
use aws_lambda_events::sqs::SqsEvent;
use memory::{Fault, POLICY, Shop, body, delivery};
use order_contract::metric;
use order_domain::order::OrderStatus;
use order_domain::time::Timestamp;
use order_handlers::batch::{Delivery, settle};
use order_handlers::channels::Channels;
use order_handlers::consumer::StageContext;
use order_handlers::failure::{DeadLetterReason, Failure};
use order_handlers::lambda::{WholeBatch, queue, stream};
use order_handlers::ports::Signed;
use order_handlers::stages::notify::{Notify, Record};
use order_handlers::stages::validate::Validate;
use serde_json::{Value, json};

async fn validate(shop: &Shop, batch: &[Delivery]) -> Vec<String> {
    Validate { context: StageContext { database: shop, queue: shop, runtime: shop, policy: POLICY } }.run(batch).await
}

fn placed(count: usize) -> Vec<Delivery> {
    (1..=count).map(|n| delivery(&format!("m-{n}"), body(&format!("ord-{n}"), "TEA", 1))).collect()
}

fn status(shop: &Shop, id: &str) -> OrderStatus {
    shop.order(id).status
}

/// The answer as Lambda reads it.
fn answer(batch: &[Delivery], failed: Vec<String>) -> Result<Value, WholeBatch> {
    queue::response(batch, failed).map(|response| serde_json::to_value(response).unwrap())
}

#[tokio::test]
async fn a_batch_that_is_done_is_answered_with_an_empty_list() {
    let shop = Shop::with("TEA", &[50]);
    for size in [0, 1, 10] {
        let batch = placed(size);
        let failed = validate(&shop, &batch).await;
        assert_eq!(
            serde_json::to_string(&queue::response(&batch, failed).unwrap()).unwrap(),
            r#"{"batchItemFailures":[]}"#
        );
    }
}

#[tokio::test]
async fn a_batch_of_one_that_fails_is_given_back_by_its_name() {
    let shop = Shop::with("TEA", &[5]);
    shop.fail(Fault::Commit, None);
    let batch = placed(1);
    let failed = validate(&shop, &batch).await;
    assert_eq!(answer(&batch, failed), Ok(json!({ "batchItemFailures": [{ "itemIdentifier": "m-1" }] })));
}

#[tokio::test]
async fn when_all_fail_each_is_named_and_waits_for_itself() {
    for size in [2, 10] {
        let shop = Shop::with("TEA", &[50]);
        (0..size).for_each(|_| shop.fail(Fault::Commit, None));
        let batch = placed(size);
        let failed = validate(&shop, &batch).await;
        let names: Vec<String> = batch.iter().map(|delivery| delivery.message_id.clone()).collect();
        assert_eq!(failed, names);
        assert_eq!(shop.postponed.lock().unwrap().len(), size);
        assert_eq!(answer(&batch, failed).unwrap()["batchItemFailures"].as_array().unwrap().len(), size);
    }
}

#[tokio::test]
async fn one_that_panics_is_given_back_and_every_other_is_done() {
    let shop = Shop::with("TEA", &[50]);
    shop.fail(Fault::Panic, Some("ord-4"));
    assert_eq!(validate(&shop, &placed(10)).await, ["m-4"]);
    let done = (1..=10).filter(|n| *n != 4).all(|n| status(&shop, &format!("ord-{n}")) == OrderStatus::Validated);
    assert!(done);
}

#[tokio::test(start_paused = true)]
async fn one_that_hangs_past_the_functions_time_is_given_back_alone() {
    let shop = Shop::with("TEA", &[50]);
    shop.fail(Fault::Hang, Some("ord-2"));
    let began = tokio::time::Instant::now();
    assert_eq!(validate(&shop, &placed(3)).await, ["m-2"]);
    assert_eq!(began.elapsed(), Duration::from_secs(50), "as long as the invocation had");
    assert_eq!([status(&shop, "ord-1"), status(&shop, "ord-3")], [OrderStatus::Validated; 2]);
    assert_eq!(shop.forwarded.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn what_a_stage_did_not_answer_for_is_given_back() {
    let shop = Shop::open();
    let batch = placed(4);
    let unclear = || Err(Failure::transient_because("unclear"));
    for (results, given_back) in [
        (vec![], vec!["m-1", "m-2", "m-3", "m-4"]),
        (vec![Ok(())], vec!["m-2", "m-3", "m-4"]),
        (vec![Ok(()), unclear()], vec!["m-2", "m-3", "m-4"]),
        (vec![Ok(()), Ok(()), Ok(()), Ok(()), unclear()], vec![]),
    ] {
        assert_eq!(settle(&&shop, &&shop, POLICY, &batch, results).await, given_back);
    }
}

#[test]
fn every_name_of_an_answer_is_one_of_the_batch() {
    let mut batch = placed(2);
    batch.push(delivery("", "came without an id"));
    let named = json!({ "batchItemFailures": [{ "itemIdentifier": "m-2" }] });
    assert_eq!(answer(&batch, vec!["m-2".into()]), Ok(named));
    // Lambda takes an unknown or an empty name for the failure of all, and what is not named for done.
    for failed in [vec![""], vec!["m-3"], vec!["m-1", ""], vec!["handle of m-1"]] {
        let failed: Vec<String> = failed.into_iter().map(str::to_owned).collect();
        assert_eq!(answer(&batch, failed.clone()), Err(WholeBatch), "{failed:?}");
    }
}

fn event(records: &[Value]) -> SqsEvent {
    serde_json::from_value(json!({ "Records": records })).unwrap()
}

/// A message as Lambda hands it over; without an id where it has none.
fn message(id: Option<&str>, body: &str) -> Value {
    let mut message = json!({
        "receiptHandle": "handle", "body": body, "messageAttributes": {},
        "attributes": { "ApproximateReceiveCount": "3", "SentTimestamp": "1764000000123" },
        "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-west-2:1:validate-queue", "awsRegion": "eu-west-2",
    });
    if let Some(id) = id {
        message["messageId"] = id.into();
    }
    message
}

#[tokio::test]
async fn a_message_without_an_id_is_worked_on_and_where_it_fails_the_whole_batch_comes_back() {
    let good = body("ord-1", "TEA", 1);
    let batch = queue::deliveries(event(&[message(None, &good), message(Some("m-2"), &body("ord-2", "TEA", 1))]));
    assert_eq!((batch[0].message_id.as_str(), batch[0].receive_count), ("", 3));
    let shop = Shop::with("TEA", &[5]);
    shop.fail(Fault::Commit, Some("ord-1"));
    let failed = validate(&shop, &batch).await;
    assert_eq!(answer(&batch, failed), Err(WholeBatch));
    // It comes again, with the other, which is not done twice.
    let failed = validate(&shop, &batch).await;
    assert_eq!(answer(&batch, failed), Ok(json!({ "batchItemFailures": [] })));
    assert_eq!((shop.history("ord-1").len(), shop.history("ord-2").len()), (1, 1));
}

#[tokio::test]
async fn a_message_without_an_id_that_can_never_succeed_is_a_dead_letter_like_any_other() {
    let batch = queue::deliveries(event(&[message(None, "no order"), message(None, "nor this")]));
    let shop = Shop::open();
    let failed = validate(&shop, &batch).await;
    assert_eq!(answer(&batch, failed), Ok(json!({ "batchItemFailures": [] })));
    assert_eq!(shop.buried.lock().unwrap().len(), 2);
}

#[test]
fn an_event_without_anything_in_it_is_an_empty_delivery() {
    let batch = queue::deliveries(event(&[json!({ "attributes": {}, "messageAttributes": {} })]));
    assert_eq!((batch[0].message_id.as_str(), batch[0].body.as_str(), batch[0].receive_count), ("", "", 1));
    assert!(queue::deliveries(event(&[])).is_empty());
}

#[test]
fn a_webhook_counts_as_accepted_when_it_was_sent_or_as_its_letter_says() {
    let text = |text: &str| json!({ "dataType": "String", "stringValue": text });
    let webhook = |attributes: Value| {
        let mut webhook = message(Some("m"), "{}");
        webhook["messageAttributes"] = attributes;
        queue::deliveries(event(&[webhook])).remove(0).signed
    };
    let signed = |milliseconds| {
        let accepted_at = Timestamp::from_unix_milliseconds(milliseconds).unwrap();
        Some(Signed { signature: "t=1,v1=ab".into(), accepted_at })
    };
    assert_eq!(webhook(json!({})), None);
    assert_eq!(webhook(json!({ "signature": text("t=1,v1=ab") })), signed(1_764_000_000_123));
    let redriven = json!({ "signature": text("t=1,v1=ab"), "acceptedAt": text("1763900000000") });
    assert_eq!(webhook(redriven), signed(1_763_900_000_000));
    let nonsense = json!({ "signature": text("t=1,v1=ab"), "acceptedAt": text("yesterday") });
    assert_eq!(webhook(nonsense), signed(1_764_000_000_123));
    assert_eq!(webhook(json!({ "acceptedAt": text("1763900000000") })), None);
}

/// A record of the table's stream that is no event; without a number where it has none.
fn record(number: Option<&str>) -> Value {
    let mut change = json!({ "Keys": {}, "NewImage": { "sk": { "S": "EVENT#1" } }, "SizeBytes": 1 });
    if let Some(number) = number {
        change["SequenceNumber"] = number.into();
    }
    json!({ "eventID": "e", "eventName": "INSERT", "awsRegion": "eu-west-2", "dynamodb": change })
}

fn records(numbers: &[Option<&str>]) -> Vec<Record> {
    let records: Vec<Value> = numbers.iter().copied().map(record).collect();
    stream::records(serde_json::from_value::<StreamEvent>(json!({ "Records": records })).unwrap())
}

async fn notify(shop: &Shop, records: &[Record]) -> Result<Value, WholeBatch> {
    let channels = Channels { email: true, sms: None, push: false };
    let stage = Notify { database: shop, notifier: shop, queue: shop, runtime: shop, channels: &channels };
    stream::response(records, stage.run(records).await).map(|response| serde_json::to_value(response).unwrap())
}

#[tokio::test]
async fn a_record_without_a_number_is_worked_on_and_where_it_fails_the_whole_batch_comes_back() {
    let shop = Shop::open();
    let batch = records(&[None, Some("8")]);
    assert_eq!(batch[0].sequence_number, "");
    // The dead-letter queue does not take the first.
    shop.fail(Fault::Bury, None);
    assert_eq!(notify(&shop, &batch).await, Err(WholeBatch));
    assert_eq!(notify(&shop, &batch).await, Ok(json!({ "batchItemFailures": [] })));
    let reasons: Vec<&str> = shop.buried.lock().unwrap().iter().map(|letter| letter.reason).collect();
    assert_eq!(reasons, [DeadLetterReason::NotAnEvent.name(); 3]);
}

#[test]
fn every_name_of_the_streams_answer_is_one_of_its_batch() {
    let batch = records(&[Some("8"), Some("9"), None]);
    let named = |failed: &[&str]| {
        let failed = failed.iter().map(|number| (*number).to_owned()).collect();
        stream::response(&batch, failed).map(|response| serde_json::to_value(response).unwrap())
    };
    assert_eq!(named(&[]), Ok(json!({ "batchItemFailures": [] })));
    assert_eq!(named(&["9"]), Ok(json!({ "batchItemFailures": [{ "itemIdentifier": "9" }] })));
    for failed in [&[""][..], &["10"], &["8", ""]] {
        assert_eq!(named(failed), Err(WholeBatch), "{failed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_whose_topics_hang_gives_its_records_back_in_time() {
    let shop = Shop::with("TEA", &[5]);
    assert!(validate(&shop, &placed(1)).await.is_empty());
    let event = shop.history("ord-1").remove(0);
    shop.fail(Fault::Hang, Some("ord-1"));
    let batch = [Record { sequence_number: "8".into(), event: Ok(event) }];
    let began = tokio::time::Instant::now();
    assert_eq!(notify(&shop, &batch).await, Ok(json!({ "batchItemFailures": [{ "itemIdentifier": "8" }] })));
    assert_eq!(began.elapsed(), Duration::from_secs(50));
    assert_eq!(notify(&shop, &batch).await, Ok(json!({ "batchItemFailures": [] })));
}

/// SQS's own age of the oldest message leaves out what was received three times.
#[tokio::test]
async fn what_has_failed_for_minutes_is_counted_and_what_waits_for_something_else_is_not() {
    let shop = Shop::open();
    let old = Delivery { sent_at: Timestamp::from_unix_seconds(1_764_000_000 - 301).unwrap(), ..delivery("old", "{}") };
    let batch = [delivery("young", "{}"), old.clone(), old.clone(), old.clone(), old];
    let results = vec![
        Err(Failure::transient_because("a table is throttled")),
        Err(Failure::transient_because("a table is throttled")),
        Err(Failure::Waiting { what: "the circuit is open".into(), wait: Duration::from_secs(15), cause: None }),
        Err(Failure::too_early("a report overtook its order", None)),
        Ok(()),
    ];
    assert_eq!(settle(&&shop, &&shop, POLICY, &batch, results).await.len(), 4);
    assert_eq!(shop.counts.lock().unwrap().get(metric::RETRIED_FOR_LONG), Some(&2));
}

#[tokio::test]
async fn a_dead_letter_has_the_trace_of_its_message() {
    let mut traced = message(Some("m-1"), "no order");
    traced["attributes"]["AWSTraceHeader"] = "Root=1-5759e988-bd862e3fe1be46a994272793".into();
    let shop = Shop::open();
    assert!(validate(&shop, &queue::deliveries(event(&[traced, message(Some("m-2"), "no order")]))).await.is_empty());
    let buried = shop.buried.lock().unwrap();
    let traces: Vec<_> = buried.iter().map(|letter| letter.trace.as_deref()).collect();
    assert_eq!(traces, [Some("Root=1-5759e988-bd862e3fe1be46a994272793"), None]);
}
