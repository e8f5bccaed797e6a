//! Another system's ear at the topics: which events of which order were heard, and how often.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_sqs::types::DeleteMessageBatchRequestEntry;
use futures::future::join_all;
use order_domain::event::Event;
use order_domain::id::OrderId;
use tokio::sync::{Mutex, MutexGuard};

/// Receivers at work at the same time.
const RECEIVERS: usize = 4;

/// Copies of an order's events, by their number.
pub type Heard = HashMap<OrderId, BTreeMap<u64, usize>>;

/// What was heard on the queue that is subscribed to every topic.
pub struct Listener {
    sqs: aws_sdk_sqs::Client,
    queue: String,
    heard: Mutex<Heard>,
}

impl Listener {
    pub fn new(sqs: aws_sdk_sqs::Client, queue: String) -> Self {
        Self { sqs, queue, heard: Mutex::default() }
    }

    /// Receives what there is now; everything that was heard until now.
    pub async fn listen(&self) -> MutexGuard<'_, Heard> {
        loop {
            let events: Vec<Event> =
                join_all((0..RECEIVERS).map(|_| self.receive())).await.into_iter().flatten().collect();
            let mut heard = self.heard.lock().await;
            for event in &events {
                *heard.entry(event.order_id.clone()).or_default().entry(event.sequence).or_default() += 1;
            }
            if events.is_empty() {
                return heard;
            }
        }
    }

    async fn receive(&self) -> Vec<Event> {
        let receive = self.sqs.receive_message().queue_url(&self.queue).max_number_of_messages(10);
        let messages = receive.send().await.unwrap().messages.unwrap_or_default();
        let entries = messages.iter().enumerate().map(|(number, message)| {
            let handle = message.receipt_handle().unwrap_or_default();
            DeleteMessageBatchRequestEntry::builder().id(number.to_string()).receipt_handle(handle).build().unwrap()
        });
        if !messages.is_empty() {
            let delete = self.sqs.delete_message_batch().queue_url(&self.queue);
            delete.set_entries(Some(entries.collect())).send().await.unwrap();
        }
        messages.iter().map(|message| serde_json::from_str(message.body().unwrap()).unwrap()).collect()
    }
}
