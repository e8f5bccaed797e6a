//! A redrive by SQS's move task. The emulator does not support it, so a stub answers as AWS documents it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderMap;
use deployed::Connection;
use deployed::Deployed;
use order_domain::stage::Stage;
use orderctl::dead_letters::{Action, DeadLetterError, DeadLetterQueue, Filter, Method, Options, Redriven, redrive};
use serde_json::{Value, json};
use terminal::cancel::Cancel;
use terminal::progress::Progress;

use crate::pipeline::until;

/// The task in each answer of ListMessageMoveTasks; the last one repeats.
type Says = Vec<Value>;
/// The calls, by operation, with their input.
type Calls = Arc<Mutex<Vec<(String, Value)>>>;

async fn sqs(says: Says) -> (Deployed, Calls) {
    let calls: Calls = Arc::default();
    let kept = Arc::clone(&calls);
    let asked = Arc::new(Mutex::new(0));
    let answer = move |headers: HeaderMap, body: Bytes| async move {
        let operation = headers["x-amz-target"].to_str().unwrap().rsplit('.').next().unwrap().to_owned();
        let input: Value = serde_json::from_slice(&body).unwrap();
        let answer = match operation.as_str() {
            "GetQueueAttributes" => {
                let name = input["QueueUrl"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
                let arn = format!("arn:aws:sqs:eu-west-2:1:{name}");
                json!({ "Attributes": { "ApproximateNumberOfMessages": "7", "QueueArn": arn } })
            }
            "StartMessageMoveTask" => json!({ "TaskHandle": "task-1" }),
            "CancelMessageMoveTask" => json!({ "ApproximateNumberOfMessagesMoved": 3 }),
            "ListMessageMoveTasks" if !kept.lock().unwrap().iter().any(|(call, _)| call == "StartMessageMoveTask") => {
                json!({ "Results": [before()] })
            }
            "ListMessageMoveTasks" => {
                let mut asked = asked.lock().unwrap();
                let task = says[(*asked).min(says.len() - 1)].clone();
                *asked += 1;
                // Newest first; null means that the list does not contain the task yet.
                let tasks: Vec<Value> = [task, before()].into_iter().filter(|task| !task.is_null()).collect();
                json!({ "Results": tasks })
            }
            _ => json!({}),
        };
        kept.lock().unwrap().push((operation, input));
        ([("content-type", "application/x-amz-json-1.0")], answer.to_string())
    };
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, router).await });
    let queue = |name: &str| (name.to_owned(), format!("{endpoint}/1/{name}"));
    let connection = Connection {
        queues: BTreeMap::from([queue("payment-dlq"), queue("payment-queue")]),
        endpoint: endpoint.clone(),
        region: "eu-west-2".into(),
        access_key_id: "test".into(),
        secret_access_key: "test".into(),
        api_url: String::new(),
        orders_table: "orders-table-local".into(),
        inventory_table: String::new(),
        topics: BTreeMap::new(),
        functions: BTreeMap::new(),
        log_groups: BTreeMap::new(),
    };
    (Deployed::of_connection(&connection, "local").await, calls)
}

async fn run(deployed: &Deployed, cancel: &Cancel) -> Result<Redriven, DeadLetterError> {
    let url = |name: &'static str| async move { deployed.queue_url(name).await.unwrap().unwrap() };
    let (url, source) = (url("payment-dlq").await, Some(url("payment-queue").await));
    let queue = DeadLetterQueue { name: "payment-dlq".into(), stage: Stage::Payment, url, source };
    let options = Options {
        action: Action::Redrive,
        filter: Filter::default(),
        dry_run: false,
        rate: 40,
        by: "the tester".into(),
    };
    redrive(deployed, &queue, &options, Progress::silent(), cancel).await
}

fn inputs(calls: &Calls, operation: &str) -> Vec<Value> {
    calls.lock().unwrap().iter().filter(|(call, _)| call == operation).map(|(_, input)| input.clone()).collect()
}

