//! A dead-lettered stream record is not in the message, which names a range of the stream. Its redrive is a replay of
//! that time.

use std::time::Duration;

use aws_sdk_sqs::Client;
use order_domain::id::OrderId;
use order_domain::time::Timestamp;

use super::audit::{Audit, close};
use super::error::Cause;
use super::messages::{BATCH, receive, return_to_queue};
use super::queue::{self, DeadLetterQueue};
use super::{DeadLetter, DeadLetterError, Method, Options, Redriven, send};
use crate::replay::{self, Window, Windows};
use deployed::Deployed;
use terminal::cancel::Cancel;
use terminal::progress::Progress;

/// Margin around a stream range. An event has the time of the stage's decision, a stream record the time of the write,
/// which is at most a function's timeout later.
const AROUND: Duration = Duration::from_secs(60);
/// A stream keeps a record for a day, so a message without a time refers to nothing older.
const STREAM_MEMORY: Duration = Duration::from_secs(24 * 3600);
/// Visibility timeout during a replay. If the replay takes longer, another redrive may repeat it, which notifies nobody
/// twice.
const HIDDEN: Duration = Duration::from_secs(900);
/// Maximum messages per redrive.
const LIMIT: usize = 10_000;

/// Which events a message refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Events {
    /// The events of this time.
    Of(Window),
    /// The events of this order: the message names the order, or a replayed event.
    OfOrder(OrderId),
}

/// Redrives messages of the stream. They are few: one message refers to up to a hundred events.
pub(super) async fn redrive(
    deployed: &Deployed,
    queue: &DeadLetterQueue,
    options: &Options,
    progress: Progress,
    cancel: &Cancel,
) -> Result<Redriven, DeadLetterError> {
    let client = Client::new(deployed.aws());
    let to = deployed.notify_function().to_owned();
    let mut redriven = Redriven::nothing(queue, &to, Method::Replay, options);
    let counted = queue::count(&client, queue).await?;
    if counted == 0 {
        return Ok(redriven);
    }
    let mut held = Vec::new();
    let outcome = collect(&client, queue, &mut held, cancel).await;
    let mut audit = None;
    let outcome = match outcome {
        Ok(()) => {
            let work = Work { deployed, client: &client, queue, options, progress, cancel, counted, to: &to };
            work.replay(&mut held, &mut redriven, &mut audit).await
        }
        Err(error) => Err(error),
    };
    let handles: Vec<String> = held.into_iter().map(|message| message.content.receipt_handle).collect();
    return_to_queue(&client, &queue.url, &handles).await;
    close(audit, redriven, outcome).await
}

async fn collect(
    client: &Client,
    queue: &DeadLetterQueue,
    held: &mut Vec<DeadLetter>,
    cancel: &Cancel,
) -> Result<(), DeadLetterError> {
    while held.len() < LIMIT && !cancel.is_cancelled() {
        let received = receive(client, &queue.url, &queue.name, HIDDEN).await?;
        if received.is_empty() {
            break;
        }
        held.extend(received);
    }
    Ok(())
}

struct Work<'a> {
    deployed: &'a Deployed,
    client: &'a Client,
    queue: &'a DeadLetterQueue,
    options: &'a Options,
    progress: Progress,
    cancel: &'a Cancel,
    counted: u64,
    to: &'a str,
}

