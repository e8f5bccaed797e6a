//! An item that cannot be read is the failure of whoever needs it, and of nobody else.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

#[allow(dead_code, reason = "the stages' tests use the rest of it")]
mod memory;

use std::time::Duration;

use memory::{POLICY, Shop, body, delivery};
use order_domain::order::OrderStatus;
use order_domain::time::Timestamp;
use order_domain::transition::overdue::CHECK_AFTER;
use order_handlers::batch::Delivery;
use order_handlers::channels::Channels;
use order_handlers::consumer::StageContext;
use order_handlers::ports::{DeadLetter, Recipient, Signed};
use order_handlers::stages::contact::Contact;
use order_handlers::stages::inventory::Inventory;
use order_handlers::stages::notify::{Notify, Record};
use order_handlers::stages::payment::Payment;
use order_handlers::stages::reconcile::Reconcile;
use order_handlers::stages::validate::Validate;
use order_handlers::texts::Texts;

const UNREADABLE: &str = "ITEM_UNREADABLE";

fn break_item(shop: &Shop, name: &str) {
    shop.unreadable.lock().unwrap().insert(name.to_owned());
}

/// A person mends what cannot be read.
fn mend(shop: &Shop) {
    shop.unreadable.lock().unwrap().clear();
}

fn letters(shop: &Shop) -> Vec<DeadLetter> {
    std::mem::take(&mut *shop.buried.lock().unwrap())
}

fn reasons(letters: &[DeadLetter]) -> Vec<(&str, &str)> {
    letters.iter().map(|letter| (letter.message_id.as_str(), letter.reason)).collect()
}

/// What was forwarded, as the next stage's deliveries, named by their orders.
fn next(shop: &Shop) -> Vec<Delivery> {
    let messages = std::mem::take(&mut *shop.forwarded.lock().unwrap());
    let body = |message| serde_json::to_string(message).unwrap();
    messages.iter().map(|message| delivery(message.order_id().as_str(), body(message))).collect()
}

async fn validate(shop: &Shop, batch: &[Delivery]) -> Vec<String> {
    Validate { context: StageContext { database: shop, queue: shop, runtime: shop, policy: POLICY } }.run(batch).await
}

async fn payment(shop: &Shop, batch: &[Delivery]) -> Vec<String> {
    Payment {
        context: StageContext { database: shop, queue: shop, runtime: shop, policy: POLICY },
        gateway: shop.gateway(),
    }
    .run(batch)
    .await
}

async fn reconcile(shop: &Shop, batch: &[Delivery]) -> Vec<String> {
    Reconcile { context: StageContext { database: shop, queue: shop, runtime: shop, policy: POLICY }, webhooks: shop }
        .run(batch)
        .await
}

async fn notify(shop: &Shop) -> Vec<String> {
    let events = shop.events.lock().unwrap().clone();
    let record = |(place, event): (usize, _)| Record { sequence_number: place.to_string(), event: Ok(event) };
    let records: Vec<Record> = events.into_values().enumerate().map(record).collect();
    Notify { database: shop, notifier: shop, queue: shop, runtime: shop, channels: &channels() }.run(&records).await
}

async fn contact(shop: &Shop, batch: &[Delivery]) -> Vec<String> {
    let (channels, texts) = (channels(), Texts::compiled_in("Shop", "help@shop.example").unwrap());
    let (database, notifier, queue, runtime) = (shop, shop, shop, shop);
    let (channels, texts) = (&channels, &texts);
    Contact { context: StageContext { database, queue, runtime, policy: POLICY }, notifier, channels, texts }
        .run(batch)
        .await
}

fn channels() -> Channels {
    Channels { email: false, sms: Some("+44".parse().unwrap()), push: false }
}

fn placed(ids: &[&str], sku: &str) -> Vec<Delivery> {
    ids.iter().map(|id| delivery(id, body(id, sku, 1))).collect()
}

