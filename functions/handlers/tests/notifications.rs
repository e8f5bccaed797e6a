//! Who is told of an event, on which channel, and how often.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

#[allow(dead_code, reason = "the stages' tests use the rest of it")]
mod memory;

use std::collections::BTreeMap;

use memory::{Fault, POLICY, Shop, delivery};
use order_contract::message::{ContactCommand, ContactRecipient, Message};
use order_contract::metric;
use order_domain::event::Event;
use order_domain::id::OrderId;
use order_domain::notification::Topic;
use order_domain::order::Order;
use order_domain::request::Channel;
use order_domain::time::Timestamp;
use order_handlers::batch::Delivery;
use order_handlers::channels::Channels;
use order_handlers::consumer::StageContext;
use order_handlers::failure::Failure;
use order_handlers::ports::{
    Cursor, NotificationKey, NotificationRecord, Outcome, Page, Reads, Receipt, Recipient, Refusal, SentHistory,
};
use order_handlers::stages::contact::Contact;
use order_handlers::stages::inventory::Inventory;
use order_handlers::stages::notify::{Notify, Record};
use order_handlers::stages::payment::Payment;
use order_handlers::stages::query::{Query, Question};
use order_handlers::stages::validate::Validate;
use order_handlers::texts::Texts;

const PHONE: &str = "+447700900001";
const DEVICE: &str = "arn:aws:sns:eu-west-2:123456789012:endpoint/GCM/Shop/1";

fn all_channels() -> Channels {
    Channels { email: true, sms: Some("+44".parse().unwrap()), push: true }
}

async fn notify_by(shop: &Shop, channels: &Channels, records: &[Record]) -> Vec<String> {
    Notify { database: shop, notifier: shop, queue: shop, runtime: shop, channels }.run(records).await
}

async fn contact_by(shop: &Shop, channels: &Channels, batch: &[Delivery]) -> Vec<String> {
    let texts = Texts::compiled_in("Shop", "help@shop.example").unwrap();
    let (database, notifier, queue, runtime) = (shop, shop, shop, shop);
    Contact { context: StageContext { database, queue, runtime, policy: POLICY }, notifier, channels, texts: &texts }
        .run(batch)
        .await
}

/// The contact stage works on its queue once, in batches of ten; how many messages were given back to it.
async fn contact(shop: &Shop) -> usize {
    let batch = next(shop);
    let mut given_back = 0;
    for batch in batch.chunks(10) {
        let failed = contact_by(shop, &all_channels(), batch).await;
        given_back += failed.len();
        let back = batch.iter().filter(|delivery| failed.contains(&delivery.message_id));
        let messages = back.map(|delivery| Message::Contact(serde_json::from_str(&delivery.body).unwrap()));
        shop.forwarded.lock().unwrap().extend(messages);
    }
    given_back
}

/// Both stages once, without a failure.
async fn tell(shop: &Shop) {
    assert!(notify(shop).await.is_empty());
    assert_eq!(contact(shop).await, 0);
}

fn asked(id: &str, sequence: u64, channel: Channel) -> Delivery {
    let recipient = ContactRecipient::Channel(channel);
    let command = ContactCommand { order_id: OrderId::new(id).unwrap(), sequence, recipient };
    delivery(&format!("{id} {sequence} {}", channel.name()), serde_json::to_string(&command).unwrap())
}

/// Every event of the shop, each with its place as its record's number.
fn records(shop: &Shop) -> Vec<Record> {
    let events = shop.events.lock().unwrap();
    let records = events.values().cloned().enumerate();
    records.map(|(place, event)| Record { sequence_number: place.to_string(), event: Ok(event) }).collect()
}

async fn notify(shop: &Shop) -> Vec<String> {
    notify_by(shop, &all_channels(), &records(shop)).await
}

/// An order that was confirmed: three events, the last of them the customer's concern.
async fn confirmed(shop: &Shop, id: &str, phone: &str) {
    let body = serde_json::json!({
        "orderId": id, "customerId": "cus-1", "notify": ["EMAIL", "SMS", "PUSH"], "currency": "GBP",
        "customer": { "name": "Ada", "email": "ada@example.com", "phone": phone, "pushEndpoint": DEVICE },
        "items": [{ "sku": "TEA", "quantity": 1 }], "payment": { "method": "pm_card_visa" },
        "shippingAddress": { "line1": "1 High Street", "city": "Leeds", "postcode": "LS1 1AA", "country": "GB" },
    });
    place(shop, &body).await;
}

