//! The customers' notifications: the texts on their phones, the mails in their mailboxes.

use order_domain::request::Channel;
use scenario::demo::{Mails, Texts};

use crate::orders::{Batch, Planned};
use crate::world::World;

/// Everything that was sent to customers until now.
#[derive(Debug)]
pub struct Sent {
    texts: Texts,
    mails: Mails,
}

impl Sent {
    pub async fn until_now(world: &World<'_>) -> Self {
        let (http, connection) = (&world.shop.http, &world.shop.connection);
        Self {
            texts: Texts::read(http, connection).await.unwrap(),
            mails: Mails::read(http, connection).await.unwrap(),
        }
    }

    /// How many messages the customers of a batch got on a channel.
    pub fn on(&self, channel: Channel, batch: &Batch) -> usize {
        batch.orders.iter().map(|planned| self.about(planned, channel)).sum()
    }

    /// The orders whose customers were not notified of each step once on a channel, a line each.
    pub fn astray(&self, channel: Channel, batch: &Batch) -> Vec<String> {
        let astray = batch.orders.iter().filter_map(|planned| {
            let (sent, due) = (self.about(planned, channel), planned.kind.end().texts());
            (sent != due)
                .then(|| format!("{} ({:?}): {channel:?} {sent} times and not {due}", planned.id, planned.kind))
        });
        astray.collect()
    }

    fn about(&self, planned: &Planned, channel: Channel) -> usize {
        let to = |field: &str| planned.document["customer"][field].as_str().unwrap_or_default();
        match channel {
            Channel::Email => self.mails.about(to("email"), planned.id.as_str()),
            Channel::Sms => self.texts.about(to("phone"), planned.id.as_str()),
            // The emulator refuses pushes; nobody here asks for one.
            Channel::Push => 0,
        }
    }
}
