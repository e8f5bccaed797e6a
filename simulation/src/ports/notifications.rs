//! SNS, and the record of what was sent, as the stream's consumer sees them.

use std::collections::HashSet;

use order_handlers::failure::Failure;
use order_handlers::ports::{Notification, Notifier, Receipt, Sending, SentLog};

use super::{Call, Ports};
use crate::fault::FaultKind;
use crate::mutation::Mutation;
use crate::notifier::{lose_answer, take};
use crate::workload::is_refused;

/// Most entries of one PublishBatch.
const ENTRIES: usize = 10;
/// Most items of one BatchWriteItem.
const ITEMS: usize = 25;

impl Notifier for Ports {
    async fn send(&self, notifications: &[Notification]) -> Vec<Result<Receipt, Failure>> {
        let mut receipts = Vec::with_capacity(notifications.len());
        for chunk in notifications.chunks(ENTRIES) {
            match self.reach(Call::Publish, None).await {
                Err(failure) => receipts.extend(chunk.iter().map(|_| Err(failure.clone()))),
                Ok(()) => {
                    let begin = receipts.len();
                    let mut taken = Vec::new();
                    for notification in chunk {
                        let (receipt, sending) = self.send_one(notification);
                        receipts.push(receipt);
                        taken.extend(sending);
                    }
                    if let Err(failure) = self.back(Call::Publish, None).await {
                        receipts.truncate(begin);
                        receipts.extend(chunk.iter().map(|_| Err(failure.clone())));
                        let mut state = self.world.state();
                        taken.iter().for_each(|sending| lose_answer(&mut state, sending));
                    }
                }
            }
        }
        if self.makes(Mutation::SendFailureIgnored) {
            receipts.iter_mut().for_each(|receipt| *receipt = Ok(Receipt::Sent));
        }
        receipts
    }
}

impl Ports {
    /// One entry of a batch; it can fail alone.
    fn send_one(&self, notification: &Notification) -> (Result<Receipt, Failure>, Option<Sending>) {
        let now = self.world.now();
        let mut state = self.world.state();
        if let Notification::Text { phone, .. } = notification
            && is_refused(phone)
        {
            return (Ok(Receipt::Refused("OptedOut".to_owned())), None);
        }
        if state.strikes(FaultKind::Throttle, now) {
            return (Err(Failure::transient_because("a notification was throttled")), None);
        }
        let sending = take(&mut state, notification, self.invocation.id, now);
        if state.strikes(FaultKind::LostAnswer, now) {
            if let Some(sending) = &sending {
                lose_answer(&mut state, sending);
            }
            return (Err(Failure::transient_because("the answer to a notification was lost")), sending);
        }
        (Ok(Receipt::Sent), sending)
    }

    /// This invocation could not record all that it sent.
    fn unrecorded(&self) {
        self.world.state().told.unrecorded.insert(self.invocation.id);
    }
}

impl SentLog for Ports {
    async fn sent(&self, sendings: &[Sending]) -> Result<HashSet<Sending>, Failure> {
        self.reach(Call::Read, None).await?;
        let mut state = self.world.state();
        let sent: HashSet<Sending> = sendings.iter().filter(|sending| state.table.was_sent(sending)).cloned().collect();
        if self.makes(Mutation::SentRecordedBeforeSending) {
            sendings.iter().for_each(|sending| state.table.record_sent(sending));
        }
        Ok(sent)
    }

    async fn record(&self, sent: &[(Sending, Receipt)]) -> Result<(), Failure> {
        if self.makes(Mutation::SentRecordSkipped) {
            return Ok(());
        }
        for chunk in sent.chunks(ITEMS) {
            self.reach(Call::Write, None).await.inspect_err(|_| self.unrecorded())?;
            {
                let now = self.world.now();
                let mut state = self.world.state();
                let cut = state.strikes(FaultKind::Throttle, now);
                let written = if cut { state.schedule.position(chunk.len()) } else { chunk.len() };
                for (sending, _) in chunk.iter().take(written) {
                    state.table.record_sent(sending);
                }
                if cut {
                    state.told.unrecorded.insert(self.invocation.id);
                    return Err(Failure::transient_because("DynamoDB left items unwritten"));
                }
            }
            // What comes after this chunk is not recorded when its answer is lost.
            self.back(Call::Write, None).await.inspect_err(|_| self.unrecorded())?;
        }
        Ok(())
    }
}
