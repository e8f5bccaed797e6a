//! The stages over the ports in memory: what each paragraph of the design promises, and what happens when it fails.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod memory;

use std::time::Duration;

use memory::{Fault, POLICY, Shop, body, delivery};
use order_contract::metric;
use order_domain::id::OrderId;
use order_domain::order::{OrderStatus, PaymentStatus, RejectionReason};
use order_handlers::batch::Delivery;
use order_handlers::consumer::StageContext;
use order_handlers::stages::fulfilment::Fulfilment;
use order_handlers::stages::inventory::Inventory;
use order_handlers::stages::payment::Payment;
use order_handlers::stages::validate::Validate;

async fn validate(shop: &Shop, batch: &[Delivery]) -> Vec<String> {
    Validate { context: StageContext { database: shop, queue: shop, runtime: shop, policy: POLICY } }.run(batch).await
}

/// What was forwarded, as the next stage's deliveries.
fn next(shop: &Shop) -> Vec<Delivery> {
    let commands = std::mem::take(&mut *shop.forwarded.lock().unwrap());
    let deliveries = commands.iter().enumerate();
    deliveries.map(|(n, command)| delivery(&format!("m-{n}"), serde_json::to_string(command).unwrap())).collect()
}

async fn inventory(shop: &Shop, batch: &[Delivery]) -> Vec<String> {
    Inventory { context: StageContext { database: shop, queue: shop, runtime: shop, policy: POLICY } }.run(batch).await
}

async fn payment(shop: &Shop, batch: &[Delivery]) -> Vec<String> {
    Payment {
        context: StageContext { database: shop, queue: shop, runtime: shop, policy: POLICY },
        gateway: shop.gateway(),
    }
    .run(batch)
    .await
}

async fn fulfilment(shop: &Shop, batch: &[Delivery]) -> Vec<String> {
    Fulfilment {
        context: StageContext { database: shop, queue: shop, runtime: shop, policy: POLICY },
        gateway: shop.gateway(),
    }
    .run(batch)
    .await
}

