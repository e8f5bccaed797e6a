//! Lists, shows, redrives and discards dead-lettered messages.

use std::collections::BTreeSet;

use order_domain::id::OrderId;
use orderctl::dead_letters::{Action, Filter, Method, Options, Redriven, find, list, queues, redrive, show};
use terminal::cancel::Cancel;
use terminal::progress::Progress;

use crate::pipeline::{Pipeline, until};

fn options() -> Options {
    Options { action: Action::Redrive, filter: Filter::default(), dry_run: false, rate: 500, by: "the tester".into() }
}

async fn run(pipeline: &Pipeline, queue: &str, options: &Options, cancel: &Cancel) -> Redriven {
    let queue = find(&pipeline.deployed, queue).await.unwrap();
    redrive(&pipeline.deployed, &queue, options, Progress::silent(), cancel).await.unwrap()
}

#[tokio::test]
async fn messages_are_listed_by_reason_and_stay_in_the_queue() {
    let pipeline = Pipeline::start().await;
    for number in 0..12 {
        pipeline.dead_letter("payment-dlq", &format!("ord-{number}"), "REQUEST_REFUSED").await;
    }
    pipeline.send("payment-dlq", r#"{"orderId":"ord-99","command":"AUTHORISE_PAYMENT"}"#, &[]).await;
    let queues = queues(&pipeline.deployed).await.unwrap();
    let names: Vec<_> = queues.iter().map(|queue| queue.name.as_str()).collect();
    assert_eq!(names, ["validate-dlq", "payment-dlq", "notify-dlq"]);

    let reports = list(&pipeline.deployed, &queues, 1000, &Cancel::new()).await.unwrap();
    let payment = &reports[1];
    let groups: Vec<_> = payment.groups.iter().map(|group| (group.reason.as_str(), group.messages)).collect();
    assert_eq!(groups, [("REQUEST_REFUSED", 12), ("TOO_MANY_RECEIVES", 1)]);
    assert_eq!((payment.messages, payment.checked, reports[0].messages), (13, 13, 0));
    assert_eq!((pipeline.visible("payment-dlq").await, pipeline.held("payment-dlq").await), (13, 0));
    pipeline.stop().await;
}

#[tokio::test]
async fn a_message_shows_its_reason_and_no_personal_data() {
    let pipeline = Pipeline::start().await;
    let body = r#"{"orderId":"ord-1","customerId":"cus-1","customer":{"name":"Ada","email":"ada@example.com"}}"#;
    let trace = "Root=1-5759e988-bd862e3fe1be46a994272793";
    let attributes = [("reason", "NOT_AN_ORDER"), ("error", "no items"), ("traceHeader", trace)];
    let id = pipeline.send("validate-dlq", body, &attributes).await;
    let queue = find(&pipeline.deployed, "validate").await.unwrap();
    let messages = show(&pipeline.deployed, &queue, 10, &Cancel::new()).await.unwrap();
    assert_eq!(messages.len(), 1);
    let shown = serde_json::to_value(&messages[0]).unwrap();
    assert_eq!(shown["messageId"], id);
    assert_eq!((shown["orderId"].as_str(), shown["customerId"].as_str()), (Some("ord-1"), Some("cus-1")));
    assert_eq!((shown["reason"].as_str(), shown["error"].as_str()), (Some("NOT_AN_ORDER"), Some("no items")));
    assert_eq!((shown["trace"].as_str(), shown["receiveCount"].as_u64()), (Some(trace), Some(1)));
    assert!(!shown.to_string().contains("Ada") && !shown.to_string().contains("ada@"), "{shown}");
    assert_eq!(pipeline.visible("validate-dlq").await, 1);
    pipeline.stop().await;
}

#[tokio::test]
async fn a_redriven_message_goes_to_its_source_queue_without_its_reason_and_is_recorded() {
    let pipeline = Pipeline::start().await;
    let message = pipeline.dead_letter("payment-dlq", "ord-1", "REQUEST_REFUSED").await;
    let redriven = run(&pipeline, "payment-dlq", &options(), &Cancel::new()).await;
    assert_eq!((redriven.moved, redriven.method, redriven.is_complete()), (1, Method::Messages, true), "{redriven:?}");

    let arrived = pipeline.drain("payment-queue").await;
    assert_eq!(arrived.len(), 1);
    assert_eq!(arrived[0].body.as_deref(), Some(r#"{"orderId":"ord-1","command":"AUTHORISE_PAYMENT"}"#));
    let attributes = arrived[0].message_attributes.as_ref().unwrap();
    assert!(!attributes.contains_key("reason") && !attributes.contains_key("error"), "{attributes:?}");
    assert_eq!(attributes["sourceMessageId"].string_value(), Some(message.as_str()));
    assert_eq!(pipeline.visible("payment-dlq").await + pipeline.held("payment-dlq").await, 0);

    let audit = pipeline.audit(&redriven.redrive_id.unwrap()).await;
    assert_eq!(audit.len(), 2, "{audit:?}");
    let text = |item: usize, name: &str| audit[item][name].as_s().unwrap().clone();
    assert_eq!((text(0, "sk"), text(1, "sk")), ("AUDIT".into(), "AUDIT#OUTCOME".into()));
    assert_eq!(
        (text(0, "by"), text(0, "from"), text(0, "to")),
        ("the tester".into(), "payment-dlq".into(), "payment-queue".into())
    );
    assert_eq!(audit[1]["moved"].as_n().unwrap(), "1");
    pipeline.stop().await;
}

#[tokio::test]
async fn only_selected_messages_move_and_the_others_are_visible_at_once() {
    let pipeline = Pipeline::start().await;
    for (order, reason) in [("ord-1", "A"), ("ord-2", "A"), ("ord-2", "B"), ("ord-3", "B")] {
        pipeline.dead_letter("payment-dlq", order, reason).await;
    }
    let filter = Filter { reason: Some("A".into()), order: Some(OrderId::new("ord-2").unwrap()) };
    let redriven = run(&pipeline, "payment-dlq", &Options { filter, ..options() }, &Cancel::new()).await;
    assert_eq!((redriven.moved, redriven.passed_over), (1, 3), "{redriven:?}");
    assert_eq!((pipeline.visible("payment-dlq").await, pipeline.visible("payment-queue").await), (3, 1));
    pipeline.stop().await;
}

#[tokio::test]
async fn a_dry_run_counts_and_moves_nothing() {
    let pipeline = Pipeline::start().await;
    for order in ["ord-1", "ord-2"] {
        pipeline.dead_letter("payment-dlq", order, "A").await;
    }
    let redriven = run(&pipeline, "payment-dlq", &Options { dry_run: true, ..options() }, &Cancel::new()).await;
    assert_eq!((redriven.moved, redriven.reasons["A"], redriven.redrive_id), (2, 2, None));
    assert_eq!((pipeline.visible("payment-dlq").await, pipeline.visible("payment-queue").await), (2, 0));
    pipeline.stop().await;
}

/// The stage cannot process the message and dead-letters it again while the redrive still runs.
#[tokio::test]
async fn a_message_that_comes_back_is_not_redriven_again() {
    let pipeline = Pipeline::start().await;
    for number in 0..30 {
        pipeline.dead_letter("payment-dlq", &format!("ord-{number}"), "A").await;
    }
    let stop = Cancel::new();
    let stage = async {
        while !stop.is_cancelled() {
            for message in pipeline.drain("payment-queue").await {
                let id = message.message_id.as_deref().unwrap();
                let attributes = [("reason", "A"), ("sourceMessageId", id)];
                pipeline.send("payment-dlq", message.body.as_deref().unwrap(), &attributes).await;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    let redrive = async {
        let redriven = run(&pipeline, "payment-dlq", &Options { rate: 50, ..options() }, &Cancel::new()).await;
        stop.cancel();
        redriven
    };
    let (redriven, ()) = tokio::join!(redrive, stage);
    assert_eq!(redriven.moved, 30, "{redriven:?}");
    assert!(redriven.too_young > 0, "{redriven:?}");
    pipeline.stop().await;
}

#[tokio::test]
async fn two_redrives_at_once_lose_nothing_and_both_are_recorded() {
    let pipeline = Pipeline::start().await;
    let expected: BTreeSet<String> = (0..60).map(|number| format!("ord-{number}")).collect();
    for order in &expected {
        pipeline.dead_letter("payment-dlq", order, "A").await;
    }
    let (cancel, options) = (Cancel::new(), Options { rate: 100, ..options() });
    let one = run(&pipeline, "payment-dlq", &options, &cancel);
    let other = run(&pipeline, "payment-dlq", &options, &cancel);
    let (one, other) = tokio::join!(one, other);
    assert!(one.is_complete() && other.is_complete(), "{one:?} {other:?}");
    assert_eq!(one.moved + other.moved, 60);
    let arrived: BTreeSet<String> = orders(&pipeline.drain("payment-queue").await);
    assert_eq!(arrived, expected);
    assert_ne!(one.redrive_id, other.redrive_id);
    pipeline.stop().await;
}

fn orders(messages: &[aws_sdk_sqs::types::Message]) -> BTreeSet<String> {
    let order =
        |body: &str| serde_json::from_str::<serde_json::Value>(body).unwrap()["orderId"].as_str().unwrap().to_owned();
    messages.iter().map(|message| order(message.body.as_deref().unwrap())).collect()
}

#[tokio::test]
async fn stopping_between_two_messages_leaves_each_in_one_of_the_queues() {
    let pipeline = Pipeline::start().await;
    for number in 0..20 {
        pipeline.dead_letter("payment-dlq", &format!("ord-{number}"), "A").await;
    }
    let cancel = Cancel::new();
    let stop = async {
        until("some messages moved", async || pipeline.visible("payment-queue").await, |moved| *moved >= 3).await;
        cancel.cancel();
    };
    let options = Options { rate: 10, ..options() };
    let (redriven, ()) = tokio::join!(run(&pipeline, "payment-dlq", &options, &cancel), stop);
    assert!(redriven.interrupted && !redriven.is_complete() && redriven.moved < 20, "{redriven:?}");
    let (left, moved) = (pipeline.visible("payment-dlq").await, pipeline.visible("payment-queue").await);
    assert_eq!((left + moved, moved), (20, redriven.moved));
    let outcome = &pipeline.audit(&redriven.redrive_id.unwrap()).await[1];
    assert!(outcome["interrupted"].as_bool().unwrap());
    pipeline.stop().await;
}

#[tokio::test]
async fn without_an_audit_record_no_message_moves() {
    let pipeline = Pipeline::start().await;
    pipeline.dead_letter("payment-dlq", "ord-1", "A").await;
    pipeline.dynamodb.delete_table().table_name(&pipeline.connection.orders_table).send().await.unwrap();
    let queue = find(&pipeline.deployed, "payment-dlq").await.unwrap();
    let error = redrive(&pipeline.deployed, &queue, &options(), Progress::silent(), &Cancel::new()).await.unwrap_err();
    assert!(error.to_string().contains("audit record"), "{error}");
    assert_eq!((pipeline.visible("payment-dlq").await, pipeline.visible("payment-queue").await), (1, 0));
    pipeline.stop().await;
}

#[tokio::test]
async fn an_unknown_queue_is_refused_with_the_list_of_queues() {
    let pipeline = Pipeline::start().await;
    let error = find(&pipeline.deployed, "shipping-dlq").await.unwrap_err().to_string();
    assert!(error.contains("validate-dlq, payment-dlq, notify-dlq"), "{error}");
    pipeline.stop().await;
}

#[tokio::test]
async fn only_selected_messages_are_discarded_and_each_is_recorded() {
    let pipeline = Pipeline::start().await;
    for (order, reason) in [("ord-1", "ILLEGAL_COMMAND"), ("ord-2", "ILLEGAL_COMMAND"), ("ord-3", "MONEY_LOST")] {
        pipeline.dead_letter("payment-dlq", order, reason).await;
    }
    let filter = Filter { reason: Some("ILLEGAL_COMMAND".into()), order: None };
    let options = Options { action: Action::Discard, filter, ..options() };
    let counted = run(&pipeline, "payment-dlq", &Options { dry_run: true, ..options.clone() }, &Cancel::new()).await;
    assert_eq!((counted.moved, counted.passed_over, pipeline.visible("payment-dlq").await), (2, 1, 3), "{counted:?}");

    let discarded = run(&pipeline, "payment-dlq", &options, &Cancel::new()).await;
    assert_eq!(
        (discarded.moved, discarded.method, discarded.is_complete()),
        (2, Method::Discard, true),
        "{discarded:?}"
    );
    assert_eq!((pipeline.visible("payment-dlq").await, pipeline.visible("payment-queue").await), (1, 0));

    let everything = Options { filter: Filter::default(), ..options };
    let queue = find(&pipeline.deployed, "payment-dlq").await.unwrap();
    let refused = redrive(&pipeline.deployed, &queue, &everything, Progress::silent(), &Cancel::new()).await;
    assert!(refused.unwrap_err().to_string().starts_with("select the messages"));
    assert_eq!(pipeline.visible("payment-dlq").await, 1);

    let audit = pipeline.audit(&discarded.redrive_id.unwrap()).await;
    let text = |item: usize, name: &str| audit[item][name].as_s().unwrap().clone();
    assert_eq!(audit.len(), 4, "{audit:?}");
    assert_eq!((text(0, "sk"), text(0, "by"), text(0, "to")), ("AUDIT".into(), "the tester".into(), "nowhere".into()));
    let orders: BTreeSet<_> = [1, 2].map(|item| text(item, "orderId")).into();
    assert_eq!(orders, ["ord-1", "ord-2"].map(str::to_owned).into());
    assert!(
        [1, 2].iter().all(|item| text(*item, "sk").starts_with("AUDIT#MESSAGE#") && !audit[*item].contains_key("body"))
    );
    assert_eq!(text(3, "sk"), "AUDIT#OUTCOME");
    pipeline.stop().await;
}
