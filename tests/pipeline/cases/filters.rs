//! Other systems that want to hear of some events only: the attributes of a message are what a subscription filters by.

use std::collections::BTreeMap;

use order_domain::event::EventType;
use order_domain::notification::Topic;
use serde_json::{Value, json};

use crate::observer::{arn_of, queue_for_topics};
use crate::order::{id, order_of, unique, with};
use crate::shop::Shop;
use crate::wait::until;

super::cases![a_subscription_filtered_by_all_four_attributes_gets_its_events_and_no_others];

/// A subscription's queue, and the ids of the orders whose events it got.
struct Subscription {
    queue: String,
    policy: Value,
}

impl Subscription {
    async fn new(shop: &Shop, policy: Value) -> Self {
        let (queue, arn) = queue_for_topics(&shop.sqs, &unique("subscriber-")).await;
        let subscribe = shop.sns.subscribe().topic_arn(arn_of(Topic::OrderConfirmation, &shop.connection));
        let subscribe = subscribe.protocol("sqs").endpoint(arn).attributes("RawMessageDelivery", "true");
        subscribe.attributes("FilterPolicy", policy.to_string()).send().await.unwrap();
        Self { queue, policy }
    }

    /// The orders and events that are in the queue now; they stay there.
    async fn told(&self, shop: &Shop) -> Vec<(String, String)> {
        let receive = shop.sqs.receive_message().queue_url(&self.queue).max_number_of_messages(10);
        let messages = receive.visibility_timeout(0).send().await.unwrap().messages.unwrap_or_default();
        let events = messages.iter().map(|message| serde_json::from_str(message.body().unwrap()).unwrap());
        let text = |event: &Value, field: &str| event[field].as_str().unwrap().to_owned();
        events.map(|event: Value| (text(&event, "orderId"), text(&event, "eventType"))).collect()
    }
}

async fn a_subscription_filtered_by_all_four_attributes_gets_its_events_and_no_others(shop: &Shop) {
    let tea = shop.stock(5, 1).await;
    let (ours, theirs) = (order_of(tea.sku.as_str()), order_of(tea.sku.as_str()));
    let rejected = with(order_of("NO-SUCH-SKU"), json!({ "customerId": ours["customerId"] }));
    let right = BTreeMap::from([
        ("eventType", json!("ORDER_CONFIRMED")),
        ("status", json!("CONFIRMED")),
        ("customerId", ours["customerId"].clone()),
        ("environment", json!("local")),
    ]);
    let policy = |attributes: &BTreeMap<&str, Value>| {
        attributes.iter().map(|(name, value)| ((*name).to_owned(), json!([value]))).collect::<Value>()
    };
    let all_four = Subscription::new(shop, policy(&right)).await;
    // Each of these is right but for one attribute, so that the one alone keeps everything away.
    let mut but_for_one = Vec::new();
    for (name, other) in [
        ("eventType", json!("ORDER_CANCELLED")),
        ("status", json!("RESERVED")),
        ("customerId", json!("cus-nobody")),
        ("environment", json!("prod")),
    ] {
        let mut wrong = right.clone();
        wrong.insert(name, other);
        but_for_one.push(Subscription::new(shop, policy(&wrong)).await);
    }
    // And these filter by a single one: what differs in it only is told too.
    let of_customer = Subscription::new(shop, json!({ "customerId": [ours["customerId"]] })).await;

    shop.place_at_once(&[ours.clone(), theirs.clone(), rejected.clone()]).await;
    for order in [&ours, &theirs] {
        shop.published(order, |events| events.len() == 4).await;
    }
    shop.published(&rejected, |events| events == [EventType::OrderRejected]).await;

    let confirmation = (id(&ours).to_owned(), "ORDER_CONFIRMED".to_owned());
    let told = until("the one event", async || all_four.told(shop).await, |told| !told.is_empty()).await;
    assert_eq!(told, [confirmation]);
    let of_customer_told = of_customer.told(shop).await;
    assert_eq!(of_customer_told.len(), 4, "three of the order and one of the rejected: {of_customer_told:?}");
    assert!(of_customer_told.iter().all(|(order, _)| order != id(&theirs)), "{of_customer_told:?}");
    for subscription in but_for_one {
        assert_eq!(subscription.told(shop).await, [], "{}", subscription.policy);
        shop.sqs.delete_queue().queue_url(subscription.queue).send().await.unwrap();
    }
    for subscription in [all_four, of_customer] {
        shop.sqs.delete_queue().queue_url(subscription.queue).send().await.unwrap();
    }
}
