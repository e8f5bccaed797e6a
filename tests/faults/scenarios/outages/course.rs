//! How an outage goes: something breaks, orders come in, the outage shows, it ends, and everything is done.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::time::{Duration, Instant};

use deployed::client::Found;
use futures::FutureExt;
use order_domain::id::OrderId;
use order_domain::order::{Order, OrderStatus};
use order_domain::request::Channel;

use super::breakage::Breakage;
use crate::account::{Account, unheard};
use crate::customers::Sent;
use crate::flow::Flow;
use crate::orders::{Batch, Kind};
use crate::wait::until_within;
use crate::world::World;

/// With fewer there would not be one of every kind.
const ORDERS: usize = 16;
/// Longest time for the outage to show.
const SHOWS_WITHIN: Duration = Duration::from_secs(180);
/// Longest time for the waiting messages to be processed afterwards: waits have grown, and the messages of a broken function
/// return when its queue's visibility timeout ends.
const PATIENCE: Duration = Duration::from_secs(600);

/// How far orders get meanwhile.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// Accepted, and not stored.
    InTheFirstQueue,
    /// Stored; none is reserved.
    Validated,
    /// All the way.
    AtTheirEnd,
}

/// A recipient of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ear {
    /// Other systems.
    Topics,
    /// Customers' phones.
    Texts,
    /// Customers' mailboxes.
    Mails,
}

/// An outage, and what has to be seen of it.
pub struct Outage {
    pub name: &'static str,
    pub broken: Breakage,
    pub rest: Rest,
    /// The function that returns its deliveries to their queue, and how often each at least.
    pub retried_by: Option<(&'static str, u64)>,
    /// What `GET /orders/{orderId}` answers.
    pub a_read_answers: u16,
    /// Recipients that get nothing. Where orders reach their end, all others get everything.
    pub silent: &'static [Ear],
}

impl Outage {
    pub async fn take_its_course(&self, world: &World<'_>) {
        let began = Instant::now();
        let batch = Batch::of(&world.shop, ORDERS).await.notified_by(&[Channel::Email, Channel::Sms]);
        let flow = Flow::new(world, &batch);
        let broken = self.broken.begin(world).await;
        // Whatever it shows, the next scenario needs a world that works.
        let meanwhile = AssertUnwindSafe(self.meanwhile(world, &batch, &flow)).catch_unwind().await;
        let mut faults = broken.repair(world).await;
        faults.extend(meanwhile.unwrap_or_else(|panic| resume_unwind(panic)));
        faults.push(("seconds broken", began.elapsed().as_secs()));

        flow.follow(PATIENCE).await;
        for channel in [Channel::Email, Channel::Sms] {
            let look = async || Sent::until_now(world).await.astray(channel, &batch);
            until_within(PATIENCE, "every customer notified of every step once", look, Vec::is_empty).await;
        }
        let account = Account::of(world, &batch).await;
        assert_eq!(account.dead_letters, 0, "an outage sent something to a dead-letter queue");
        account.each_published_once().close(self.name, &faults, began.elapsed());
    }

    /// Places the orders and waits until the outage shows in everything that it should; how often it did.
    async fn meanwhile(&self, world: &World<'_>, batch: &Batch, flow: &Flow<'_>) -> Vec<(&'static str, u64)> {
        flow.place(ORDERS).await;
        assert_eq!((flow.accepted(), flow.unanswered()), (ORDERS, 0), "not every order was accepted at once");
        if self.rest == Rest::AtTheirEnd {
            let open = flow.follow_all_but(0, SHOWS_WITHIN).await;
            assert!(open.is_empty(), "{} should not have held up {open:?}", self.name);
        }
        self.orders_rest(world, batch).await;
        let returned = self.deliveries_return(world, batch).await;
        self.who_should_hear_hears(world, batch).await;
        self.a_read_answers_as_it_should(world, batch).await;
        // And it was so all the time.
        self.orders_rest(world, batch).await;
        returned.map(|times| ("deliveries returned to the queue", times)).into_iter().collect()
    }

    async fn orders_rest(&self, world: &World<'_>, batch: &Batch) {
        let stored = async || world.stored(batch).await.unwrap();
        until_within(SHOWS_WITHIN, "orders that rest", stored, |stored| self.all_rest(batch, stored)).await;
    }

    /// How many deliveries returned to the queue, once they are enough.
    async fn deliveries_return(&self, world: &World<'_>, batch: &Batch) -> Option<u64> {
        let (function, times) = self.retried_by?;
        // What is rejected gets no further than the first stage.
        let deliveries = batch.orders.iter().filter(|planned| planned.kind != Kind::UnknownProduct).count() as u64;
        let retries = async || world.retries(function, batch.began).await;
        Some(until_within(SHOWS_WITHIN, "retries", retries, |retries| *retries >= deliveries * times).await)
    }

    async fn who_should_hear_hears(&self, world: &World<'_>, batch: &Batch) {
        for ear in [Ear::Topics, Ear::Texts, Ear::Mails] {
            if self.silent.contains(&ear) {
                assert_eq!(notified(ear, world, batch).await, 0, "{}: {ear:?} were notified", self.name);
            } else if self.rest == Rest::AtTheirEnd {
                let missing = async || missing(ear, world, batch).await;
                until_within(SHOWS_WITHIN, &format!("everything sent to {ear:?}"), missing, |few| *few == 0).await;
            }
        }
    }

    async fn a_read_answers_as_it_should(&self, world: &World<'_>, batch: &Batch) {
        let id = batch.orders[0].id.as_str();
        let status = match world.shop.api.clone().without_retries().order(id).await.unwrap() {
            Found::Found(_) => 200,
            Found::Problem(problem) => {
                assert!(problem.retry_after.is_some(), "it does not say when to ask again: {problem:?}");
                problem.status
            }
        };
        assert_eq!(status, self.a_read_answers, "{}: a read", self.name);
    }

    fn all_rest(&self, batch: &Batch, stored: &HashMap<OrderId, Order>) -> bool {
        batch.orders.iter().all(|planned| match (self.rest, stored.get(&planned.id)) {
            (Rest::InTheFirstQueue, order) => order.is_none(),
            (Rest::Validated, Some(order)) => order.status == OrderStatus::Validated || planned.has_ended(order),
            (Rest::AtTheirEnd, Some(order)) => planned.has_ended(order),
            (Rest::Validated | Rest::AtTheirEnd, None) => false,
        })
    }
}

/// How many notifications were sent.
async fn notified(ear: Ear, world: &World<'_>, batch: &Batch) -> usize {
    match ear {
        Ear::Topics => world.copies_at_rest(batch).await,
        Ear::Texts => Sent::until_now(world).await.on(Channel::Sms, batch),
        Ear::Mails => Sent::until_now(world).await.on(Channel::Email, batch),
    }
}

/// How many notifications are missing, or were sent more than once.
async fn missing(ear: Ear, world: &World<'_>, batch: &Batch) -> usize {
    match ear {
        Ear::Topics => {
            let stored = world.stored(batch).await.unwrap();
            let heard = world.heard().await;
            stored.values().map(|order| unheard(order, &heard).len()).sum()
        }
        Ear::Texts => Sent::until_now(world).await.astray(Channel::Sms, batch).len(),
        Ear::Mails => Sent::until_now(world).await.astray(Channel::Email, batch).len(),
    }
}
