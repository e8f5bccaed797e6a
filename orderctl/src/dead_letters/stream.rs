//! The letters of the table's stream hold no events, only where they were. Redriving them is a replay of that time.

use std::time::Duration;

use aws_sdk_sqs::Client;
use order_domain::id::OrderId;
use order_domain::time::Timestamp;

use super::audit::Audit;
use super::error::Cause;
use super::messages::{BATCH, give_back, receive};
use super::queue::{self, DeadLetterQueue};
use super::redrive::close;
use super::{DeadLetter, DeadLetterError, Method, Options, Redriven, send};
use crate::replay::{self, Window, Windows};
use deployed::Deployed;
use terminal::cancel::Cancel;
use terminal::progress::Progress;

/// An event's time is when its stage decided, the stream's is when it was written: a function's timeout later at most.
const AROUND: Duration = Duration::from_secs(60);
/// The stream forgets a record after a day: what a letter without a time stands for is not older.
const STREAM_MEMORY: Duration = Duration::from_secs(24 * 3600);
/// How long letters are hidden from others while their events are replayed. When it takes longer, another redrive may
/// replay them as well, which tells nobody twice.
const HIDDEN: Duration = Duration::from_secs(900);
/// Letters of one redrive, at most.
const LIMIT: usize = 10_000;

/// Where a letter's events are to be found.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Events {
    /// Those that happened then.
    Of(Window),
    /// Those of this order: the letter names it, or stands for an event that a replay had handed over.
    OfOrder(OrderId),
}

/// Redrives letters of the stream. Their number is small: one stands for up to a hundred events.
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
    let handles: Vec<String> = held.into_iter().map(|letter| letter.content.receipt_handle).collect();
    give_back(&client, &queue.url, &handles).await;
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
    /// Replays what the held letters stand for, then deletes those letters: what stays in `held` stays in the queue.
    async fn replay(
        &self,
        held: &mut Vec<DeadLetter>,
        redriven: &mut Redriven,
        audit: &mut Option<Audit>,
    ) -> Result<(), DeadLetterError> {
        let (mut windows, mut orders) = (Vec::new(), Vec::new());
        let mut chosen = Vec::new();
        let all = std::mem::take(held);
        for letter in all {
            match events_of(&letter) {
                _ if !self.options.filter.lets(&letter) => redriven.passed_over += 1,
                Some(Events::Of(window)) => {
                    windows.push(window);
                    chosen.push(letter);
                    continue;
                }
                Some(Events::OfOrder(order)) => {
                    orders.push(order);
                    chosen.push(letter);
                    continue;
                }
                None => {
                    redriven.failed += 1;
                    let problem = format!("letter {} does not say which events it stands for", letter.message_id);
                    redriven.problem.get_or_insert(problem);
                }
            }
            held.push(letter);
        }
        if self.cancel.is_cancelled() {
            redriven.interrupted = true;
            held.append(&mut chosen);
            return Ok(());
        }
        if self.options.dry_run || chosen.is_empty() {
            chosen.iter().for_each(|letter| redriven.count(letter));
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
        let told = self.tell(windows, orders, redriven).await;
        if !matches!(told, Ok(true)) {
            redriven.failed += u64::try_from(chosen.len()).unwrap_or(u64::MAX);
            held.append(&mut chosen);
            let failed = |source| DeadLetterError::queue("see the events told of", &self.queue.name, source);
            return told.map(drop).map_err(failed);
        }
        chosen.iter().for_each(|letter| redriven.count(letter));
        let handles: Vec<String> = chosen.into_iter().map(|letter| letter.content.receipt_handle).collect();
        for handles in handles.chunks(BATCH) {
            redriven.not_deleted += send::delete(self.client, &self.queue.url, &self.queue.name, handles).await;
        }
        Ok(())
    }

    /// Whether every event was told.
    async fn tell(
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
            *redriven.events_told.get_or_insert(0) += outcome.done;
            redriven.interrupted |= outcome.interrupted;
            if !outcome.is_complete() {
                let why = outcome.reason.unwrap_or_else(|| "`cargo ops replay` names them".to_owned());
                let problem = format!("{} events were not told: {why}", outcome.failed.len());
                if !outcome.failed.is_empty() {
                    redriven.problem.get_or_insert(problem);
                }
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn events_of(letter: &DeadLetter) -> Option<Events> {
    if let Some(batch) = &letter.stream_batch {
        let window = Window::new(batch.first_at.min(batch.last_at), batch.last_at.max(batch.first_at)).ok()?;
        // The document tells whole seconds, cut off.
        return Some(Events::Of(window.widened(AROUND)));
    }
    letter.content.sequence_number.as_ref()?;
    if let Some(order) = &letter.order_id {
        return Some(Events::OfOrder(order.clone()));
    }
    let latest = Window::new(letter.sent_at, letter.sent_at).ok()?.widened(STREAM_MEMORY);
    Window::new(latest.since(), letter.sent_at).ok().map(|window| Events::Of(window.widened(AROUND)))
}

#[cfg(test)]
mod tests {
    use super::super::dead_letter::tests::message;
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn lambdas_document_stands_for_its_time_and_a_minute_on_each_side() {
        let body = r#"{"DDBStreamBatchInfo":{"approximateArrivalOfFirstRecord":"2025-11-24T16:00:00Z",
            "approximateArrivalOfLastRecord":"2025-11-24T16:10:00Z","batchSize":100}}"#;
        let expected = Window::new(at("2025-11-24T15:59:00Z"), at("2025-11-24T16:11:00Z")).unwrap();
        assert_eq!(events_of(&DeadLetter::read(message(body, &[]))), Some(Events::Of(expected)));
    }

    #[test]
    fn a_record_that_was_no_event_is_looked_for_in_all_that_the_stream_remembers() {
        let letter = DeadLetter::read(message(r#"{"sequenceNumber":"8000000000031"}"#, &[("reason", "NOT_AN_EVENT")]));
        let expected = Window::new(at("2025-11-23T15:59:00Z"), at("2025-11-24T16:01:00Z")).unwrap();
        assert_eq!(events_of(&letter), Some(Events::Of(expected)));
    }

    #[test]
    fn a_record_that_names_its_order_or_was_replayed_is_looked_for_there() {
        for body in [
            r#"{"sequenceNumber":"8000000000031","orderId":"ord-1","sequence":3}"#,
            r#"{"sequenceNumber":"replay:ord-1:3"}"#,
        ] {
            let letter = DeadLetter::read(message(body, &[]));
            assert_eq!(events_of(&letter), Some(Events::OfOrder(OrderId::new("ord-1").unwrap())), "{body}");
        }
        assert_eq!(events_of(&DeadLetter::read(message("{}", &[]))), None);
    }
}