/// Reserved orders, with their messages for payment.
async fn reserved(shop: &Shop, ids: &[&str]) -> Vec<Delivery> {
    assert!(validate(shop, &placed(ids, "TEA")).await.is_empty());
    let inventory = Inventory { context: StageContext { database: shop, queue: shop, runtime: shop, policy: POLICY } };
    assert!(inventory.run(&next(shop)).await.is_empty());
    next(shop)
}

async fn confirmed(shop: &Shop, ids: &[&str]) {
    assert!(payment(shop, &reserved(shop, ids).await).await.is_empty());
}

#[tokio::test]
async fn of_a_batch_of_orders_only_the_one_that_cannot_be_read_is_a_dead_letter_and_it_is_not_marked() {
    let shop = Shop::with("TEA", &[5]);
    let commands = reserved(&shop, &["ord-1", "ord-2", "ord-3"]).await;
    break_item(&shop, "ord-2");
    assert!(payment(&shop, &commands).await.is_empty());
    let buried = letters(&shop);
    assert_eq!(reasons(&buried), [("ord-2", UNREADABLE)]);
    let status = |id| shop.order(id).status;
    assert_eq!(
        ["ord-1", "ord-2", "ord-3"].map(status),
        [OrderStatus::Confirmed, OrderStatus::Reserved, OrderStatus::Confirmed]
    );
    assert_eq!(shop.order("ord-2").attention, None);
    // Its letter is redriven after a person mended the item.
    mend(&shop);
    assert!(payment(&shop, &[delivery("again", buried[0].body.clone())]).await.is_empty());
    assert_eq!(status("ord-2"), OrderStatus::Confirmed);
}

#[tokio::test]
async fn an_order_that_comes_again_and_cannot_be_read_by_now_takes_no_other_along() {
    let shop = Shop::with("TEA", &[5]);
    let ids = ["ord-1", "ord-2"];
    assert!(validate(&shop, &placed(&ids, "TEA")).await.is_empty());
    next(&shop);
    break_item(&shop, "ord-1");
    assert!(validate(&shop, &placed(&ids, "TEA")).await.is_empty());
    assert_eq!(reasons(&letters(&shop)), [("ord-1", UNREADABLE)]);
    assert_eq!(next(&shop).len(), 1);
}

#[tokio::test]
async fn a_product_that_cannot_be_read_fails_only_the_orders_that_ask_for_it() {
    let shop = Shop::with("TEA", &[5]);
    shop.stock("MUG", &[5]);
    break_item(&shop, "MUG");
    let batch = [placed(&["ord-1"], "TEA"), placed(&["ord-2"], "MUG"), placed(&["ord-3"], "NONE")].concat();
    assert!(validate(&shop, &batch).await.is_empty());
    assert_eq!(reasons(&letters(&shop)), [("ord-2", UNREADABLE)]);
    assert_eq!(shop.order("ord-1").status, OrderStatus::Validated);
    assert_eq!(shop.order("ord-3").status, OrderStatus::Rejected);
}

#[tokio::test]
async fn a_delivery_charge_that_cannot_be_read_fails_only_the_orders_in_its_currency() {
    let shop = Shop::with("TEA", &[5]);
    break_item(&shop, "EUR");
    let in_euros = delivery("ord-2", body("ord-2", "TEA", 1).replace("GBP", "EUR"));
    assert!(validate(&shop, &[placed(&["ord-1"], "TEA"), vec![in_euros]].concat()).await.is_empty());
    assert_eq!(reasons(&letters(&shop)), [("ord-2", UNREADABLE)]);
    assert_eq!(shop.order("ord-1").status, OrderStatus::Validated);
}