/// Another order, while messages wait for the contact stage.
async fn confirmed_beside(shop: &Shop, id: &str) {
    let waiting = std::mem::take(&mut *shop.forwarded.lock().unwrap());
    confirmed(shop, id, PHONE).await;
    *shop.forwarded.lock().unwrap() = waiting;
}

/// Through every stage up to the confirmation.
async fn place(shop: &Shop, body: &serde_json::Value) {
    let placed = [delivery("m", body.to_string())];
    assert!(
        Validate { context: StageContext { database: shop, queue: shop, runtime: shop, policy: POLICY } }
            .run(&placed)
            .await
            .is_empty()
    );
    let reserve = next(shop);
    assert!(
        Inventory { context: StageContext { database: shop, queue: shop, runtime: shop, policy: POLICY } }
            .run(&reserve)
            .await
            .is_empty()
    );
    let pay = next(shop);
    let payment = Payment {
        context: StageContext { database: shop, queue: shop, runtime: shop, policy: POLICY },
        gateway: shop.gateway(),
    };
    assert!(payment.run(&pay).await.is_empty());
}

/// What was forwarded, as the next stage's deliveries.
fn next(shop: &Shop) -> Vec<Delivery> {
    let commands = std::mem::take(&mut *shop.forwarded.lock().unwrap());
    let body = |command| serde_json::to_string(command).unwrap();
    commands.iter().enumerate().map(|(place, command)| delivery(&format!("m-{place}"), body(command))).collect()
}

fn told(shop: &Shop) -> Vec<String> {
    let mut told = shop.told.lock().unwrap().clone();
    told.sort_unstable();
    told
}

fn customer(channel: Channel) -> NotificationKey {
    let recipient = Recipient::Customer(channel);
    NotificationKey { order_id: OrderId::new("ord-1").unwrap(), sequence: 3, recipient }
}

const MAIL: &str = "EMAIL ada@example.com: Your order ord-1 is confirmed";
const SMS: &str = "SMS +447700900001: Shop: thank you, order ord-1 is confirmed. Total £9.99. Help: help@shop.example";
const PUSH: &str =
    "PUSH arn:aws:sns:eu-west-2:123456789012:endpoint/GCM/Shop/1: Thank you, order ord-1 is confirmed. Total £9.99.";
const TOPICS: [&str; 4] = [
    "order-confirmation: ORDER_CONFIRMED",
    "order-confirmation: ORDER_VALIDATED",
    "order-confirmation: STOCK_RESERVED",
    "payment-status: ORDER_CONFIRMED",
];

fn with_topics(customers: &[&str]) -> Vec<String> {
    customers.iter().chain(&TOPICS).map(|line| (*line).to_owned()).collect()
}

/// P5: elsewhere events were sent at best effort, and a confirmed order could be one without an event.
#[tokio::test]
async fn every_event_is_told_once_on_every_channel_however_often_the_stream_delivers_it() {
    let shop = Shop::with("TEA", &[5]);
    confirmed(&shop, "ord-1", PHONE).await;
    for _ in 0..3 {
        tell(&shop).await;
    }
    assert_eq!(told(&shop), with_topics(&[MAIL, PUSH, SMS]));
    assert_eq!(shop.counts.lock().unwrap()[metric::NOTIFICATIONS_SENT], 7);
}