fn task(status: &str, moved: u64) -> Value {
    let mut task = json!({ "Status": status, "ApproximateNumberOfMessagesMoved": moved, "StartedTimestamp": 1_764_000_001_000_u64 });
    if status == "RUNNING" {
        task["TaskHandle"] = "task-1".into();
    }
    task
}

/// An earlier task.
fn before() -> Value {
    json!({ "Status": "COMPLETED", "ApproximateNumberOfMessagesMoved": 99, "StartedTimestamp": 1_763_900_000_000_u64 })
}

#[tokio::test]
async fn sqs_moves_the_messages_at_the_given_rate_and_it_is_recorded() {
    let (deployed, calls) = sqs(vec![task("RUNNING", 2), task("COMPLETED", 7)]).await;
    let redriven = run(&deployed, &Cancel::new()).await.unwrap();
    assert_eq!((redriven.method, redriven.moved, redriven.is_complete()), (Method::MoveTask, 7, true), "{redriven:?}");
    let expected = json!({
        "SourceArn": "arn:aws:sqs:eu-west-2:1:payment-dlq",
        "DestinationArn": "arn:aws:sqs:eu-west-2:1:payment-queue",
        "MaxNumberOfMessagesPerSecond": 40,
    });
    assert_eq!(inputs(&calls, "StartMessageMoveTask"), [expected]);
    let sort_keys: Vec<Value> = inputs(&calls, "PutItem").iter().map(|put| put["Item"]["sk"]["S"].clone()).collect();
    assert_eq!(sort_keys, ["AUDIT", "AUDIT#OUTCOME"]);
}

#[tokio::test]
async fn the_end_of_an_earlier_task_is_not_taken_for_the_end_of_this_one() {
    // The list is eventually consistent: at first it contains only the earlier task.
    let (deployed, _) = sqs(vec![Value::Null, Value::Null, task("RUNNING", 2), task("COMPLETED", 7)]).await;
    let redriven = run(&deployed, &Cancel::new()).await.unwrap();
    assert_eq!((redriven.moved, redriven.is_complete()), (7, true), "{redriven:?}");
}

#[tokio::test]
async fn a_task_that_ended_before_the_first_poll_is_found() {
    let (deployed, _) = sqs(vec![task("COMPLETED", 7)]).await;
    let redriven = run(&deployed, &Cancel::new()).await.unwrap();
    assert_eq!((redriven.moved, redriven.is_complete()), (7, true), "{redriven:?}");
}

#[tokio::test]
async fn stopping_cancels_the_task() {
    let (deployed, calls) = sqs(vec![task("RUNNING", 3), task("CANCELLING", 3), task("CANCELLED", 3)]).await;
    let cancel = Cancel::new();
    let stop = async {
        let started = async || inputs(&calls, "StartMessageMoveTask").len();
        until("the task was started", started, |started| *started == 1).await;
        cancel.cancel();
    };
    let (redriven, ()) = tokio::join!(run(&deployed, &cancel), stop);
    let redriven = redriven.unwrap();
    assert!(redriven.interrupted && redriven.moved == 3, "{redriven:?}");
    assert_eq!(inputs(&calls, "CancelMessageMoveTask"), [json!({ "TaskHandle": "task-1" })]);
}

#[tokio::test]
async fn a_failed_task_reports_its_reason_and_is_recorded() {
    let mut failed = task("FAILED", 1);
    failed["FailureReason"] = "AWS.SimpleQueueService.NonExistentQueue".into();
    let (deployed, calls) = sqs(vec![failed]).await;
    let redriven = run(&deployed, &Cancel::new()).await.unwrap();
    assert!(redriven.problem.as_ref().unwrap().contains("NonExistentQueue"), "{redriven:?}");
    assert!(!redriven.is_complete());
    assert_eq!(inputs(&calls, "PutItem").len(), 2);
}