#[tokio::test]
async fn a_sweep_passes_over_an_order_that_cannot_be_read_counts_it_and_looks_again_later() {
    let shop = Shop::with("TEA", &[5]);
    reserved(&shop, &["ord-1", "ord-2", "ord-3"]).await;
    break_item(&shop, "ord-1");
    let sweep = [delivery("sweep", r#"{"command":"SWEEP"}"#)];
    let brought_on = |shop: &Shop| next(shop).iter().map(|message| message.message_id.clone()).collect::<Vec<_>>();
    let unreadable = |shop: &Shop| shop.counts.lock().unwrap().get(order_contract::metric::ORDERS_UNREADABLE).copied();
    shop.pass(CHECK_AFTER + Duration::from_secs(1));
    assert!(reconcile(&shop, &sweep).await.is_empty());
    assert_eq!((brought_on(&shop), unreadable(&shop)), (vec!["ord-2".to_owned(), "ord-3".to_owned()], Some(1)));
    // The next sweep does not find it first in the index again.
    shop.pass(Duration::from_secs(60));
    assert!(reconcile(&shop, &sweep).await.is_empty());
    assert_eq!((brought_on(&shop).len(), unreadable(&shop)), (0, Some(1)));
    mend(&shop);
    shop.pass(CHECK_AFTER);
    assert!(reconcile(&shop, &sweep).await.is_empty());
    assert_eq!((brought_on(&shop).first().map(String::as_str), unreadable(&shop)), (Some("ord-1"), Some(1)));
    assert!(letters(&shop).is_empty());
}

#[tokio::test]
async fn a_webhook_about_an_order_that_cannot_be_read_harms_no_other_and_keeps_its_signature() {
    let shop = Shop::with("TEA", &[5]);
    reserved(&shop, &["ord-1", "ord-2"]).await;
    break_item(&shop, "ord-1");
    let accepted_at = Timestamp::from_unix_seconds(1_764_000_000).unwrap();
    let signed = Some(Signed { signature: "genuine".into(), accepted_at });
    let webhook = |id: &str| Delivery { signed: signed.clone(), ..delivery(id, format!("authorised {id}")) };
    assert!(reconcile(&shop, &[webhook("ord-1"), webhook("ord-2")]).await.is_empty());
    let buried = letters(&shop);
    assert_eq!(reasons(&buried), [("ord-1", UNREADABLE)]);
    assert_eq!(buried[0].signed, signed);
    assert_eq!(next(&shop).len(), 1);
}

#[tokio::test]
async fn the_stream_goes_on_behind_an_order_that_cannot_be_read_and_its_topics_are_told() {
    let shop = Shop::with("TEA", &[5]);
    confirmed(&shop, &["ord-1", "ord-2"]).await;
    break_item(&shop, "ord-1");
    assert!(notify(&shop).await.is_empty(), "a record holds up its shard");
    // Four tellings of topics for each order; only the customer of the one that can be read is told.
    assert_eq!(shop.told.lock().unwrap().len(), 8);
    let to_contact = next(&shop);
    assert_eq!(to_contact.len(), 1);
    assert!(to_contact[0].body.contains("ord-2"));
    let buried = letters(&shop);
    assert_eq!(reasons(&buried), [("2", UNREADABLE)]);
    assert_eq!(buried[0].body, r#"{"sequenceNumber":"2","orderId":"ord-1","sequence":3}"#);
    // A replay, after it was mended, asks for just what was left out.
    mend(&shop);
    assert!(notify(&shop).await.is_empty());
    assert_eq!((shop.told.lock().unwrap().len(), next(&shop).len()), (8, 1));
}

#[tokio::test]
async fn a_customer_whose_order_or_event_cannot_be_read_keeps_no_other_from_being_told() {
    let shop = Shop::with("TEA", &[5]);
    confirmed(&shop, &["ord-1", "ord-2", "ord-3"]).await;
    assert!(notify(&shop).await.is_empty());
    let batch = next(&shop);
    break_item(&shop, "ord-1");
    break_item(&shop, "ord-2#3");
    assert!(contact(&shop, &batch).await.is_empty());
    assert_eq!(reasons(&letters(&shop)), [("ord-1", UNREADABLE), ("ord-2", UNREADABLE)]);
    let sent = shop.sent.lock().unwrap();
    let customers = sent.keys().filter(|sending| matches!(sending.recipient, Recipient::Customer(_)));
    assert_eq!(customers.map(|sending| sending.order_id.as_str()).collect::<Vec<_>>(), ["ord-3"]);
}
