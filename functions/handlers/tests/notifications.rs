//! Who gets a notification of an event, on which channel, and how often.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

#[allow(dead_code, reason = "the stages' tests use the rest of it")]
mod memory;

use std::collections::BTreeMap;

use memory::{Fault, POLICY, Shop, delivery};
use order_contract::api::answers::{NotificationOutcome, NotificationRecord};
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
use order_handlers::ports::{Cursor, NotificationKey, Page, Reads, Receipt, Recipient, Refusal, SentHistory};
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

/// Runs the contact stage once on its queue, in batches of ten. Returns the number of messages that returned to the queue.
async fn contact(shop: &Shop) -> usize {
    let batch = next(shop);
    let mut returned = 0;
    for batch in batch.chunks(10) {
        let failed = contact_by(shop, &all_channels(), batch).await;
        returned += failed.len();
        let back = batch.iter().filter(|delivery| failed.contains(&delivery.message_id));
        let messages = back.map(|delivery| Message::Contact(serde_json::from_str(&delivery.body).unwrap()));
        shop.forwarded.lock().unwrap().extend(messages);
    }
    returned
}

/// Runs both stages once, without a failure.
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

/// A confirmed order: three events, of which only the last one has a notice for the customer.
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

/// Runs every stage up to the confirmation.
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

/// The forwarded messages, as the next stage's deliveries.
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
async fn every_event_is_sent_once_on_every_channel_even_if_the_stream_repeats_it() {
    let shop = Shop::with("TEA", &[5]);
    confirmed(&shop, "ord-1", PHONE).await;
    for _ in 0..3 {
        tell(&shop).await;
    }
    assert_eq!(told(&shop), with_topics(&[MAIL, PUSH, SMS]));
    assert_eq!(shop.counts.lock().unwrap()[metric::NOTIFICATIONS_SENT], 7);
}

