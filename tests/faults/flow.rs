//! Orders on their way: sent as a client sends them, until they are accepted, reported on as a warehouse does, and followed to
//! their end.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use deployed::client::{ApiClient, Placed};
use fault_proxy::{FaultPlan, FaultProxy};
use futures::StreamExt;
use futures::future::{join_all, join3};
use futures::stream;
use order_domain::id::OrderId;
use order_domain::order::Order;
use serde_json::json;

use crate::orders::{Batch, Kind, Planned, Report};
use crate::world::{World, injected};

/// Longest time for an order to be accepted: the API may be away for a while.
const ACCEPTED_WITHIN: Duration = Duration::from_secs(60);
/// Time between two reads of the table: reads must not slow down the pipeline.
const PAUSE: Duration = Duration::from_millis(500);
/// Orders that are sent at the same time on a bad day.
const AT_ONCE: usize = 20;

/// A day on which a dependency fails.
pub struct BadDay<'a> {
    /// What stands before it.
    pub proxy: &'a FaultProxy,
    pub plan: FaultPlan,
    /// The day ends when so many faults were met: with fewer it would tell nothing.
    pub faults: u64,
    /// And it lasts no longer than this: circuits are open for a while, and nobody is asked then.
    pub at_most: Duration,
    /// Longest time for the last order afterwards, whose waits have grown.
    pub patience: Duration,
}

/// Orders on their way.
pub struct Flow<'a> {
    world: &'a World<'a>,
    batch: &'a Batch,
    /// One that shows every answer.
    api: ApiClient,
    accepted: AtomicUsize,
    unanswered: AtomicUsize,
}

impl<'a> Flow<'a> {
    pub fn new(world: &'a World<'a>, batch: &'a Batch) -> Self {
        let api = world.shop.api.clone().without_retries();
        Self { world, batch, api, accepted: AtomicUsize::new(0), unanswered: AtomicUsize::new(0) }
    }

    /// How many orders were accepted until now.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::Relaxed)
    }

    /// How many requests were not answered, or not with a 202, and were made again.
    pub fn unanswered(&self) -> u64 {
        self.unanswered.load(Ordering::Relaxed) as u64
    }

    /// Sends every order, so many at a time.
    pub async fn place(&self, at_once: usize) {
        stream::iter(&self.batch.orders).for_each_concurrent(at_once, |planned| self.place_one(planned)).await;
    }

    /// Sends every order at a time of its own, by its number.
    pub async fn place_each_after(&self, after: impl Fn(usize) -> Duration) {
        let (began, after) = (tokio::time::Instant::now(), &after);
        let placed = self.batch.orders.iter().enumerate().map(async |(number, planned)| {
            tokio::time::sleep_until(began + after(number)).await;
            self.place_one(planned).await;
        });
        join_all(placed).await;
    }

    /// Sends and follows the orders while a dependency fails, and after; the faults that were met.
    pub async fn through(&self, day: BadDay<'_>) -> Vec<(&'static str, u64)> {
        let before = day.proxy.counts();
        day.proxy.set(day.plan);
        let end_of_the_day = async {
            let deadline = Instant::now() + day.at_most;
            while day.proxy.counts().faults() - before.faults() < day.faults && Instant::now() < deadline {
                tokio::time::sleep(PAUSE).await;
            }
            day.proxy.clear();
        };
        join3(self.place(AT_ONCE), self.follow(day.at_most + day.patience), end_of_the_day).await;
        let met = injected(&before, &day.proxy.counts());
        let enough = met.iter().map(|(_, count)| count).sum::<u64>() >= day.faults;
        assert!(enough, "too few faults to tell anything: {met:?}");
        met
    }

    async fn place_one(&self, planned: &Planned) {
        let times = if planned.kind == Kind::SentTwice { 2 } else { 1 };
        for _ in 0..times {
            let deadline = Instant::now() + ACCEPTED_WITHIN;
            loop {
                match self.api.place(&planned.document).await {
                    Ok(Placed::Accepted(_)) => break,
                    Ok(Placed::Refused(problem)) if problem.status < 500 => {
                        panic!("{} was refused: {problem:?}", planned.id);
                    }
                    other => {
                        assert!(Instant::now() < deadline, "{} is not accepted: {other:?}", planned.id);
                        self.unanswered.fetch_add(1, Ordering::Relaxed);
                        tokio::time::sleep(PAUSE).await;
                    }
                }
            }
        }
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    /// Reports on the orders that are to be shipped or cancelled, until every order is where it has to end or the time is up:
    /// then the account tells which is not.
    pub async fn follow(&self, patience: Duration) {
        self.follow_all_but(0, patience).await;
    }

    /// As [`follow`](Self::follow), until no more than so many orders have not ended; those are returned.
    pub async fn follow_all_but(&self, few: usize, patience: Duration) -> Vec<&'a Planned> {
        let deadline = Instant::now() + patience;
        loop {
            // Not answered while the emulator is away.
            let stored = self.world.stored(self.batch).await.unwrap_or_default();
            self.report_on(&stored).await;
            let open = |planned: &&Planned| stored.get(&planned.id).is_none_or(|order| !planned.has_ended(order));
            let open: Vec<&Planned> = self.batch.orders.iter().filter(open).collect();
            if open.len() <= few || Instant::now() >= deadline {
                return open;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Sends the reports that are due. A report is sent again until the order shows it: whoever sends it cannot know whether
    /// it arrived, either.
    async fn report_on(&self, stored: &HashMap<OrderId, Order>) {
        let due = self.batch.orders.iter().filter_map(|planned| {
            let report = planned.kind.next_report(stored.get(&planned.id)?)?;
            Some((planned, report))
        });
        stream::iter(due).for_each_concurrent(20, |(planned, report)| self.report(planned, report)).await;
    }

    async fn report(&self, planned: &Planned, report: Report) {
        let (api, id) = (&self.world.shop.api, &planned.id);
        let sent = match report {
            Report::Dispatched => {
                let shipment = json!({ "carrier": "Royal Mail", "trackingNumber": "RM123456785GB" });
                api.report_shipment(&json!({ "update": "DISPATCHED", "orderId": id, "shipment": shipment })).await
            }
            Report::Delivered => api.report_shipment(&json!({ "update": "DELIVERED", "orderId": id })).await,
            Report::Cancellation => api.cancel(id.as_str(), "CUSTOMER_REQUEST").await,
        };
        match sent {
            Ok(Placed::Accepted(_)) => {}
            Ok(Placed::Refused(problem)) if problem.status < 500 => panic!("a report on {id} was refused: {problem:?}"),
            _ => {
                self.unanswered.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}
