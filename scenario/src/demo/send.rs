//! Sending the orders, many at a time.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt};

use super::judge::Answer;
use super::plan::PlannedOrder;
use deployed::client::{ApiClient, ApiError, Placed};
use terminal::progress::Step;

/// The API's answers to one order.
#[derive(Debug, Clone)]
pub struct Sent {
    /// In the order of sending.
    pub answers: Vec<Answer>,
    /// How long the first took.
    pub accept_latency: Duration,
}

/// Sends every order of the plan, at most `concurrency` at a time, and says what was answered, by order id.
pub async fn send(client: &ApiClient, plan: &[PlannedOrder], concurrency: usize, step: &Step) -> HashMap<String, Sent> {
    let done = AtomicU64::new(0);
    let sending = plan.iter().map(|planned| {
        let done = &done;
        async move {
            let sent = send_one(client, planned).await;
            step.done(done.fetch_add(1, Ordering::Relaxed) + 1);
            (planned.order_id.clone(), sent)
        }
    });
    stream::iter(sending).buffer_unordered(concurrency.max(1)).collect().await
}

async fn send_one(client: &ApiClient, planned: &PlannedOrder) -> Sent {
    let started = Instant::now();
    let mut answers = vec![answer(client.place(&planned.document).await)];
    let accept_latency = started.elapsed();
    // Right after the first answer, while the first is under way: the harder case.
    for _ in 1..planned.times() {
        answers.push(answer(client.place(&planned.document).await));
    }
    Sent { answers, accept_latency }
}

/// What an answer of the API comes to.
pub(super) fn answer(answered: Result<Placed, ApiError>) -> Answer {
    match answered {
        Ok(Placed::Accepted(_)) => Answer::Accepted,
        Ok(Placed::Refused(problem)) => Answer::Refused(problem.status),
        Err(error) => Answer::Missing(error.to_string()),
    }
}
