//! Single events of orders, by their numbers.

use std::collections::BTreeSet;

use order_domain::event::Event;

use super::items::{event_key, read};
use super::{DynamoDb, Item};
use crate::failure::Failure;
use crate::ports::{EventKey, Events, Loaded};

impl Events for DynamoDb {
    async fn events(&self, keys: &BTreeSet<EventKey>) -> Result<Loaded<EventKey, Event>, Failure> {
        let what = format!("{} events could not be loaded", keys.len());
        let wanted = keys.iter().map(|key| (key, event_key(&key.0, key.1)));
        let items = self.batch_get(&self.orders, wanted, &what).await?;
        let event = |(key, item): (&EventKey, Item)| {
            (key.clone(), read::<Event>(item, &format!("event {} of order {}", key.1, key.0)))
        };
        Ok(items.into_iter().map(event).collect())
    }
}