#[tokio::test]
async fn the_contact_stage_is_asked_by_a_thin_message_for_each_channel_and_only_of_what_concerns_the_customer() {
    let shop = Shop::with("TEA", &[5]);
    confirmed(&shop, "ord-1", PHONE).await;
    assert!(notify(&shop).await.is_empty());
    assert_eq!(told(&shop), TOPICS);
    let bodies: Vec<String> = next(&shop).into_iter().map(|delivery| delivery.body).collect();
    let expected =
        ["EMAIL", "SMS", "PUSH"].map(|name| format!(r#"{{"orderId":"ord-1","sequence":3,"channel":"{name}"}}"#));
    assert_eq!(bodies, expected);
    // The first two events concern no customer: no order is loaded for them.
    let silent = Shop::with("TEA", &[5]);
    confirmed(&silent, "ord-1", PHONE).await;
    silent.fail(Fault::Load, None);
    assert!(notify_by(&silent, &all_channels(), &records(&silent)[..2]).await.is_empty());
}

#[tokio::test]
async fn a_record_or_message_that_one_batch_holds_twice_is_told_once() {
    let shop = Shop::with("TEA", &[5]);
    confirmed(&shop, "ord-1", PHONE).await;
    let twice: Vec<Record> = records(&shop).into_iter().chain(records(&shop)).collect();
    assert!(notify_by(&shop, &all_channels(), &twice).await.is_empty());
    let mut batch = next(&shop);
    assert_eq!(batch.len(), 3);
    batch.push(delivery("again", batch[0].body.clone()));
    assert!(contact_by(&shop, &all_channels(), &batch).await.is_empty());
    assert_eq!(told(&shop), with_topics(&[MAIL, PUSH, SMS]));
}

#[tokio::test]
async fn both_deliveries_of_a_message_that_failed_come_again() {
    let shop = Shop::with("TEA", &[5]);
    confirmed(&shop, "ord-1", PHONE).await;
    shop.down.lock().unwrap().insert("EMAIL");
    let batch = [asked("ord-1", 3, Channel::Email), delivery("again", asked("ord-1", 3, Channel::Email).body)];
    assert_eq!(contact_by(&shop, &all_channels(), &batch).await, ["ord-1 3 EMAIL", "again"]);
}

#[tokio::test]
async fn while_ses_is_down_only_e_mail_waits_and_goes_out_once_when_it_is_back() {
    let shop = Shop::with("TEA", &[5]);
    confirmed(&shop, "ord-1", PHONE).await;
    shop.down.lock().unwrap().insert("EMAIL");
    assert!(notify(&shop).await.is_empty(), "the stream waits for nobody");
    assert_eq!(contact(&shop).await, 1);
    assert_eq!(told(&shop), with_topics(&[PUSH, SMS]));
    assert_eq!(shop.postponed.lock().unwrap().len(), 1);
    // The next order's news passes the e-mail that waits.
    confirmed_beside(&shop, "ord-2").await;
    assert!(notify(&shop).await.is_empty());
    for _ in 0..3 {
        assert_eq!(contact(&shop).await, 2);
    }
    assert_eq!(told(&shop).len(), 12);
    assert!(shop.buried.lock().unwrap().is_empty());
    shop.down.lock().unwrap().clear();
    assert_eq!(contact(&shop).await, 0);
    tell(&shop).await;
    assert_eq!(told(&shop).len(), 14);
    assert_eq!(told(&shop).iter().filter(|line| *line == MAIL).count(), 1);
}

#[tokio::test]
async fn while_a_topic_is_down_only_its_events_wait_and_the_stream_goes_on() {
    let shop = Shop::with("TEA", &[5]);
    confirmed(&shop, "ord-1", PHONE).await;
    shop.down.lock().unwrap().insert("order-confirmation");
    for _ in 0..3 {
        assert!(notify(&shop).await.is_empty(), "the stream waits for nobody");
        assert_eq!(contact(&shop).await % 3, 0);
    }
    let mut expected = [MAIL, PUSH, SMS, "payment-status: ORDER_CONFIRMED"];
    expected.sort_unstable();
    assert_eq!(told(&shop), expected);
    assert!(shop.buried.lock().unwrap().is_empty());
    shop.down.lock().unwrap().clear();
    assert_eq!(contact(&shop).await, 0);
    tell(&shop).await;
    assert_eq!(told(&shop), with_topics(&[MAIL, PUSH, SMS]));
}

#[tokio::test]
async fn a_topic_that_failed_is_told_by_the_contact_stage_and_the_others_are_not() {
    let shop = Shop::with("TEA", &[5]);
    confirmed(&shop, "ord-1", PHONE).await;
    shop.fail(Fault::Publish, Some("ord-1"));
    assert!(notify(&shop).await.is_empty());
    assert_eq!(told(&shop).len(), 3);
    let bodies: Vec<String> =
        shop.forwarded.lock().unwrap().iter().map(|m| serde_json::to_string(m).unwrap()).collect();
    assert_eq!(bodies[3..], [r#"{"orderId":"ord-1","sequence":1,"topic":"order-confirmation"}"#]);
    assert_eq!(contact(&shop).await, 0);
    assert_eq!(told(&shop), with_topics(&[MAIL, PUSH, SMS]));
    tell(&shop).await;
    assert_eq!(told(&shop).len(), 7);
}

#[tokio::test]
async fn a_topic_that_can_neither_be_told_nor_be_left_to_the_contact_stage_brings_its_record_again() {
    let shop = Shop::with("TEA", &[5]);
    confirmed(&shop, "ord-1", PHONE).await;
    shop.down.lock().unwrap().insert("payment-status");
    shop.fail(Fault::Forward, Some("ord-1"));
    shop.fail(Fault::Forward, Some("ord-1"));
    shop.fail(Fault::Forward, Some("ord-1"));
    shop.fail(Fault::Forward, Some("ord-1"));
    assert_eq!(notify(&shop).await, ["2"]);
    shop.down.lock().unwrap().clear();
    tell(&shop).await;
    assert_eq!(told(&shop), with_topics(&[MAIL, PUSH, SMS]));
}

#[tokio::test]
async fn a_forward_that_failed_brings_the_record_again_and_nobody_is_told_twice() {
    let shop = Shop::with("TEA", &[5]);
    confirmed(&shop, "ord-1", PHONE).await;
    // One of the three messages is not taken.
    shop.fail(Fault::Forward, Some("ord-1"));
    assert_eq!(notify(&shop).await, ["2"]);
    assert_eq!(contact(&shop).await, 0);
    assert_eq!(told(&shop), with_topics(&[PUSH, SMS]));
    assert!(notify(&shop).await.is_empty());
    assert_eq!(shop.forwarded.lock().unwrap().len(), 3);
    assert_eq!(contact(&shop).await, 0);
    assert_eq!(told(&shop), with_topics(&[MAIL, PUSH, SMS]));
}

#[tokio::test]
async fn a_record_that_was_forwarded_but_not_recorded_is_forwarded_again_and_nobody_is_told_twice() {
    let shop = Shop::with("TEA", &[5]);
    confirmed(&shop, "ord-1", PHONE).await;
    shop.fail(Fault::Record, None);
    assert_eq!(notify(&shop).await, ["0", "1", "2"]);
    assert_eq!(contact(&shop).await, 0);
    assert!(notify(&shop).await.is_empty());
    assert_eq!(shop.forwarded.lock().unwrap().len(), 3);
    assert_eq!(contact(&shop).await, 0);
    let customers: Vec<String> = told(&shop).into_iter().filter(|line| !line.contains(": ORDER_")).collect();
    assert_eq!(customers.iter().filter(|line| [MAIL, PUSH, SMS].contains(&line.as_str())).count(), 3);
}

#[tokio::test]
async fn what_a_customer_was_told_but_could_not_be_recorded_comes_again() {
    let shop = Shop::with("TEA", &[5]);
    confirmed(&shop, "ord-1", PHONE).await;
    assert!(notify(&shop).await.is_empty());
    shop.fail(Fault::Record, None);
    assert_eq!(contact(&shop).await, 3);
    assert_eq!(contact(&shop).await, 0);
}

#[tokio::test]
async fn a_refused_address_is_recorded_with_its_reason_and_never_tried_again_and_blocks_nobody() {
    let shop = Shop::with("TEA", &[5]);
    confirmed(&shop, "ord-1", PHONE).await;
    *shop.refusals.lock().unwrap() = vec![("SMS", Refusal::InvalidNumber), ("PUSH", Refusal::EndpointDisabled)];
    tell(&shop).await;
    assert_eq!(told(&shop), with_topics(&[MAIL]));
    // The number is in order now: it is still not tried again, not even on a message that comes twice.
    shop.refusals.lock().unwrap().clear();
    tell(&shop).await;
    assert!(contact_by(&shop, &all_channels(), &[asked("ord-1", 3, Channel::Sms)]).await.is_empty());
    assert_eq!(told(&shop), with_topics(&[MAIL]));
    let sent = shop.sent.lock().unwrap();
    assert_eq!(sent[&customer(Channel::Sms)], Receipt::Refused(Refusal::InvalidNumber));
    assert_eq!(sent[&customer(Channel::Push)], Receipt::Refused(Refusal::EndpointDisabled));
    assert_eq!(sent[&customer(Channel::Email)], Receipt::Sent);
    let counts = shop.counts.lock().unwrap();
    assert_eq!((counts[metric::NOTIFICATIONS_SENT], counts[metric::NOTIFICATIONS_REFUSED]), (5, 2));
}

#[tokio::test]
async fn a_number_of_another_country_is_refused_without_a_call() {
    let shop = Shop::with("TEA", &[5]);
    confirmed(&shop, "ord-1", "+15551234567").await;
    tell(&shop).await;
    assert_eq!(told(&shop), with_topics(&[MAIL, PUSH]));
    let refused = Receipt::Refused(Refusal::CallingCodeNotPermitted);
    assert_eq!(shop.sent.lock().unwrap()[&customer(Channel::Sms)], refused);
}

#[tokio::test]
async fn a_channel_that_is_off_is_not_asked_for_and_sends_and_records_nothing() {
    let shop = Shop::with("TEA", &[5]);
    confirmed(&shop, "ord-1", PHONE).await;
    let off = Channels { email: false, sms: None, push: false };
    assert!(notify_by(&shop, &off, &records(&shop)).await.is_empty());
    assert!(shop.forwarded.lock().unwrap().is_empty());
    // It was switched off after it had been asked for.
    let batch = [Channel::Email, Channel::Sms, Channel::Push].map(|channel| asked("ord-1", 3, channel));
    assert!(contact_by(&shop, &off, &batch).await.is_empty());
    assert_eq!(told(&shop), TOPICS);
    let sent = shop.sent.lock().unwrap();
    assert!(sent.keys().all(|sending| matches!(sending.recipient, Recipient::Topic(_))), "{sent:?}");
}

#[tokio::test]
async fn a_customer_without_number_or_device_or_wish_is_told_on_the_other_channels_only() {
    let shop = Shop::with("TEA", &[5]);
    let body = |notify: serde_json::Value| {
        serde_json::json!({
            "orderId": "ord-1", "customerId": "cus-1", "notify": notify, "currency": "GBP",
            "customer": { "name": "Ada", "email": "ada@example.com" },
            "items": [{ "sku": "TEA", "quantity": 1 }], "payment": { "method": "pm_card_visa" },
            "shippingAddress": { "line1": "1", "city": "Leeds", "postcode": "LS1 1AA", "country": "GB" },
        })
    };
    place(&shop, &body(serde_json::json!(["EMAIL", "SMS", "PUSH"]))).await;
    assert!(notify(&shop).await.is_empty());
    assert_eq!(shop.forwarded.lock().unwrap().len(), 1);
    assert_eq!(contact(&shop).await, 0);
    assert_eq!(told(&shop), with_topics(&[MAIL]));
    // Four topics, the contact stage, the customer.
    assert_eq!(shop.sent.lock().unwrap().len(), 6);
    let silent = Shop::with("TEA", &[5]);
    place(&silent, &body(serde_json::json!([]))).await;
    tell(&silent).await;
    assert_eq!(told(&silent), TOPICS);
    assert_eq!(silent.sent.lock().unwrap().len(), 4);
}

#[tokio::test]
async fn orders_that_cannot_be_loaded_are_told_later() {
    let shop = Shop::with("TEA", &[5]);
    confirmed(&shop, "ord-1", PHONE).await;
    shop.fail(Fault::Load, None);
    assert_eq!(notify(&shop).await, ["0", "1", "2"]);
    assert!(told(&shop).is_empty());
    assert!(notify(&shop).await.is_empty());
    shop.fail(Fault::Load, None);
    assert_eq!(contact(&shop).await, 3);
    assert_eq!(told(&shop).len(), 4);
    assert_eq!(contact(&shop).await, 0);
    assert_eq!(told(&shop).len(), 7);
}

#[tokio::test]
async fn a_stream_record_that_is_no_event_is_buried_and_harms_no_other() {
    let shop = Shop::with("TEA", &[5]);
    confirmed(&shop, "ord-1", PHONE).await;
    let mut records = records(&shop);
    records.insert(1, Record { sequence_number: "bad".into(), event: Err("missing field `orderId`".into()) });
    assert!(notify_by(&shop, &all_channels(), &records).await.is_empty());
    assert_eq!(shop.buried.lock().unwrap()[0].reason, "NOT_AN_EVENT");
    assert_eq!(contact(&shop).await, 0);
    assert_eq!(told(&shop).len(), 7);
}

#[tokio::test]
async fn a_record_that_makes_the_work_panic_is_put_aside_and_the_stream_goes_on() {
    let shop = Shop::with("TEA", &[5]);
    for id in ["ord-1", "ord-2", "ord-3"] {
        confirmed(&shop, id, PHONE).await;
    }
    // Once with the others, and once alone.
    (0..2).for_each(|_| shop.fail(Fault::Panic, Some("ord-2")));
    assert!(notify(&shop).await.is_empty(), "a record holds up its shard");
    let buried = std::mem::take(&mut *shop.buried.lock().unwrap());
    assert_eq!((buried.len(), buried[0].reason, buried[0].message_id.as_str()), (1, "WORK_PANICKED", "3"));
    assert_eq!(buried[0].body, r#"{"sequenceNumber":"3","orderId":"ord-2","sequence":1}"#);
    assert_eq!(contact(&shop).await, 0);
    // All is recorded but the one that was put aside, which a replay asks for after the bug was mended.
    let recorded = |shop: &Shop| shop.sent.lock().unwrap().len();
    assert_eq!(recorded(&shop), 3 * 8 - 1);
    tell(&shop).await;
    assert_eq!(recorded(&shop), 3 * 8);
}

#[tokio::test]
async fn a_panic_that_does_not_come_again_puts_nothing_aside() {
    let shop = Shop::with("TEA", &[5]);
    confirmed(&shop, "ord-1", PHONE).await;
    shop.fail(Fault::Panic, Some("ord-1"));
    tell(&shop).await;
    assert!(shop.buried.lock().unwrap().is_empty());
    assert_eq!(told(&shop), with_topics(&[MAIL, PUSH, SMS]));
}

#[tokio::test]
async fn a_record_that_panics_and_cannot_be_put_aside_comes_again() {
    let shop = Shop::with("TEA", &[5]);
    confirmed(&shop, "ord-1", PHONE).await;
    (0..2).for_each(|_| shop.fail(Fault::Panic, Some("ord-1")));
    shop.fail(Fault::Bury, None);
    assert_eq!(notify(&shop).await, ["0"]);
    tell(&shop).await;
    assert_eq!(told(&shop), with_topics(&[MAIL, PUSH, SMS]));
}

#[tokio::test]
async fn what_the_contact_stage_can_never_tell_is_a_dead_letter_with_its_reason_and_harms_no_other() {
    let shop = Shop::with("TEA", &[5]);
    confirmed(&shop, "ord-1", PHONE).await;
    let batch = [
        asked("ord-1", 99, Channel::Email),
        asked("ord-2", 3, Channel::Email),
        // The stock's reservation is not the customer's concern.
        asked("ord-1", 2, Channel::Email),
        delivery("bad", r#"{"orderId":"ord-1","sequence":3,"channel":"FAX"}"#),
        asked("ord-1", 3, Channel::Email),
    ];
    assert!(contact_by(&shop, &all_channels(), &batch).await.is_empty());
    let buried = shop.buried.lock().unwrap();
    let mut reasons: Vec<_> = buried.iter().map(|letter| (letter.message_id.as_str(), letter.reason)).collect();
    reasons.sort_unstable();
    assert_eq!(
        reasons,
        [
            ("bad", "NOT_A_COMMAND"),
            ("ord-1 2 EMAIL", "ILLEGAL_COMMAND"),
            ("ord-1 99 EMAIL", "EVENT_UNKNOWN"),
            ("ord-2 3 EMAIL", "EVENT_UNKNOWN"),
        ]
    );
    assert_eq!(told(&shop), [MAIL]);
}

#[tokio::test]
async fn a_panic_while_one_customer_is_told_takes_no_other_along() {
    let shop = Shop::with("TEA", &[5]);
    confirmed(&shop, "ord-1", PHONE).await;
    assert!(notify(&shop).await.is_empty());
    shop.fail(Fault::Panic, None);
    assert_eq!(contact(&shop).await, 1);
    assert_eq!(told(&shop).len(), 6);
    assert_eq!(contact(&shop).await, 0);
    assert_eq!(told(&shop), with_topics(&[MAIL, PUSH, SMS]));
}

#[tokio::test]
async fn a_batch_without_time_comes_again_and_nobody_was_told() {
    let shop = Shop::with("TEA", &[5]);
    confirmed(&shop, "ord-1", PHONE).await;
    *shop.remaining.lock().unwrap() = std::time::Duration::from_secs(1);
    assert_eq!(notify(&shop).await, ["0", "1", "2"]);
    assert!(contact_by(&shop, &all_channels(), &[asked("ord-1", 3, Channel::Email)]).await == ["ord-1 3 EMAIL"]);
    assert!(told(&shop).is_empty());
}

#[tokio::test]
async fn a_full_batch_is_told_whole() {
    let shop = Shop::with("TEA", &[100]);
    for order in 0..34 {
        confirmed(&shop, &format!("ord-{order}"), PHONE).await;
    }
    tell(&shop).await;
    assert_eq!(told(&shop).len(), 34 * 7);
}

/// The shop's events, what its customer was told of the third, and which of them cannot be read.
struct Archive<'a>(&'a Shop, Vec<NotificationRecord>, Option<u64>);

impl Reads for Archive<'_> {
    async fn order(&self, _: &OrderId) -> Result<Option<Order>, Failure> {
        Ok(None)
    }
    async fn history(&self, id: &OrderId) -> Result<BTreeMap<u64, Result<Event, Failure>>, Failure> {
        let events = self.0.history(id.as_str()).into_iter();
        let damaged = || Err(Failure::transient_because("it cannot be read"));
        Ok(events
            .map(|event| (event.sequence, if Some(event.sequence) == self.2 { damaged() } else { Ok(event) }))
            .collect())
    }
    async fn customer_orders(
        &self,
        _: &order_domain::id::CustomerId,
        _: u16,
        _: Option<&Cursor>,
    ) -> Result<Page, Failure> {
        let unreadable = vec![(OrderId::new("ord-9").unwrap(), Failure::transient_because("it cannot be read"))];
        Ok(Page { orders: Vec::new(), unreadable, next: None })
    }
}

impl SentHistory for Archive<'_> {
    async fn told(&self, _: &OrderId) -> Result<Vec<NotificationRecord>, Failure> {
        Ok(self.1.clone())
    }
}

#[tokio::test]
async fn the_history_shows_what_the_customer_was_told_of_each_event_and_what_was_refused() {
    let shop = Shop::with("TEA", &[5]);
    confirmed(&shop, "ord-1", PHONE).await;
    let at = Some(Timestamp::from_unix_seconds(1_764_000_000).unwrap());
    let sent = NotificationRecord { sequence: 3, channel: Channel::Email, outcome: Outcome::Sent, reason: None, at };
    let reason = Some(Refusal::InvalidNumber.name().to_owned());
    let refused = NotificationRecord { sequence: 3, channel: Channel::Sms, outcome: Outcome::Refused, reason, at };
    let query = Query { database: Archive(&shop, vec![sent, refused], None) };
    let answer = query.answer(Question::History("ord-1".into())).await;
    let events = answer.body["events"].as_array().unwrap();
    assert_eq!(events[0]["notifications"], serde_json::json!([]));
    assert_eq!(
        events[2]["notifications"],
        serde_json::json!([
            { "channel": "EMAIL", "outcome": "SENT", "at": at },
            { "channel": "SMS", "outcome": "REFUSED", "reason": "INVALID_NUMBER", "at": at },
        ])
    );
    // It is still the event that it was.
    assert_eq!(serde_json::from_value::<Event>(events[2].clone()).unwrap(), shop.history("ord-1")[2]);
    assert_eq!(query.answer(Question::History("ord-2".into())).await.status, 404);
}

#[tokio::test]
async fn what_cannot_be_read_is_named_and_hides_nothing_else() {
    let shop = Shop::with("TEA", &[5]);
    confirmed(&shop, "ord-1", PHONE).await;
    let query = Query { database: Archive(&shop, Vec::new(), Some(2)) };
    let answer = query.answer(Question::History("ord-1".into())).await;
    let numbers: Vec<_> =
        answer.body["events"].as_array().unwrap().iter().map(|event| event["sequence"].clone()).collect();
    assert_eq!(
        (answer.status, numbers, &answer.body["unreadable"]),
        (200, vec![1.into(), 3.into()], &serde_json::json!([2]))
    );
    let customer = Question::CustomerOrders { customer: "cus-1".into(), limit: None, cursor: None };
    let answer = query.answer(customer).await;
    assert_eq!((answer.status, &answer.body["unreadable"]), (200, &serde_json::json!(["ord-9"])));
}

#[test]
fn every_addressee_has_a_name_of_its_own() {
    let channels = [Channel::Email, Channel::Sms, Channel::Push].map(Recipient::Customer);
    let names: std::collections::BTreeSet<_> =
        Topic::ALL.iter().copied().map(Recipient::Topic).chain(channels).map(|recipient| recipient.name()).collect();
    assert_eq!(names.len(), 6);
    assert!(names.iter().all(|name| !name.contains('#')));
}
