//! A standard queue of SQS: at least once, in no certain order, with visibility timeouts, receive counts, a limit of
//! receives and a retention.

use std::collections::{BTreeMap, BTreeSet};

use crate::random::Random;
use crate::settings::RETENTION;

/// How many of a hundred messages a receive does not find: SQS asks only some of its servers
/// (docs.aws.amazon.com/AWSSimpleQueueService, sqs-short-and-long-polling).
const OVERLOOKED: u32 = 15;
/// How many of the messages that came first a receive picks from where a queue is only slightly out of order.
const SLIGHTLY: usize = 12;

/// A message in a queue.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) id: u64,
    pub(crate) body: String,
    /// The number of its order, if there is one.
    pub(crate) order: Option<u32>,
    pub(crate) sent_at: u64,
    pub(crate) receives: u32,
    /// It kills every process that receives it.
    pub(crate) poison: bool,
    /// The signature that came with a webhook.
    pub(crate) signature: Option<String>,
    /// A webhook that the gateway did not send.
    pub(crate) forged: bool,
    visible_at: u64,
    handle: u64,
}

/// A message that is sent to a queue.
#[derive(Debug, Default)]
pub(crate) struct Posted {
    pub(crate) body: String,
    pub(crate) order: Option<u32>,
    pub(crate) poison: bool,
    pub(crate) signature: Option<String>,
    pub(crate) forged: bool,
}

impl Message {
    /// The id that a delivery of it carries.
    pub(crate) fn name(&self) -> String {
        format!("m-{}", self.id)
    }
}

/// A message as it is delivered.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) message: Message,
    pub(crate) handle: String,
}

/// A message that a queue removes by itself.
#[derive(Debug)]
pub(crate) enum Undelivered {
    /// Received too often: moved to the dead-letter queue, without a reason.
    Exhausted(Message),
    /// Older than the retention: gone.
    Expired(Message),
}

#[derive(Debug)]
pub(crate) struct Queue {
    /// Receives before a message is moved to the dead-letter queue.
    maximum_receives: u32,
    messages: BTreeMap<u64, Message>,
    /// By the moment from which they can be received.
    order: BTreeSet<(u64, u64)>,
    handles: u64,
}

impl Queue {
    pub(crate) const fn new(maximum_receives: u32) -> Self {
        Self { maximum_receives, messages: BTreeMap::new(), order: BTreeSet::new(), handles: 0 }
    }

    pub(crate) fn send(&mut self, id: u64, posted: Posted, now: u64, delay: u64) {
        let visible_at = now + delay;
        let Posted { body, order, poison, signature, forged } = posted;
        let sent_at = now;
        let message =
            Message { id, body, order, sent_at, receives: 0, poison, signature, forged, visible_at, handle: 0 };
        self.order.insert((visible_at, id));
        self.messages.insert(id, message);
    }

    /// Takes up to `most` of the messages that are visible and hides them; each is picked among the first ones, or among
    /// all of them.
    pub(crate) fn receive(
        &mut self,
        now: u64,
        most: usize,
        hidden_for: u64,
        in_any_order: bool,
        random: &mut Random,
    ) -> (Vec<Received>, Vec<Undelivered>) {
        let mut received = Vec::new();
        let mut undelivered = Vec::new();
        let mut visible: Vec<u64> = self.order.range(..=(now, u64::MAX)).map(|(_, id)| *id).collect();
        while received.len() < most && !visible.is_empty() {
            let among = if in_any_order { visible.len() } else { visible.len().min(SLIGHTLY) };
            let id = visible.remove(random.position(among));
            if random.percent(OVERLOOKED) {
                continue;
            }
            let Some(message) = self.messages.get_mut(&id) else { continue };
            if now.saturating_sub(message.sent_at) > RETENTION || message.receives >= self.maximum_receives {
                let expired = message.receives < self.maximum_receives;
                if let Some(message) = self.remove(id) {
                    undelivered.push(if expired {
                        Undelivered::Expired(message)
                    } else {
                        Undelivered::Exhausted(message)
                    });
                }
                continue;
            }
            self.handles += 1;
            message.receives += 1;
            message.handle = self.handles;
            let received_message = message.clone();
            self.show_at(id, now + hidden_for);
            received.push(Received { handle: format!("{id}/{}", self.handles), message: received_message });
        }
        (received, undelivered)
    }