#[tokio::test]
async fn the_contact_stage_gets_a_thin_message_for_each_channel_and_only_for_events_with_a_notice() {
    let shop = Shop::with("TEA", &[5]);
    confirmed(&shop, "ord-1", PHONE).await;
    assert!(notify(&shop).await.is_empty());
    assert_eq!(told(&shop), TOPICS);
    let bodies: Vec<String> = next(&shop).into_iter().map(|delivery| delivery.body).collect();
    let expected =
        ["EMAIL", "SMS", "PUSH"].map(|name| format!(r#"{{"orderId":"ord-1","sequence":3,"channel":"{name}"}}"#));
    assert_eq!(bodies, expected);
    // The first two events have no notice: no order is loaded for them.
    let silent = Shop::with("TEA", &[5]);
    confirmed(&silent, "ord-1", PHONE).await;
    silent.fail(Fault::Load, None);
    assert!(notify_by(&silent, &all_channels(), &records(&silent)[..2]).await.is_empty());
}

#[tokio::test]
async fn a_record_or_message_that_is_twice_in_a_batch_is_sent_once() {
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
async fn both_deliveries_of_a_failed_message_return_to_the_queue() {
    let shop = Shop::with("TEA", &[5]);
    confirmed(&shop, "ord-1", PHONE).await;
    shop.down.lock().unwrap().insert("EMAIL");
    let batch = [asked("ord-1", 3, Channel::Email), delivery("again", asked("ord-1", 3, Channel::Email).body)];
    assert_eq!(contact_by(&shop, &all_channels(), &batch).await, ["ord-1 3 EMAIL", "again"]);
}

#[tokio::test]
async fn while_ses_is_down_only_e_mail_waits_and_is_sent_once_afterwards() {
    let shop = Shop::with("TEA", &[5]);
    confirmed(&shop, "ord-1", PHONE).await;
    shop.down.lock().unwrap().insert("EMAIL");
    assert!(notify(&shop).await.is_empty(), "the stream waits for nobody");
    assert_eq!(contact(&shop).await, 1);
    assert_eq!(told(&shop), with_topics(&[PUSH, SMS]));
    assert_eq!(shop.postponed.lock().unwrap().len(), 1);
    // The next order's notifications overtake the waiting e-mail.
    confirmed_beside(&shop, "ord-2").await;
    assert!(notify(&shop).await.is_empty());
    for _ in 0..3 {
        assert_eq!(contact(&shop).await, 2);
    }
    assert_eq!(told(&shop).len(), 12);
    assert!(shop.dead_lettered.lock().unwrap().is_empty());
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
    assert!(shop.dead_lettered.lock().unwrap().is_empty());
    shop.down.lock().unwrap().clear();
    assert_eq!(contact(&shop).await, 0);
    tell(&shop).await;
    assert_eq!(told(&shop), with_topics(&[MAIL, PUSH, SMS]));
}

#[tokio::test]
async fn a_topic_that_failed_is_published_by_the_contact_stage_and_the_others_are_not() {
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
async fn a_record_is_delivered_again_if_its_topic_and_the_contact_stages_queue_fail() {
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
async fn after_a_failed_forward_the_record_is_delivered_again_and_nothing_is_sent_twice() {
    let shop = Shop::with("TEA", &[5]);
    confirmed(&shop, "ord-1", PHONE).await;
    // The queue refuses one of the three messages.
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
async fn a_record_that_was_forwarded_but_not_recorded_is_forwarded_again_and_nothing_is_sent_twice() {
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
async fn a_notification_that_could_not_be_recorded_is_sent_again() {
    let shop = Shop::with("TEA", &[5]);
    confirmed(&shop, "ord-1", PHONE).await;
    assert!(notify(&shop).await.is_empty());
    shop.fail(Fault::Record, None);
    assert_eq!(contact(&shop).await, 3);
    assert_eq!(contact(&shop).await, 0);
}

#[tokio::test]
async fn a_refused_address_is_recorded_with_its_reason_and_never_tried_again() {
    let shop = Shop::with("TEA", &[5]);
    confirmed(&shop, "ord-1", PHONE).await;
    *shop.refusals.lock().unwrap() = vec![("SMS", Refusal::InvalidNumber), ("PUSH", Refusal::EndpointDisabled)];
    tell(&shop).await;
    assert_eq!(told(&shop), with_topics(&[MAIL]));
    // The number is valid now. It is still not tried again, not even for a repeated message.
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
    // It was switched off after the message was sent to the queue.
    let batch = [Channel::Email, Channel::Sms, Channel::Push].map(|channel| asked("ord-1", 3, channel));
    assert!(contact_by(&shop, &off, &batch).await.is_empty());
    assert_eq!(told(&shop), TOPICS);
    let sent = shop.sent.lock().unwrap();
    assert!(sent.keys().all(|sending| matches!(sending.recipient, Recipient::Topic(_))), "{sent:?}");
}

#[tokio::test]
async fn a_customer_without_a_number_or_device_is_notified_on_the_other_channels_only() {
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
async fn events_of_orders_that_cannot_be_loaded_are_published_later() {
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
async fn a_stream_record_without_an_event_is_quarantined_and_harms_no_other() {
    let shop = Shop::with("TEA", &[5]);
    confirmed(&shop, "ord-1", PHONE).await;
    let mut records = records(&shop);
    records.insert(1, Record { sequence_number: "bad".into(), event: Err("missing field `orderId`".into()) });
    assert!(notify_by(&shop, &all_channels(), &records).await.is_empty());
    assert_eq!(shop.dead_lettered.lock().unwrap()[0].reason, "NOT_AN_EVENT");
    assert_eq!(contact(&shop).await, 0);
    assert_eq!(told(&shop).len(), 7);
}

#[tokio::test]
async fn a_record_that_makes_the_stage_panic_is_quarantined_and_the_stream_goes_on() {
    let shop = Shop::with("TEA", &[5]);
    for id in ["ord-1", "ord-2", "ord-3"] {
        confirmed(&shop, id, PHONE).await;
    }
    // Processed once with the others, and once alone.
    (0..2).for_each(|_| shop.fail(Fault::Panic, Some("ord-2")));
    assert!(notify(&shop).await.is_empty(), "a record holds up its shard");
    let dead_lettered = std::mem::take(&mut *shop.dead_lettered.lock().unwrap());
    assert_eq!(
        (dead_lettered.len(), dead_lettered[0].reason, dead_lettered[0].message_id.as_str()),
        (1, "WORK_PANICKED", "3")
    );
    assert_eq!(dead_lettered[0].body, r#"{"sequenceNumber":"3","orderId":"ord-2","sequence":1}"#);
    assert_eq!(contact(&shop).await, 0);
    // Everything is recorded except for the quarantined record, which a replay sends again after the fix.
    let recorded = |shop: &Shop| shop.sent.lock().unwrap().len();
    assert_eq!(recorded(&shop), 3 * 8 - 1);
    tell(&shop).await;
    assert_eq!(recorded(&shop), 3 * 8);
}

#[tokio::test]
async fn a_panic_that_does_not_repeat_quarantines_nothing() {
    let shop = Shop::with("TEA", &[5]);
    confirmed(&shop, "ord-1", PHONE).await;
    shop.fail(Fault::Panic, Some("ord-1"));
    tell(&shop).await;
    assert!(shop.dead_lettered.lock().unwrap().is_empty());
    assert_eq!(told(&shop), with_topics(&[MAIL, PUSH, SMS]));
}

#[tokio::test]
async fn a_record_that_panics_and_cannot_be_quarantined_is_delivered_again() {
    let shop = Shop::with("TEA", &[5]);
    confirmed(&shop, "ord-1", PHONE).await;
    (0..2).for_each(|_| shop.fail(Fault::Panic, Some("ord-1")));
    shop.fail(Fault::DeadLetter, None);
    assert_eq!(notify(&shop).await, ["0"]);
    tell(&shop).await;
    assert_eq!(told(&shop), with_topics(&[MAIL, PUSH, SMS]));
}

#[tokio::test]
async fn a_notification_that_can_never_be_sent_is_dead_lettered_with_its_reason_and_harms_no_other() {
    let shop = Shop::with("TEA", &[5]);
    confirmed(&shop, "ord-1", PHONE).await;
    let batch = [
        asked("ord-1", 99, Channel::Email),
        asked("ord-2", 3, Channel::Email),
        // The stock's reservation has no notice.
        asked("ord-1", 2, Channel::Email),
        delivery("bad", r#"{"orderId":"ord-1","sequence":3,"channel":"FAX"}"#),
        asked("ord-1", 3, Channel::Email),
    ];
    assert!(contact_by(&shop, &all_channels(), &batch).await.is_empty());
    let dead_lettered = shop.dead_lettered.lock().unwrap();
    let mut reasons: Vec<_> =
        dead_lettered.iter().map(|message| (message.message_id.as_str(), message.reason)).collect();
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
async fn a_panic_in_one_notification_does_not_affect_the_others() {
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
async fn a_batch_without_time_returns_to_the_queue_and_nothing_was_sent() {
    let shop = Shop::with("TEA", &[5]);
    confirmed(&shop, "ord-1", PHONE).await;
    *shop.remaining.lock().unwrap() = std::time::Duration::from_secs(1);
    assert_eq!(notify(&shop).await, ["0", "1", "2"]);
    assert!(contact_by(&shop, &all_channels(), &[asked("ord-1", 3, Channel::Email)]).await == ["ord-1 3 EMAIL"]);
    assert!(told(&shop).is_empty());
}

#[tokio::test]
async fn a_full_batch_is_sent_whole() {
    let shop = Shop::with("TEA", &[100]);
    for order in 0..34 {
        confirmed(&shop, &format!("ord-{order}"), PHONE).await;
    }
    tell(&shop).await;
    assert_eq!(told(&shop).len(), 34 * 7);
}

/// The shop's events, the customer's notifications of the third one, and the unreadable events.
struct Archive<'a>(&'a Shop, Vec<(u64, NotificationRecord)>, Option<u64>);

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
    async fn told(&self, _: &OrderId) -> Result<Vec<(u64, NotificationRecord)>, Failure> {
        Ok(self.1.clone())
    }
}

#[tokio::test]
async fn the_history_shows_each_events_notifications_and_refusals() {
    let shop = Shop::with("TEA", &[5]);
    confirmed(&shop, "ord-1", PHONE).await;
    let at = Some(Timestamp::from_unix_seconds(1_764_000_000).unwrap());
    let sent = NotificationRecord { channel: Channel::Email, outcome: NotificationOutcome::Sent, reason: None, at };
    let reason = Some(Refusal::InvalidNumber.name().to_owned());
    let refused = NotificationRecord { channel: Channel::Sms, outcome: NotificationOutcome::Refused, reason, at };
    let query = Query { database: Archive(&shop, vec![(3, sent), (3, refused)], None) };
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
    // The event itself is unchanged.
    assert_eq!(serde_json::from_value::<Event>(events[2].clone()).unwrap(), shop.history("ord-1")[2]);
    assert_eq!(query.answer(Question::History("ord-2".into())).await.status, 404);
}

#[tokio::test]
async fn an_unreadable_event_is_named_and_hides_no_other() {
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
fn every_recipient_has_its_own_name() {
    let channels = [Channel::Email, Channel::Sms, Channel::Push].map(Recipient::Customer);
    let names: std::collections::BTreeSet<_> =
        Topic::ALL.iter().copied().map(Recipient::Topic).chain(channels).map(|recipient| recipient.name()).collect();
    assert_eq!(names.len(), 6);
    assert!(names.iter().all(|name| !name.contains('#')));
}
