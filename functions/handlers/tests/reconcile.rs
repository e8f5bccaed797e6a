//! What brings an order on that stopped moving: sweeps, webhooks, and asking the gateway what it really did.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod memory;

use std::time::Duration;

use memory::{Fault, POLICY, Shop, body, delivery};
use order_contract::message::Message;
use order_contract::metric;
use order_domain::event::Cause;
use order_domain::id::OrderId;
use order_domain::order::{OrderStatus, PaymentStatus, RejectionReason};
use order_domain::stage::Stage;
use order_domain::transition::Decision;
use order_handlers::batch::Delivery;
use order_handlers::consumer::StageContext;
use order_handlers::ports::Signed;
use order_handlers::stages::authorisation::KEY_LIFETIME;
use order_handlers::stages::fulfilment::Fulfilment;
use order_handlers::stages::inventory::Inventory;
use order_handlers::stages::payment::Payment;
use order_handlers::stages::reconcile::Reconcile;
use order_handlers::stages::validate::Validate;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn reconcile(shop: &Shop, batch: &[Delivery]) -> Vec<String> {
    Reconcile { context: StageContext { database: shop, queue: shop, runtime: shop, policy: POLICY }, webhooks: shop }
        .run(batch)
        .await
}

fn sweep() -> Delivery {
    delivery("sweep", r#"{"command":"SWEEP"}"#)
}

fn webhook(signature: &str, payload: &str) -> Delivery {
    let delivery = delivery("webhook", payload);
    let signed = Signed { signature: signature.into(), accepted_at: delivery.sent_at };
    Delivery { signed: Some(signed), ..delivery }
}

fn forwarded(shop: &Shop) -> Vec<Message> {
    std::mem::take(&mut *shop.forwarded.lock().unwrap())
}

/// Gives each message to its stage until none is left; every delivery must be dealt with.
async fn drain(shop: &Shop) {
    loop {
        let messages = forwarded(shop);
        if messages.is_empty() {
            return;
        }
        for message in messages {
            assert_eq!(deliver(shop, &message).await, Vec::<String>::new(), "{message:?}");
        }
    }
}

async fn deliver(shop: &Shop, message: &Message) -> Vec<String> {
    let batch = [delivery("m", serde_json::to_string(message).unwrap())];
    let (database, queue, runtime, gateway, policy) = (shop, shop, shop, shop.gateway(), POLICY);
    match message.stage() {
        Stage::Inventory => Inventory { context: StageContext { database, queue, runtime, policy } }.run(&batch).await,
        Stage::Payment => {
            Payment { context: StageContext { database, queue, runtime, policy }, gateway }.run(&batch).await
        }
        Stage::Fulfilment => {
            Fulfilment { context: StageContext { database, queue, runtime, policy }, gateway }.run(&batch).await
        }
        other => panic!("nothing is sent to {other:?}"),
    }
}

async fn validated(shop: &Shop) {
    let stage = Validate { context: StageContext { database: shop, queue: shop, runtime: shop, policy: POLICY } };
    assert!(stage.run(&[delivery("m", body("ord-1", "TEA", 2))]).await.is_empty());
}

/// Reserved, with the command for payment not delivered yet.
async fn reserved(shop: &Shop) -> Message {
    validated(shop).await;
    assert!(deliver(shop, &forwarded(shop)[0]).await.is_empty());
    forwarded(shop).remove(0)
}

async fn confirmed(shop: &Shop) {
    validated(shop).await;
    drain(shop).await;
    assert_eq!(shop.order("ord-1").status, OrderStatus::Confirmed);
}

fn cancel() -> Delivery {
    let why = r#"{"reason":"CUSTOMER_REQUEST"}"#;
    delivery("cancelled", format!(r#"{{"command":"CANCEL_ORDER","orderId":"ord-1","cancellation":{why}}}"#))
}

async fn fulfil(shop: &Shop, batch: &[Delivery]) -> Vec<String> {
    Fulfilment {
        context: StageContext { database: shop, queue: shop, runtime: shop, policy: POLICY },
        gateway: shop.gateway(),
    }
    .run(batch)
    .await
}

#[tokio::test]
async fn an_order_whose_message_was_lost_is_put_back_on_its_queue_and_goes_on() {
    for stage in [Stage::Inventory, Stage::Payment] {
        let shop = Shop::with("TEA", &[5]);
        validated(&shop).await;
        if stage == Stage::Payment {
            assert!(deliver(&shop, &forwarded(&shop)[0]).await.is_empty());
        }
        forwarded(&shop).clear();
        assert!(reconcile(&shop, &[sweep()]).await.is_empty());
        assert!(forwarded(&shop).is_empty(), "too soon");
        shop.pass(Duration::from_secs(301));
        assert!(reconcile(&shop, &[sweep()]).await.is_empty());
        assert_eq!(shop.forwarded.lock().unwrap()[0].stage(), stage);
        assert_eq!(shop.counts.lock().unwrap()[metric::ORDERS_REQUEUED], 1);
        drain(&shop).await;
        assert_eq!(shop.order("ord-1").status, OrderStatus::Confirmed);
    }
}

#[tokio::test]
async fn sweeping_twice_or_beside_a_live_worker_changes_nothing() {
    let shop = Shop::with("TEA", &[5]);
    let command = reserved(&shop).await;
    shop.pass(Duration::from_secs(301));
    assert!(reconcile(&shop, &[sweep(), sweep()]).await.is_empty());
    assert!(deliver(&shop, &command).await.is_empty());
    let before = shop.order("ord-1");
    drain(&shop).await;
    assert_eq!(shop.order("ord-1"), before);
    assert_eq!(shop.authorisations("ord-1"), 1);
    assert!(reconcile(&shop, &[sweep()]).await.is_empty());
    assert!(forwarded(&shop).is_empty());
}

#[tokio::test]
async fn two_sweeps_a_minute_apart_send_one_message() {
    let shop = Shop::with("TEA", &[5]);
    reserved(&shop).await;
    shop.pass(Duration::from_secs(301));
    assert!(reconcile(&shop, &[sweep()]).await.is_empty());
    assert_eq!(forwarded(&shop).len(), 1);
    shop.pass(Duration::from_secs(60));
    assert!(reconcile(&shop, &[sweep()]).await.is_empty());
    assert!(forwarded(&shop).is_empty(), "it was looked at a minute ago");
    // An order that stands still is looked at again later.
    shop.pass(Duration::from_secs(241));
    assert!(reconcile(&shop, &[sweep()]).await.is_empty());
    assert_eq!(forwarded(&shop).len(), 1);
}

#[tokio::test]
async fn a_sweep_that_cannot_read_is_tried_again() {
    let shop = Shop::open();
    shop.fail(Fault::Load, None);
    assert_eq!(reconcile(&shop, &[sweep()]).await, ["sweep"]);
}

#[tokio::test]
async fn an_error_that_the_gateway_saved_does_not_hold_an_order_up_for_ever() {
    let shop = Shop::with("TEA", &[5]);
    let command = reserved(&shop).await;
    shop.save_an_error();
    assert_eq!(deliver(&shop, &command).await, ["m"]);
    shop.pass(KEY_LIFETIME);
    // The next key is not used before it is sure that nothing came of the first.
    assert_eq!(deliver(&shop, &command).await, ["m"]);
    assert_eq!(shop.authorisations("ord-1"), 0);
    shop.pass(Duration::from_secs(121));
    assert!(deliver(&shop, &command).await.is_empty());
    let order = shop.order("ord-1");
    assert_eq!((order.status, order.authorisation.unwrap().attempt), (OrderStatus::Confirmed, 2));
}

/// P11: elsewhere a webhook and a worker that raced captured twice.
#[tokio::test]
async fn money_that_the_gateway_holds_is_found_and_not_held_twice_however_late_the_order_comes_back() {
    let shop = Shop::with("TEA", &[5]);
    let command = reserved(&shop).await;
    shop.fail(Fault::GatewayAnswer, None);
    assert_eq!(deliver(&shop, &command).await, ["m"]);
    // The gateway may have forgotten the key: a dead letter that is redriven after days.
    shop.pass(3 * DAY);
    assert!(deliver(&shop, &command).await.is_empty());
    assert_eq!(shop.order("ord-1").authorisation.unwrap().payment_intent, shop.payments_of("ord-1")[0]);
    assert_eq!(shop.authorisations("ord-1"), 1);
}

#[tokio::test]
async fn a_second_hold_is_given_up() {
    let shop = Shop::with("TEA", &[5]);
    let command = reserved(&shop).await;
    for attempt in [1, 2] {
        shop.fail(Fault::GatewayAnswer, None);
        let order = shop.order("ord-1");
        order_handlers::ports::Gateway::authorise(&shop.gateway(), &order, attempt).await.unwrap_err();
    }
    shop.pass(2 * KEY_LIFETIME);
    assert!(deliver(&shop, &command).await.is_empty());
    assert_eq!(*shop.asked.lock().unwrap(), ["cancel authorisation 2"]);
}

#[tokio::test]
async fn a_reservation_that_nobody_can_pay_for_expires_and_gives_its_stock_back() {
    let shop = Shop::with("TEA", &[5]);
    reserved(&shop).await;
    shop.pass(DAY);
    assert!(reconcile(&shop, &[sweep()]).await.is_empty());
    drain(&shop).await;
    let order = shop.order("ord-1");
    assert_eq!((order.status, order.reason), (OrderStatus::Cancelled, Some(RejectionReason::ReservationExpired)));
    assert_eq!(shop.units("TEA"), (5, 0, 0));
    // What the gateway may hold for it is looked for, and then the order is done.
    shop.pass(Duration::from_secs(301));
    assert!(reconcile(&shop, &[sweep()]).await.is_empty());
    drain(&shop).await;
    assert_eq!((shop.order("ord-1").payment_status, shop.order("ord-1").is_open()), (PaymentStatus::Voided, false));
}

#[tokio::test]
async fn a_hold_that_lapses_before_the_dispatch_is_made_anew() {
    let shop = Shop::with("TEA", &[5]);
    confirmed(&shop).await;
    shop.expire_authorisations("ord-1");
    assert!(reconcile(&shop, &[sweep()]).await.is_empty());
    assert!(forwarded(&shop).is_empty(), "too soon");
    shop.pass(7 * DAY);
    assert!(reconcile(&shop, &[sweep()]).await.is_empty());
    shop.pass(Duration::from_secs(121));
    drain(&shop).await;
    let order = shop.order("ord-1");
    assert_eq!(order.status, OrderStatus::Confirmed);
    assert!(order.authorisation.unwrap().attempt > 1);
}

#[tokio::test]
async fn an_order_whose_hold_lapsed_and_cannot_be_made_anew_is_cancelled() {
    let shop = Shop::with("TEA", &[5]);
    confirmed(&shop).await;
    shop.expire_authorisations("ord-1");
    shop.declines.lock().unwrap().insert(OrderId::new("ord-1").unwrap());
    shop.pass(7 * DAY + Duration::from_secs(121));
    assert!(reconcile(&shop, &[sweep()]).await.is_empty());
    drain(&shop).await;
    let order = shop.order("ord-1");
    assert_eq!((order.status, order.payment_status), (OrderStatus::Cancelled, PaymentStatus::Voided));
    assert_eq!(shop.units("TEA"), (5, 0, 0));
}

/// P11: elsewhere a webhook and a worker that raced captured twice.
#[tokio::test]
async fn a_webhook_brings_its_order_on_and_a_late_or_repeated_one_changes_nothing() {
    let shop = Shop::with("TEA", &[5]);
    let command = reserved(&shop).await;
    shop.fail(Fault::GatewayAnswer, None);
    assert_eq!(deliver(&shop, &command).await, ["m"]);
    assert!(reconcile(&shop, &[webhook("genuine", "authorised ord-1")]).await.is_empty());
    drain(&shop).await;
    let before = shop.order("ord-1");
    assert_eq!(before.status, OrderStatus::Confirmed);
    for kind in ["authorised", "canceled", "captured", "refunded", "authorised"] {
        assert!(reconcile(&shop, &[webhook("genuine", &format!("{kind} ord-1"))]).await.is_empty());
        drain(&shop).await;
    }
    assert_eq!(shop.order("ord-1"), before);
}

#[tokio::test]
async fn a_hold_that_the_gateway_gave_up_early_is_made_anew_when_it_tells() {
    let shop = Shop::with("TEA", &[5]);
    confirmed(&shop).await;
    shop.pass(Duration::from_secs(200));
    shop.expire_authorisations("ord-1");
    assert!(reconcile(&shop, &[webhook("genuine", "canceled ord-1")]).await.is_empty());
    drain(&shop).await;
    assert_eq!(shop.order("ord-1").authorisation.unwrap().attempt, 2);
}

/// After an hour without the reconciler sixty sweeps wait: they must not bring every order on as often.
#[tokio::test]
async fn of_the_sweeps_of_a_batch_one_looks_for_all() {
    let shop = Shop::with("TEA", &[5]);
    validated(&shop).await;
    shop.forwarded.lock().unwrap().clear();
    shop.pass(Duration::from_secs(3600));
    // One that fails does not count as one.
    shop.fail(Fault::Load, None);
    assert_eq!(reconcile(&shop, &[sweep()]).await.len(), 1);
    assert!(reconcile(&shop, &vec![sweep(); 10]).await.is_empty());
    assert_eq!(shop.forwarded.lock().unwrap().len(), 1);
    assert_eq!(shop.counts.lock().unwrap()[metric::SWEEPS], 1);
}

/// Whoever made it died before it was recorded, or another worker settled the order meanwhile.
#[tokio::test]
async fn a_hold_that_the_gateway_tells_of_and_its_order_does_not_know_goes_back() {
    let shop = Shop::with("TEA", &[5]);
    confirmed(&shop).await;
    let own = shop.order("ord-1").authorisation.unwrap().payment_intent;
    let command = |payment: &str| {
        let text = format!(r#"{{"command":"CANCEL_PAYMENT","orderId":"ord-1","paymentIntent":"{payment}"}}"#);
        delivery("give-up", text)
    };
    // Its own hold is never touched; another may still be recorded, and is waited for.
    shop.asked.lock().unwrap().clear();
    assert!(fulfil(&shop, &[command(&own)]).await.is_empty());
    let order = shop.order("ord-1");
    order_handlers::ports::Gateway::authorise(&shop.gateway(), &order, 2).await.unwrap();
    let other = shop.payments_of("ord-1")[1].clone();
    assert_eq!(fulfil(&shop, &[command(&other)]).await, ["give-up"]);
    shop.pass(Duration::from_secs(16 * 60));
    assert!(fulfil(&shop, &[command(&other)]).await.is_empty());
    assert_eq!(*shop.asked.lock().unwrap(), ["cancel authorisation 2"]);
}

#[tokio::test]
async fn a_refund_that_failed_days_later_marks_its_order_and_lies_where_a_person_finds_it() {
    let shop = Shop::with("TEA", &[5]);
    confirmed(&shop).await;
    for _ in 0..2 {
        assert!(reconcile(&shop, &[webhook("genuine", "refund-failed ord-1")]).await.is_empty());
        drain(&shop).await;
        assert_eq!(shop.buried.lock().unwrap().last().unwrap().reason, "REFUND_RETURNED");
        let order = shop.order("ord-1");
        // And the order says so, once, however often the gateway tells.
        assert_eq!((order.attention.unwrap().reason.as_str(), order.version), ("REFUND_RETURNED", 4));
    }
}

#[tokio::test]
async fn a_webhook_that_the_gateway_did_not_sign_is_counted_and_forgotten() {
    let shop = Shop::with("TEA", &[5]);
    reserved(&shop).await;
    let batch = [webhook("forged", "authorised ord-1"), webhook("genuine", "authorised ord-none")];
    assert!(reconcile(&shop, &batch).await.is_empty());
    assert!(forwarded(&shop).is_empty() && shop.buried.lock().unwrap().is_empty());
    assert_eq!(shop.counts.lock().unwrap()[metric::WEBHOOKS_REFUSED], 1);
}

#[tokio::test]
async fn a_renewed_hold_of_an_order_that_is_cancelled_meanwhile_goes_back_and_one_that_is_kept_does_not() {
    for cancelled in [false, true] {
        let shop = Shop::with("TEA", &[5]);
        confirmed(&shop).await;
        shop.pass(Duration::from_secs(200));
        shop.expire_authorisations("ord-1");
        if cancelled {
            shop.cancel_during_authorisation.lock().unwrap().insert(OrderId::new("ord-1").unwrap());
        }
        let renew = delivery("renew", r#"{"command":"REAUTHORISE","orderId":"ord-1"}"#);
        assert!(fulfil(&shop, &[renew]).await.is_empty());
        // The order's own is cancelled at once; the other one by a message, which is retried until it is.
        shop.pass(Duration::from_secs(16 * 60));
        let messages = std::mem::take(&mut *shop.forwarded.lock().unwrap());
        assert_eq!(messages.len(), usize::from(cancelled));
        for message in messages {
            shop.fail(Fault::Gateway, None);
            assert_eq!(deliver(&shop, &message).await, ["m"]);
            assert!(deliver(&shop, &message).await.is_empty());
        }
        let asked = shop.asked.lock().unwrap().clone();
        let expected = ["cancel authorisation 1", "cancel authorisation 2"];
        assert_eq!(asked, if cancelled { &expected[..] } else { &[] }, "{cancelled}");
    }
}

#[tokio::test]
async fn an_order_that_needs_a_person_is_left_to_that_person() {
    let shop = Shop::with("TEA", &[5]);
    reserved(&shop).await;
    let id = OrderId::new("ord-1").unwrap();
    let order = shop.order("ord-1");
    let context = delivery("m", "").command_context(Stage::Payment, Cause::AuthorisePayment, order.updated_at);
    let Decision::Apply(change) = order.needs_attention("REQUEST_REFUSED", &context) else { panic!("not marked") };
    shop.orders.lock().unwrap().insert(id, change.into_order());
    for _ in 0..3 {
        shop.pass(Duration::from_secs(3600));
        assert!(reconcile(&shop, &[sweep()]).await.is_empty());
        assert!(forwarded(&shop).is_empty());
    }
    // Only its stock is not held for ever.
    shop.pass(DAY);
    assert!(reconcile(&shop, &[sweep()]).await.is_empty());
    drain(&shop).await;
    assert_eq!((shop.order("ord-1").status, shop.units("TEA")), (OrderStatus::Cancelled, (5, 0, 0)));
}

#[tokio::test]
async fn what_is_neither_a_sweep_nor_a_webhook_is_buried() {
    let shop = Shop::open();
    assert!(reconcile(&shop, &[delivery("m", r#"{"command":"MOP"}"#), delivery("n", "")]).await.is_empty());
    assert_eq!(shop.buried.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_refund_whose_answer_was_lost_is_given_once() {
    let shop = Shop::with("TEA", &[5]);
    confirmed(&shop).await;
    let report = |update: &str, more: &str| {
        let update = format!(r#"{{"update":"{update}","orderId":"ord-1"{more}}}"#);
        delivery("r", format!(r#"{{"command":"RECORD_SHIPMENT","shipment":{update}}}"#))
    };
    let parcel = r#","shipment":{"carrier":"Royal Mail","trackingNumber":"RM1"}"#;
    for delivery in [report("DISPATCHED", parcel), report("DELIVERED", "")] {
        assert!(fulfil(&shop, &[delivery]).await.is_empty());
    }
    shop.fail(Fault::GatewayAnswer, None);
    let returned = [report("RETURNED", "")];
    assert_eq!(fulfil(&shop, &returned).await, ["r"]);
    // Another order under its id changes it, days later, when the gateway has forgotten the key.
    shop.pass(3 * DAY);
    let validate = Validate { context: StageContext { database: &shop, queue: &shop, runtime: &shop, policy: POLICY } };
    assert!(validate.run(&[delivery("other", body("ord-1", "TEA", 3))]).await.is_empty());
    assert!(fulfil(&shop, &returned).await.is_empty());
    let refunds = shop.asked.lock().unwrap().iter().filter(|asked| asked.starts_with("refund")).count();
    assert_eq!((refunds, shop.order("ord-1").payment_status), (1, PaymentStatus::Refunded));
}

#[tokio::test]
async fn a_parcel_that_comes_back_while_its_money_is_taken_is_refunded() {
    let shop = Shop::with("TEA", &[5]);
    confirmed(&shop).await;
    shop.capture_elsewhere("ord-1");
    assert!(fulfil(&shop, &[cancel()]).await.is_empty());
    let order = shop.order("ord-1");
    assert_eq!((order.status, order.payment_status), (OrderStatus::Cancelled, PaymentStatus::Refunded));
}
