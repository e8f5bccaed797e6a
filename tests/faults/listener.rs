//! Another system's ear at the topics: which events of which order were heard on which topic, and how often.

use std::collections::{BTreeMap, HashMap};

use futures::future::join_all;
use order_domain::id::OrderId;
use order_domain::notification::Topic;
use tokio::sync::{Mutex, MutexGuard};

use crate::observer::Observer;

/// Receivers at work at the same time.
const RECEIVERS: usize = 4;

/// Copies of an order's events, by their number and the topic.
pub type Heard = HashMap<OrderId, BTreeMap<(u64, Topic), usize>>;

/// What was heard by the observer of every topic.
#[derive(Default)]
pub struct Listener {
    heard: Mutex<Heard>,
}

impl Listener {
    /// Receives what there is now; everything that was heard until now.
    pub async fn listen(&self, observer: &Observer) -> MutexGuard<'_, Heard> {
        loop {
            let received = join_all((0..RECEIVERS).map(|_| observer.receive())).await;
            let mut heard = self.heard.lock().await;
            let mut silence = true;
            for copy in received.into_iter().flatten() {
                let of_order = heard.entry(copy.event.order_id).or_default();
                *of_order.entry((copy.event.sequence, copy.topic)).or_default() += 1;
                silence = false;
            }
            if silence {
                return heard;
            }
        }
    }
}