impl Work<'_> {
    /// Replays the events of the held messages, then deletes those messages. What is left in `held` stays in the queue.
    async fn replay(
        &self,
        held: &mut Vec<DeadLetter>,
        redriven: &mut Redriven,
        audit: &mut Option<Audit>,
    ) -> Result<(), DeadLetterError> {
        let (mut windows, mut orders) = (Vec::new(), Vec::new());
        let mut chosen = Vec::new();
        let all = std::mem::take(held);
        for message in all {
            match events_of(&message) {
                _ if !self.options.filter.matches(&message) => redriven.passed_over += 1,
                Some(Events::Of(window)) => {
                    windows.push(window);
                    chosen.push(message);
                    continue;
                }
                Some(Events::OfOrder(order)) => {
                    orders.push(order);
                    chosen.push(message);
                    continue;
                }
                None => {
                    redriven.failed += 1;
                    let problem = format!("message {} does not say which events it refers to", message.message_id);
                    redriven.problem.get_or_insert(problem);
                }
            }
            held.push(message);
        }
        if self.cancel.is_cancelled() {
            redriven.interrupted = true;
            held.append(&mut chosen);
            return Ok(());
        }
        if self.options.dry_run || chosen.is_empty() {
            chosen.iter().for_each(|message| redriven.count(message));
            held.append(&mut chosen);
            return Ok(());
        }
        let began = Audit::begin(self.deployed, self.queue, self.to, Method::Replay, self.counted, self.options).await;
        let began = match began {
            Ok(began) => audit.insert(began),
            Err(error) => {
                held.append(&mut chosen);
                return Err(error);
            }
        };
        redriven.redrive_id = Some(began.id.clone());
        let published = self.publish(windows, orders, redriven).await;
        if !matches!(published, Ok(true)) {
            redriven.failed += u64::try_from(chosen.len()).unwrap_or(u64::MAX);
            held.append(&mut chosen);
            let failed = |source| DeadLetterError::queue("publish the events of", &self.queue.name, source);
            return published.map(drop).map_err(failed);
        }
        chosen.iter().for_each(|message| redriven.count(message));
        let handles: Vec<String> = chosen.into_iter().map(|message| message.content.receipt_handle).collect();
        for handles in handles.chunks(BATCH) {
            redriven.not_deleted += send::delete(self.client, &self.queue.url, &self.queue.name, handles).await;
        }
        Ok(())
    }

    /// Publishes the events; returns whether all of them were published.
    async fn publish(
        &self,
        windows: Vec<Window>,
        mut orders: Vec<OrderId>,
        redriven: &mut Redriven,
    ) -> Result<bool, Cause> {
        orders.sort();
        orders.dedup();
        let ever = Window::new(Timestamp::from_unix_milliseconds(0)?, Timestamp::now())?;
        let of_time = Windows::new(windows).map(|windows| (windows, None));
        let of_orders = orders.into_iter().map(|order| (Windows::from(ever), Some(order)));
        for (windows, order) in of_time.into_iter().chain(of_orders) {
            let options = replay::Options { windows, order, dry_run: false, rate: self.options.rate };
            let outcome = replay::replay(self.deployed, &options, self.progress, self.cancel).await?;
            *redriven.events_published.get_or_insert(0) += outcome.done;
            redriven.interrupted |= outcome.interrupted;
            if !outcome.is_complete() {
                let why = outcome.reason.unwrap_or_else(|| "run `orderctl replay` to list them".to_owned());
                let problem = format!("{} events were not published: {why}", outcome.failed.len());
                if !outcome.failed.is_empty() {
                    redriven.problem.get_or_insert(problem);
                }
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn events_of(message: &DeadLetter) -> Option<Events> {
    if let Some(batch) = &message.stream_batch {
        let window = Window::new(batch.first_at.min(batch.last_at), batch.last_at.max(batch.first_at)).ok()?;
        // The document gives whole seconds, rounded down.
        return Some(Events::Of(window.widened(AROUND)));
    }
    message.content.sequence_number.as_ref()?;
    if let Some(order) = &message.order_id {
        return Some(Events::OfOrder(order.clone()));
    }
    let latest = Window::new(message.sent_at, message.sent_at).ok()?.widened(STREAM_MEMORY);
    Window::new(latest.since(), message.sent_at).ok().map(|window| Events::Of(window.widened(AROUND)))
}

#[cfg(test)]
mod tests {
    use super::super::dead_letter::tests::message;
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn lambdas_document_refers_to_its_time_and_a_minute_on_each_side() {
        let body = r#"{"DDBStreamBatchInfo":{"approximateArrivalOfFirstRecord":"2025-11-24T16:00:00Z",
            "approximateArrivalOfLastRecord":"2025-11-24T16:10:00Z","batchSize":100}}"#;
        let expected = Window::new(at("2025-11-24T15:59:00Z"), at("2025-11-24T16:11:00Z")).unwrap();
        assert_eq!(events_of(&DeadLetter::read(message(body, &[]))), Some(Events::Of(expected)));
    }

    #[test]
    fn an_unreadable_record_refers_to_everything_that_the_stream_keeps() {
        let message = DeadLetter::read(message(r#"{"sequenceNumber":"8000000000031"}"#, &[("reason", "NOT_AN_EVENT")]));
        let expected = Window::new(at("2025-11-23T15:59:00Z"), at("2025-11-24T16:01:00Z")).unwrap();
        assert_eq!(events_of(&message), Some(Events::Of(expected)));
    }

    #[test]
    fn a_record_that_names_its_order_or_was_replayed_refers_to_that_order() {
        for body in [
            r#"{"sequenceNumber":"8000000000031","orderId":"ord-1","sequence":3}"#,
            r#"{"sequenceNumber":"replay:ord-1:3"}"#,
        ] {
            let message = DeadLetter::read(message(body, &[]));
            assert_eq!(events_of(&message), Some(Events::OfOrder(OrderId::new("ord-1").unwrap())), "{body}");
        }
        assert_eq!(events_of(&DeadLetter::read(message("{}", &[]))), None);
    }
}
