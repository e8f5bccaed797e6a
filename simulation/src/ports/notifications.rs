//! SNS and SES, and the record of sent notifications, as notify and contact see them.

use std::collections::HashSet;

use futures::future::join_all;
use order_domain::time::Timestamp;
use order_handlers::failure::Failure;
use order_handlers::ports::{Notification, NotificationKey, Notifier, Receipt, SentLog};

use super::{Call, Ports};
use crate::fault::FaultKind;
use crate::mutation::Mutation;
use crate::notifier::{answered, refusal, take};

/// Most entries of one PublishBatch.
const ENTRIES: usize = 10;
/// Most items of one BatchWriteItem.
const ITEMS: usize = 25;

impl Notifier for Ports {
    async fn send(&self, notifications: &[Notification]) -> Vec<Result<Receipt, Failure>> {
        let sent = join_all(notifications.chunks(ENTRIES).map(|chunk| self.send_chunk(chunk))).await;
        let mut receipts: Vec<_> = sent.into_iter().flatten().collect();
        if self.makes(Mutation::SendFailureIgnored) {
            receipts.iter_mut().for_each(|receipt| *receipt = Ok(Receipt::Sent));
        }
        receipts
    }
}

impl Ports {
    async fn send_chunk(&self, chunk: &[Notification]) -> Vec<Result<Receipt, Failure>> {
        if let Err(failure) = self.reach(Call::Publish, None).await {
            return vec![Err(failure); chunk.len()];
        }
        let mut taken = Vec::with_capacity(chunk.len());
        for notification in chunk {
            if let Notification::Publish(_, event) = notification {
                self.notification_may_panic(&event.order_id, event.sequence).await;
            }
            taken.push(self.send_one(notification));
        }
        if let Err(failure) = self.back(Call::Publish, None).await {
            return vec![Err(failure); chunk.len()];
        }
        // An invocation that ends before this line does not know which notifications were taken.
        let mut state = self.world.state();
        let receipts = taken.into_iter().map(|(receipt, sending)| {
            if let (Ok(_), Some(sending)) = (&receipt, &sending) {
                answered(&mut state, sending);
            }
            receipt
        });
        receipts.collect()
    }

    /// One entry of a batch; it can fail alone.
    fn send_one(&self, notification: &Notification) -> (Result<Receipt, Failure>, Option<NotificationKey>) {
        let now = self.world.now();
        let mut state = self.world.state();
        if let Some(refusal) = refusal(notification) {
            return (Ok(Receipt::Refused(refusal)), None);
        }
        if state.should_inject(FaultKind::Throttle, now) {
            return (Err(Failure::transient_because("a notification was throttled")), None);
        }
        let sending = take(&mut state, notification, &self.invocation, now);
        if state.should_inject(FaultKind::LostAnswer, now) {
            return (Err(Failure::transient_because("the answer to a notification was lost")), sending);
        }
        (Ok(Receipt::Sent), sending)
    }

    /// This invocation could not record all that it sent.
    fn unrecorded(&self) {
        self.world.state().notifications.unrecorded.insert(self.invocation.id);
    }
}

impl SentLog for Ports {
    async fn sent(&self, sendings: &[NotificationKey]) -> Result<HashSet<NotificationKey>, Failure> {
        if sendings.is_empty() {
            return Ok(HashSet::new());
        }
        self.reach(Call::Read, None).await?;
        let mut state = self.world.state();
        let sent: HashSet<NotificationKey> =
            sendings.iter().filter(|sending| state.table.was_sent(sending)).cloned().collect();
        if self.makes(Mutation::SentRecordedBeforeSending) {
            sendings.iter().for_each(|sending| state.table.record_sent(sending));
        }
        Ok(sent)
    }

    async fn record(&self, sent: &[(NotificationKey, Receipt)], _: Timestamp) -> Result<(), Failure> {
        if self.makes(Mutation::SentRecordSkipped) {
            return Ok(());
        }
        for chunk in sent.chunks(ITEMS) {
            self.reach(Call::Write, None).await.inspect_err(|_| self.unrecorded())?;
            {
                let now = self.world.now();
                let mut state = self.world.state();
                let cut = state.should_inject(FaultKind::Throttle, now);
                let written = if cut { state.schedule.position(chunk.len()) } else { chunk.len() };
                for (sending, _) in chunk.iter().take(written) {
                    state.table.record_sent(sending);
                    state.notifications.recorded(sending, now);
                }
                if cut {
                    state.notifications.unrecorded.insert(self.invocation.id);
                    return Err(Failure::transient_because("DynamoDB left items unwritten"));
                }
            }
            // The later chunks are not recorded when this answer is lost.
            self.back(Call::Write, None).await.inspect_err(|_| self.unrecorded())?;
        }
        Ok(())
    }
}