fn dispatched(id: &str) -> Delivery {
    let shipment = r#"{"carrier":"Royal Mail","trackingNumber":"RM1"}"#;
    let update = format!(r#"{{"update":"DISPATCHED","orderId":"{id}","shipment":{shipment}}}"#);
    delivery("dispatched", format!(r#"{{"command":"RECORD_SHIPMENT","shipment":{update}}}"#))
}

fn reported(update: &str, id: &str, more: &str) -> Delivery {
    let update = format!(r#"{{"update":"{update}","orderId":"{id}"{more}}}"#);
    delivery("reported", format!(r#"{{"command":"RECORD_SHIPMENT","shipment":{update}}}"#))
}

fn cancellation(id: &str) -> Delivery {
    let why = r#"{"reason":"CUSTOMER_REQUEST"}"#;
    delivery("cancelled", format!(r#"{{"command":"CANCEL_ORDER","orderId":"{id}","cancellation":{why}}}"#))
}

/// Nothing is given back, and the order went through every stage.
async fn placed(shop: &Shop, id: &str, quantity: u32) {
    assert!(validate(shop, &[delivery("m", body(id, "TEA", quantity))]).await.is_empty());
    assert!(inventory(shop, &next(shop)).await.is_empty());
    assert!(payment(shop, &next(shop)).await.is_empty());
}

#[tokio::test]
async fn a_good_order_is_confirmed_and_its_history_has_no_gap() {
    let shop = Shop::with("TEA", &[5]);
    placed(&shop, "ord-1", 2).await;
    let order = shop.order("ord-1");
    assert_eq!((order.status, order.payment_status), (OrderStatus::Confirmed, PaymentStatus::Authorised));
    assert_eq!((order.total.amount, shop.units("TEA")), (1998, (3, 2, 0)));
    let sequences: Vec<u64> = shop.history("ord-1").iter().map(|event| event.sequence).collect();
    assert_eq!(sequences, [1, 2, 3]);
    assert_eq!(shop.counts.lock().unwrap()[metric::ORDERS_CONFIRMED], 1);
}

#[tokio::test]
async fn an_order_of_an_unknown_sku_is_rejected_with_its_reason_and_goes_no_further() {
    let shop = Shop::with("TEA", &[5]);
    assert!(validate(&shop, &[delivery("m", body("ord-1", "NONE", 1))]).await.is_empty());
    let order = shop.order("ord-1");
    assert_eq!(order.status, OrderStatus::Rejected);
    assert!(matches!(order.reason, Some(RejectionReason::UnknownSku { .. })));
    assert!(next(&shop).is_empty());
}

/// P2: elsewhere the idempotency key was a hash of the body, so that two equal baskets were one order and a changed
/// retry was two.
#[tokio::test]
async fn a_duplicate_order_changes_nothing() {
    let shop = Shop::with("TEA", &[5]);
    placed(&shop, "ord-1", 2).await;
    let before = shop.order("ord-1");
    placed(&shop, "ord-1", 2).await;
    assert_eq!(shop.order("ord-1"), before);
    assert_eq!((shop.history("ord-1").len(), shop.units("TEA")), (3, (3, 2, 0)));
}

/// P2: elsewhere the idempotency key was a hash of the body, so that two equal baskets were one order and a changed
/// retry was two.
#[tokio::test]
async fn another_order_under_the_same_id_is_recorded_and_never_merged() {
    let shop = Shop::with("TEA", &[5]);
    placed(&shop, "ord-1", 2).await;
    let before = shop.order("ord-1");
    for _ in 0..2 {
        assert!(validate(&shop, &[delivery("m-2", body("ord-1", "TEA", 4))]).await.is_empty());
    }
    let after = shop.order("ord-1");
    assert_eq!((after.version, after.lines), (before.version + 1, before.lines));
    assert_eq!(shop.counts.lock().unwrap()[metric::ORDER_CONFLICTS], 1);
}

#[tokio::test]
async fn a_message_that_is_not_json_goes_to_the_dead_letter_queue_and_harms_no_other() {
    let shop = Shop::with("TEA", &[5]);
    let batch = [delivery("bad", "not json"), delivery("good", body("ord-1", "TEA", 1))];
    assert!(validate(&shop, &batch).await.is_empty());
    let buried = shop.buried.lock().unwrap();
    assert_eq!((buried.len(), buried[0].reason, buried[0].body.as_str()), (1, "NOT_AN_ORDER", "not json"));
    assert_eq!(shop.order("ord-1").status, OrderStatus::Validated);
}

#[tokio::test]
async fn a_message_that_the_dead_letter_queue_does_not_take_is_kept() {
    let shop = Shop::with("TEA", &[5]);
    shop.fail(Fault::Bury, None);
    assert_eq!(validate(&shop, &[delivery("bad", "not json")]).await, ["bad"]);
}

/// P8: elsewhere the visibility timeout was the function's, and one failure failed its whole batch.
#[tokio::test]
async fn one_orders_failure_stays_its_own_and_waits_longer_with_every_receive() {
    let shop = Shop::with("TEA", &[5]);
    shop.fail(Fault::Commit, Some("ord-2"));
    let batch = [1, 2, 3]
        .map(|n| Delivery { receive_count: 4, ..delivery(&format!("m-{n}"), body(&format!("ord-{n}"), "TEA", 1)) });
    assert_eq!(validate(&shop, &batch).await, ["m-2"]);
    assert_eq!(shop.forwarded.lock().unwrap().len(), 2);
    // Full jitter at one half of 2 s doubled three times.
    assert_eq!(*shop.postponed.lock().unwrap(), [("handle of m-2".to_owned(), Duration::from_secs(8))]);
}

#[tokio::test]
async fn a_panic_fails_one_order_and_not_the_batch() {
    let shop = Shop::with("TEA", &[5]);
    shop.fail(Fault::Panic, Some("ord-1"));
    let batch = [1, 2].map(|n| delivery(&format!("m-{n}"), body(&format!("ord-{n}"), "TEA", 1)));
    assert_eq!(validate(&shop, &batch).await, ["m-1"]);
    assert_eq!(shop.order("ord-2").status, OrderStatus::Validated);
}

#[tokio::test]
async fn an_unreadable_catalogue_gives_the_whole_batch_back_but_still_buries_what_is_no_order() {
    let shop = Shop::with("TEA", &[5]);
    shop.fail(Fault::Load, None);
    let batch = [delivery("bad", "{}"), delivery("good", body("ord-1", "TEA", 1))];
    assert_eq!(validate(&shop, &batch).await, ["good"]);
    assert_eq!(shop.buried.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn an_empty_batch_has_an_empty_failure_list() {
    let shop = Shop::open();
    assert!(validate(&shop, &[]).await.is_empty());
    assert!(inventory(&shop, &[]).await.is_empty());
    assert!(payment(&shop, &[]).await.is_empty());
}

/// P1: elsewhere an order whose message could not be sent stayed pending for ever, and every retry got the stored
/// failure.
#[tokio::test]
async fn a_commit_whose_answer_was_lost_is_forwarded_by_the_redelivery() {
    let shop = Shop::with("TEA", &[5]);
    for fault in [Fault::CommitAnswer, Fault::Forward] {
        let id = format!("ord-{fault:?}");
        shop.fail(fault, None);
        let batch = [delivery("m-1", body(&id, "TEA", 1))];
        assert_eq!(validate(&shop, &batch).await, ["m-1"], "{fault:?}");
        assert!(validate(&shop, &batch).await.is_empty());
        let commands = next(&shop);
        shop.fail(fault, None);
        assert_eq!(inventory(&shop, &commands).await, ["m-0"], "{fault:?}");
        assert!(inventory(&shop, &commands).await.is_empty());
        assert!(payment(&shop, &next(&shop)).await.is_empty());
        assert_eq!((shop.order(&id).status, shop.history(&id).len()), (OrderStatus::Confirmed, 3));
    }
    assert_eq!(shop.units("TEA"), (3, 2, 0));
}

/// P10: elsewhere orders that raced for the last unit sold it twice.
#[tokio::test]
async fn the_last_unit_is_sold_once() {
    let shop = Shop::with("TEA", &[1]);
    let batch: Vec<_> = (0..10).map(|n| delivery(&format!("m-{n}"), body(&format!("ord-{n}"), "TEA", 1))).collect();
    assert!(validate(&shop, &batch).await.is_empty());
    assert!(inventory(&shop, &next(&shop)).await.is_empty());
    let orders = shop.orders.lock().unwrap();
    let count = |status| orders.values().filter(|order| order.status == status).count();
    assert_eq!((count(OrderStatus::Reserved), count(OrderStatus::OutOfStock)), (1, 9));
    drop(orders);
    assert_eq!(shop.units("TEA"), (0, 1, 0));
}

#[tokio::test]
async fn stock_is_found_in_whichever_shard_it_lies() {
    let shop = Shop::with("TEA", &[0, 0, 3, 0]);
    for n in 0..3 {
        placed(&shop, &format!("ord-{n}"), 1).await;
        assert_eq!(shop.order(&format!("ord-{n}")).status, OrderStatus::Confirmed);
    }
    assert_eq!(shop.units("TEA"), (0, 3, 0));
}

#[tokio::test]
async fn a_line_that_no_shard_can_serve_alone_is_reserved_from_several_and_given_back_to_them() {
    let shop = Shop::with("TEA", &[2, 0, 2, 2]);
    placed(&shop, "ord-1", 5).await;
    assert_eq!((shop.order("ord-1").status, shop.units("TEA")), (OrderStatus::Confirmed, (1, 5, 0)));
    assert!(fulfilment(&shop, &[cancellation("ord-1")]).await.is_empty());
    assert_eq!(shop.units("TEA"), (6, 0, 0));
    placed(&shop, "ord-2", 7).await;
    assert_eq!((shop.order("ord-2").status, shop.units("TEA")), (OrderStatus::OutOfStock, (6, 0, 0)));
}

#[tokio::test]
async fn an_order_of_several_lines_is_reserved_whole_or_not_at_all() {
    let shop = Shop::with("TEA", &[5]);
    shop.stock("MUG", &[0]);
    let both = body("ord-1", "TEA", 1).replace(r#"[{"sku""#, r#"[{"sku":"MUG","quantity":1},{"sku""#);
    assert!(validate(&shop, &[delivery("m", both)]).await.is_empty());
    assert!(inventory(&shop, &next(&shop)).await.is_empty());
    let order = shop.order("ord-1");
    assert_eq!(order.status, OrderStatus::OutOfStock);
    assert!(matches!(order.reason, Some(RejectionReason::OutOfStock { sku }) if sku.as_str() == "MUG"));
    assert_eq!(shop.units("TEA"), (5, 0, 0));
}

#[tokio::test]
async fn a_declined_payment_gives_the_stock_back() {
    let shop = Shop::with("TEA", &[5]);
    shop.declines.lock().unwrap().insert(OrderId::new("ord-1").unwrap());
    placed(&shop, "ord-1", 2).await;
    let order = shop.order("ord-1");
    assert_eq!((order.status, order.payment_status), (OrderStatus::PaymentDeclined, PaymentStatus::Declined));
    assert_eq!(shop.units("TEA"), (5, 0, 0));
}

#[tokio::test]
async fn a_gateway_that_is_down_sends_nothing_to_the_dead_letter_queue() {
    let shop = Shop::with("TEA", &[5]);
    assert!(validate(&shop, &[delivery("m", body("ord-1", "TEA", 1))]).await.is_empty());
    assert!(inventory(&shop, &next(&shop)).await.is_empty());
    let commands = next(&shop);
    for receive in 1..40 {
        shop.fail(Fault::Gateway, None);
        let again = [Delivery { receive_count: receive, ..commands[0].clone() }];
        assert_eq!(payment(&shop, &again).await, ["m-0"]);
    }
    assert!(shop.buried.lock().unwrap().is_empty());
    assert!(payment(&shop, &commands).await.is_empty());
    assert_eq!(shop.order("ord-1").status, OrderStatus::Confirmed);
}

#[tokio::test]
async fn a_confirmed_orders_money_is_not_asked_for_again() {
    let shop = Shop::with("TEA", &[5]);
    assert!(validate(&shop, &[delivery("m", body("ord-1", "TEA", 1))]).await.is_empty());
    assert!(inventory(&shop, &next(&shop)).await.is_empty());
    let commands = next(&shop);
    for _ in 0..3 {
        assert!(payment(&shop, &commands).await.is_empty());
    }
    assert_eq!(shop.authorisations("ord-1"), 1);
}

#[tokio::test]
async fn commands_that_cannot_be_obeyed_are_buried_with_their_reason() {
    let shop = Shop::with("TEA", &[5]);
    assert!(validate(&shop, &[delivery("m", body("ord-1", "TEA", 1))]).await.is_empty());
    let pay = |id: &str| format!(r#"{{"orderId":"{id}","command":"AUTHORISE_PAYMENT"}}"#);
    let batch = [delivery("a", "nonsense"), delivery("b", pay("ord-none")), delivery("c", pay("ord-1"))];
    assert!(payment(&shop, &batch).await.is_empty());
    let mut reasons: Vec<_> = shop.buried.lock().unwrap().iter().map(|letter| letter.reason).collect();
    reasons.sort_unstable();
    assert_eq!(reasons, ["ILLEGAL_COMMAND", "NOT_A_COMMAND", "ORDER_UNKNOWN"]);
    assert_eq!(shop.authorisations("ord-1"), 0);
}

#[tokio::test]
async fn a_dispatched_order_is_charged_and_a_delivered_one_is_completed() {
    let shop = Shop::with("TEA", &[5]);
    placed(&shop, "ord-1", 2).await;
    for _ in 0..2 {
        assert!(fulfilment(&shop, &[dispatched("ord-1")]).await.is_empty());
    }
    let order = shop.order("ord-1");
    assert_eq!((order.status, order.payment_status), (OrderStatus::Confirmed, PaymentStatus::Captured));
    assert_eq!((*shop.asked.lock().unwrap()).as_slice(), ["capture 1998"]);
    assert_eq!(shop.units("TEA"), (3, 0, 2));
    assert!(fulfilment(&shop, &[reported("DELIVERED", "ord-1", "")]).await.is_empty());
    assert_eq!(shop.order("ord-1").status, OrderStatus::Completed);
}

#[tokio::test]
async fn a_delivery_that_overtakes_its_dispatch_waits_and_nothing_is_lost() {
    let shop = Shop::with("TEA", &[5]);
    placed(&shop, "ord-1", 1).await;
    let delivered = [reported("DELIVERED", "ord-1", "")];
    assert_eq!(fulfilment(&shop, &delivered).await, ["reported"]);
    assert!(fulfilment(&shop, &[dispatched("ord-1")]).await.is_empty());
    assert!(fulfilment(&shop, &delivered).await.is_empty());
    assert_eq!(shop.order("ord-1").status, OrderStatus::Completed);
}

#[tokio::test]
async fn a_report_that_stays_early_is_given_up_with_its_reason_after_hours() {
    let shop = Shop::with("TEA", &[5]);
    placed(&shop, "ord-1", 1).await;
    let delivered = [reported("DELIVERED", "ord-1", "")];
    shop.pass(Duration::from_secs(3600));
    assert_eq!(fulfilment(&shop, &delivered).await, ["reported"]);
    shop.pass(Duration::from_secs(2 * 3600));
    assert!(fulfilment(&shop, &delivered).await.is_empty());
    assert_eq!(shop.buried.lock().unwrap()[0].reason, "ILLEGAL_COMMAND");
}

/// P9: elsewhere an order was completed when a part of it had failed, and a cancelled one kept its stock and money.
#[tokio::test]
async fn a_gateway_that_is_down_at_dispatch_charges_later_and_the_order_is_not_completed_before() {
    let shop = Shop::with("TEA", &[5]);
    placed(&shop, "ord-1", 1).await;
    shop.fail(Fault::Gateway, None);
    assert_eq!(fulfilment(&shop, &[dispatched("ord-1")]).await, ["dispatched"]);
    shop.fail(Fault::Gateway, None);
    assert_eq!(fulfilment(&shop, &[reported("DELIVERED", "ord-1", "")]).await, ["reported"]);
    assert_eq!(shop.order("ord-1").status, OrderStatus::Confirmed);
    assert!(fulfilment(&shop, &[dispatched("ord-1")]).await.is_empty());
    assert_eq!(shop.order("ord-1").status, OrderStatus::Completed);
    assert_eq!((*shop.asked.lock().unwrap()).as_slice(), ["capture 999"]);
}

#[tokio::test]
async fn a_lapsed_hold_is_made_anew_before_it_is_charged() {
    let shop = Shop::with("TEA", &[5]);
    placed(&shop, "ord-1", 1).await;
    shop.expire_authorisations("ord-1");
    // What was asked for before must have become findable.
    assert_eq!(fulfilment(&shop, &[dispatched("ord-1")]).await, ["dispatched"]);
    shop.pass(Duration::from_secs(121));
    assert!(fulfilment(&shop, &[dispatched("ord-1")]).await.is_empty());
    let order = shop.order("ord-1");
    assert_eq!((order.payment_status, order.authorisation.unwrap().attempt), (PaymentStatus::Captured, 2));
}

#[tokio::test]
async fn a_lapsed_hold_that_cannot_be_made_anew_is_for_a_person_to_decide() {
    let shop = Shop::with("TEA", &[5]);
    placed(&shop, "ord-1", 1).await;
    shop.expire_authorisations("ord-1");
    shop.declines.lock().unwrap().insert(OrderId::new("ord-1").unwrap());
    // What was asked for before must have become findable.
    assert_eq!(fulfilment(&shop, &[dispatched("ord-1")]).await, ["dispatched"]);
    shop.pass(Duration::from_secs(121));
    assert!(fulfilment(&shop, &[dispatched("ord-1")]).await.is_empty());
    assert_eq!(shop.buried.lock().unwrap()[0].reason, "MONEY_LOST");
    let attention = shop.order("ord-1").attention.unwrap();
    assert_eq!((attention.reason.as_str(), attention.stage.as_str()), ("MONEY_LOST", "fulfilment"));
}

#[tokio::test]
async fn a_cancelled_order_gives_stock_and_money_back_once() {
    let shop = Shop::with("TEA", &[5]);
    placed(&shop, "ord-1", 2).await;
    for _ in 0..2 {
        assert!(fulfilment(&shop, &[cancellation("ord-1")]).await.is_empty());
    }
    let order = shop.order("ord-1");
    assert_eq!((order.status, order.payment_status), (OrderStatus::Cancelled, PaymentStatus::Voided));
    assert_eq!(
        (shop.units("TEA"), (*shop.asked.lock().unwrap()).as_slice()),
        ((5, 0, 0), ["cancel authorisation 1".to_owned()].as_slice())
    );
}

#[tokio::test]
async fn an_order_that_is_cancelled_while_it_is_paid_gets_its_money_back() {
    let shop = Shop::with("TEA", &[5]);
    assert!(validate(&shop, &[delivery("m", body("ord-1", "TEA", 1))]).await.is_empty());
    assert!(inventory(&shop, &next(&shop)).await.is_empty());
    let commands = next(&shop);
    // The cancellation is committed between the gateway's answer and the payment's commit.
    shop.cancel_during_authorisation.lock().unwrap().insert(OrderId::new("ord-1").unwrap());
    assert!(payment(&shop, &commands).await.is_empty());
    assert_eq!(shop.order("ord-1").payment_status, PaymentStatus::Authorised);
    assert!(fulfilment(&shop, &next(&shop)).await.is_empty());
    let order = shop.order("ord-1");
    assert_eq!((order.status, order.payment_status), (OrderStatus::Cancelled, PaymentStatus::Voided));
    assert_eq!(shop.units("TEA"), (5, 0, 0));
}

#[tokio::test]
async fn a_cancellation_that_comes_too_late_changes_nothing_and_is_told_once() {
    let shop = Shop::with("TEA", &[5]);
    placed(&shop, "ord-1", 1).await;
    assert!(fulfilment(&shop, &[dispatched("ord-1")]).await.is_empty());
    let before = shop.order("ord-1");
    for _ in 0..3 {
        assert!(fulfilment(&shop, &[cancellation("ord-1")]).await.is_empty());
    }
    let after = shop.order("ord-1");
    assert_eq!((after.status, after.version), (before.status, before.version + 1));
}

#[tokio::test]
async fn a_return_is_refunded_whole_or_in_part() {
    for (more, refunded, status) in
        [("", 1998, PaymentStatus::Refunded), (r#","refund":500"#, 500, PaymentStatus::Captured)]
    {
        let shop = Shop::with("TEA", &[5]);
        placed(&shop, "ord-1", 2).await;
        for report in [dispatched("ord-1"), reported("DELIVERED", "ord-1", ""), reported("RETURNED", "ord-1", more)] {
            assert!(fulfilment(&shop, &[report]).await.is_empty());
        }
        assert!(fulfilment(&shop, &[reported("RETURNED", "ord-1", more)]).await.is_empty());
        let order = shop.order("ord-1");
        assert_eq!((order.refunded, order.payment_status, order.status), (refunded, status, OrderStatus::Completed));
        assert_eq!(shop.asked.lock().unwrap().len(), 2);
    }
}

#[tokio::test]
async fn more_can_be_given_back_later_and_never_more_than_the_order_cost() {
    let shop = Shop::with("TEA", &[5]);
    placed(&shop, "ord-1", 2).await;
    for report in [dispatched("ord-1"), reported("DELIVERED", "ord-1", "")] {
        assert!(fulfilment(&shop, &[report]).await.is_empty());
    }
    // In whatever order the reports arrive, the one that owes most counts.
    for (refund, in_all) in [(500, 500), (900, 900), (500, 900), (1998, 1998), (900, 1998)] {
        let report = reported("RETURNED", "ord-1", &format!(r#","refund":{refund}"#));
        assert!(fulfilment(&shop, &[report]).await.is_empty());
        assert_eq!(shop.order("ord-1").refunded, in_all);
    }
    assert_eq!(shop.order("ord-1").payment_status, PaymentStatus::Refunded);
    let too_much = reported("RETURNED", "ord-1", r#","refund":1999"#);
    assert!(fulfilment(&shop, &[too_much]).await.is_empty());
    assert_eq!(shop.buried.lock().unwrap()[0].reason, "ILLEGAL_COMMAND");
}

#[tokio::test]
async fn a_second_parcel_for_an_order_is_refused_where_a_person_sees_it() {
    let shop = Shop::with("TEA", &[5]);
    placed(&shop, "ord-1", 1).await;
    let parcel = |number: &str| {
        let shipment = format!(r#","shipment":{{"carrier":"Royal Mail","trackingNumber":"{number}"}}"#);
        reported("DISPATCHED", "ord-1", &shipment)
    };
    for _ in 0..2 {
        assert!(fulfilment(&shop, &[parcel("RM-1")]).await.is_empty());
    }
    assert!(shop.buried.lock().unwrap().is_empty());
    assert!(fulfilment(&shop, &[parcel("RM-2")]).await.is_empty());
    assert_eq!(shop.buried.lock().unwrap()[0].reason, "ILLEGAL_COMMAND");
    assert_eq!(shop.order("ord-1").shipment.unwrap().tracking_number, "RM-1");
}

#[tokio::test]
async fn a_report_on_an_order_that_is_not_stored_waits_before_it_is_given_up() {
    let shop = Shop::open();
    let early = dispatched("ord-1");
    assert_eq!(fulfilment(&shop, std::slice::from_ref(&early)).await, ["dispatched"]);
    // Its order may wait as long as an outage takes.
    shop.pass(Duration::from_secs(100 * 60));
    assert_eq!(fulfilment(&shop, std::slice::from_ref(&early)).await, ["dispatched"]);
    shop.pass(Duration::from_secs(21 * 60));
    assert!(fulfilment(&shop, &[early]).await.is_empty());
    assert_eq!(shop.buried.lock().unwrap()[0].reason, "ORDER_UNKNOWN");
}

#[tokio::test]
async fn money_that_the_gateway_took_without_an_answer_is_given_back_when_the_customer_cancels() {
    let shop = Shop::with("TEA", &[5]);
    assert!(validate(&shop, &[delivery("m", body("ord-1", "TEA", 1))]).await.is_empty());
    assert!(inventory(&shop, &next(&shop)).await.is_empty());
    let commands = next(&shop);
    shop.fail(Fault::GatewayAnswer, None);
    assert_eq!(payment(&shop, &commands).await, ["m-0"]);
    assert!(fulfilment(&shop, &[cancellation("ord-1")]).await.is_empty());
    assert_eq!(shop.order("ord-1").payment_status, PaymentStatus::None);
    // The redelivery waits until the gateway can tell what it holds, and gives it up.
    assert_eq!(payment(&shop, &commands).await, ["m-0"]);
    shop.pass(Duration::from_secs(121));
    assert!(payment(&shop, &commands).await.is_empty());
    assert!(fulfilment(&shop, &next(&shop)).await.is_empty());
    let order = shop.order("ord-1");
    assert_eq!((order.status, order.payment_status), (OrderStatus::Cancelled, PaymentStatus::Voided));
}

#[tokio::test]
async fn stock_that_was_changed_by_hand_is_named_as_the_reason() {
    let shop = Shop::with("TEA", &[5]);
    placed(&shop, "ord-1", 2).await;
    shop.stock("TEA", &[9]);
    assert!(fulfilment(&shop, &[cancellation("ord-1")]).await.is_empty());
    assert_eq!(shop.buried.lock().unwrap()[0].reason, "STOCK_INCONSISTENT");
}
