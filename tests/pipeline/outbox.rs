//! When every test is over: whatever the tests did, each event that is stored was told by each of its topics, and once. Nothing
//! here loses an answer or dies, so nothing can have been published again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use order_contract::table;
use order_domain::event::EventType;
use order_domain::notification::{Topic, topics_of};

use crate::shop::Shop;
use crate::wait::{DEADLINE, PAUSE};

/// A telling: order, number of the event, topic.
type Telling = (String, u64, Topic);

/// P5: elsewhere events were sent at best effort, and a confirmed order could be one without an event.
///
/// What is wrong with the tellings of all events, if anything.
pub async fn each_event_was_published_once_by_each_of_its_topics(shop: &Shop) -> Result<(), String> {
    let started = Instant::now();
    loop {
        // In this order: an event that comes in between is due, and not told yet.
        let told = told(shop).await;
        let due = due(shop).await;
        let missing: Vec<_> = due.iter().filter(|telling| !told.contains_key(*telling)).collect();
        if missing.is_empty() {
            let wrong: Vec<_> =
                told.iter().filter(|(telling, copies)| **copies != 1 || !due.contains(*telling)).collect();
            println!("{} events were told, {} times too often", due.len(), wrong.len());
            return if wrong.is_empty() { Ok(()) } else { Err(format!("told too often, or of nothing: {wrong:?}")) };
        }
        if started.elapsed() >= DEADLINE {
            return Err(format!("not told in {DEADLINE:?}: {missing:?}"));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The notifications that the events in the table require.
async fn due(shop: &Shop) -> BTreeSet<Telling> {
    let events = shop.dynamodb.scan().table_name(&shop.connection.orders_table).consistent_read(true);
    let events = events
        .filter_expression("begins_with(sk, :event)")
        .expression_attribute_values(":event", aws_sdk_dynamodb::types::AttributeValue::S(table::EVENT_PREFIX.into()));
    let events = events.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await.unwrap();
    let mut due = BTreeSet::new();
    for event in events {
        let (order, name) = (event["orderId"].as_s().unwrap(), event["eventType"].as_s().unwrap());
        let sequence: u64 = event["sequence"].as_n().unwrap().parse().unwrap();
        let event_type = EventType::ALL.iter().copied().find(|known| known.name() == name).unwrap();
        due.extend(topics_of(event_type).iter().map(|topic| (order.clone(), sequence, *topic)));
    }
    due
}

/// What was told until now, and how often.
async fn told(shop: &Shop) -> BTreeMap<Telling, usize> {
    let mut told = BTreeMap::new();
    for heard in shop.everything_heard().await {
        *told.entry((heard.event.order_id.to_string(), heard.event.sequence, heard.topic)).or_default() += 1;
    }
    told
}