    /// Hides a message that was received, or shows it, from that moment on. A handle of an earlier receive changes
    /// nothing, as on SQS when the message was received again since.
    pub(crate) fn change_visibility(&mut self, handle: &str, visible_at: u64) {
        let mut parts = handle.split('/').map(|part| part.parse::<u64>().ok());
        let (Some(Some(id)), Some(Some(number))) = (parts.next(), parts.next()) else { return };
        if self.messages.get(&id).is_some_and(|message| message.handle == number) {
            self.show_at(id, visible_at);
        }
    }

    /// Shows a message at that moment, whoever has it.
    pub(crate) fn show_at(&mut self, id: u64, visible_at: u64) {
        if let Some(message) = self.messages.get_mut(&id) {
            self.order.remove(&(message.visible_at, id));
            message.visible_at = visible_at;
            self.order.insert((visible_at, id));
        }
    }

    /// Deletes a message.
    pub(crate) fn remove(&mut self, id: u64) -> Option<Message> {
        let message = self.messages.remove(&id)?;
        self.order.remove(&(message.visible_at, id));
        Some(message)
    }

    /// When the next message can be received.
    pub(crate) fn next_visible(&self) -> Option<u64> {
        self.order.first().map(|(visible_at, _)| *visible_at)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// When a message that is still in it was sent.
    pub(crate) fn sent_at(&self, name: &str) -> Option<u64> {
        let id = name.strip_prefix("m-")?.parse().ok()?;
        self.messages.get(&id).map(|message| message.sent_at)
    }

    /// The messages that are still in it.
    pub(crate) fn messages(&self) -> impl Iterator<Item = &Message> {
        self.messages.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAXIMUM_RECEIVES: u32 = 50;

    fn queue_of(bodies: &[&str]) -> Queue {
        let mut queue = Queue::new(MAXIMUM_RECEIVES);
        for (id, body) in (0..).zip(bodies) {
            queue.send(id, Posted { body: (*body).to_owned(), ..Posted::default() }, 0, 0);
        }
        queue
    }

    /// Receives again and again at that moment, until nothing is overlooked any more.
    fn all_of(queue: &mut Queue, now: u64, hidden_for: u64) -> (Vec<Received>, Vec<Undelivered>) {
        let mut random = Random::new(now, 1);
        let (mut received, mut undelivered) = (Vec::new(), Vec::new());
        for _ in 0..20 {
            let (more, less) = queue.receive(now, 10, hidden_for, true, &mut random);
            received.extend(more);
            undelivered.extend(less);
        }
        (received, undelivered)
    }

    #[test]
    fn a_received_message_is_hidden_and_returns_with_its_count() {
        let mut queue = queue_of(&["a"]);
        assert_eq!(all_of(&mut queue, 0, 100).0.len(), 1);
        assert!(all_of(&mut queue, 99, 100).0.is_empty());
        assert_eq!(all_of(&mut queue, 100, 100).0[0].message.receives, 2);
    }

    #[test]
    fn an_old_handle_changes_nothing() {
        let mut queue = queue_of(&["a"]);
        let first = all_of(&mut queue, 0, 10).0[0].handle.clone();
        let second = all_of(&mut queue, 10, 10).0[0].handle.clone();
        queue.change_visibility(&first, 5000);
        assert_eq!(queue.next_visible(), Some(20));
        queue.change_visibility(&second, 5000);
        assert_eq!(queue.next_visible(), Some(5000));
    }

    #[test]
    fn a_message_is_removed_after_its_last_receive_or_when_it_is_too_old() {
        let mut queue = queue_of(&["a"]);
        for receive in 0..u64::from(MAXIMUM_RECEIVES) {
            assert_eq!(all_of(&mut queue, receive, 1).0.len(), 1);
        }
        assert!(matches!(all_of(&mut queue, 99, 1).1[..], [Undelivered::Exhausted(_)]));
        let mut queue = queue_of(&["b"]);
        assert!(matches!(all_of(&mut queue, RETENTION + 1, 1).1[..], [Undelivered::Expired(_)]));
        assert!(queue.is_empty());
    }
}
