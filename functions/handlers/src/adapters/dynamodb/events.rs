//! Single events of orders, by their numbers.

use std::collections::{BTreeSet, HashMap};

use order_domain::event::Event;

use super::DynamoDb;
use super::items::{event_key, read};
use crate::failure::Failure;
use crate::ports::{EventKey, Events};

impl Events for DynamoDb {
    async fn events(&self, keys: &BTreeSet<EventKey>) -> Result<HashMap<EventKey, Event>, Failure> {
        let what = format!("{} events could not be loaded", keys.len());
        let keys = keys.iter().map(|(order_id, sequence)| event_key(order_id, *sequence)).collect();
        let items = self.batch_get(&self.orders, keys, &what).await?;
        let events = items.into_iter().map(|item| read::<Event>(item, "a stored event"));
        events.map(|event| event.map(|event| ((event.order_id.clone(), event.sequence), event))).collect()
    }
}
