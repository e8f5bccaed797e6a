//! The environment under faults: what a scenario breaks, and what it observes.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::types::QueueAttributeName;
use deployed::Deployed;
use deployed::client::History;
use fault_proxy::Counts;
use local::environment::Environment;
use order_contract::metric;
use order_domain::id::OrderId;
use order_domain::order::Order;
use order_domain::time::Timestamp;
use order_handlers::adapters::dynamodb::DynamoDb;
use order_handlers::failure::Failure;
use order_handlers::ports::Orders as _;
use orderctl::dead_letters::{self, DeadLetter};
use orderctl::replay::{Options, Window, replay};
use payment_simulator::{Faults, LedgerSummary};
use terminal::cancel::Cancel;
use terminal::progress::Progress;
use tokio::sync::MutexGuard;

use crate::account::unheard;
use crate::listener::{Heard, Listener};
use crate::orders::Batch;
use crate::proxies::Proxies;
use crate::shop::Shop;

/// For how long a received message is hidden here. As deployed it is six times the function's timeout, three to nine
/// minutes, and that is how long what a killed function held would have to wait: the one setting that the scenarios
/// shorten. It is shorter than a slow batch may take, so that some messages are processed twice at the same time, too.
const VISIBILITY_TIMEOUT: Duration = Duration::from_secs(20);

/// Events a second that are replayed: an emulator has nothing to be spared.
const REPLAY_RATE: u32 = 1_000;
/// Nothing is under way from the stream to the topics when nothing arrived for so long.
const AT_REST: Duration = Duration::from_secs(3);

/// Most dead-lettered messages that are read from a queue.
const MOST_DEAD_LETTERED: usize = 1_000;

/// The queues that an order passes through. The reconciler's is never empty for long.
const ORDER_QUEUES: [&str; 4] = ["validate-queue", "inventory-queue", "payment-queue", "fulfilment-queue"];

/// An environment that is up, and its shop.
pub struct World<'a> {
    pub environment: &'a Environment,
    proxies: Arc<Proxies>,
    pub shop: Shop,
    listener: Listener,
    pub deployed: Deployed,
    tables: DynamoDb,
}

impl<'a> World<'a> {
    pub async fn open(environment: &'a Environment, proxies: Arc<Proxies>) -> Self {
        let shop = Shop::open(environment).await;
        for (_, url) in shop.connection.queues.iter().filter(|(name, _)| !name.ends_with("-dlq")) {
            let set = shop.sqs.set_queue_attributes().queue_url(url);
            let seconds = VISIBILITY_TIMEOUT.as_secs().to_string();
            set.attributes(QueueAttributeName::VisibilityTimeout, seconds).send().await.unwrap();
        }
        let connection = &shop.connection;
        Self {
            environment,
            proxies,
            listener: Listener::default(),
            deployed: Deployed::of_connection(connection, "faults").await,
            tables: DynamoDb::new(shop.dynamodb.clone(), &connection.orders_table, &connection.inventory_table),
            shop,
        }
    }

    pub async fn close(&self) {
        self.shop.close().await;
    }

    /// What makes AWS and the gateway fail for the functions.
    pub fn proxies(&self) -> &Proxies {
        &self.proxies
    }

    /// The gateway's books.
    pub fn ledger(&self) -> LedgerSummary {
        self.environment.simulator().expect("the simulator runs in this process").ledger()
    }

    /// The batch's orders as they are stored.
    pub async fn stored(&self, batch: &Batch) -> Result<HashMap<OrderId, Order>, Failure> {
        self.tables.load(&batch.ids()).await
    }

    /// How often the batch's orders changed until now.
    pub async fn changes(&self, batch: &Batch) -> u64 {
        self.stored(batch).await.map_or(0, |stored| stored.values().map(|order| order.version).sum())
    }

    /// An order's history, as an auditor asks for it.
    pub async fn history(&self, id: &OrderId) -> Option<History> {
        self.shop.api.history(id.as_str()).await.ok()?.found()
    }

    /// All events that the topics published until now.
    pub async fn heard(&self) -> MutexGuard<'_, Heard> {
        self.listener.listen(&self.shop.observer).await
    }

    /// Messages under way to an order's stage, by queue; queues without any are left out.
    pub async fn under_way(&self) -> BTreeMap<String, u64> {
        self.shop.lengths(&ORDER_QUEUES).await
    }

    /// The dead-lettered messages of every queue, with its name.
    pub async fn dead_letters(&self) -> Vec<(String, DeadLetter)> {
        let mut messages = Vec::new();
        for queue in dead_letters::queues(&self.deployed).await.unwrap() {
            let of_queue =
                dead_letters::show(&self.deployed, &queue, MOST_DEAD_LETTERED, &Cancel::new()).await.unwrap();
            messages.extend(of_queue.into_iter().map(|message| (queue.name.clone(), message)));
        }
        messages
    }

    /// How many dead-lettered messages a batch's orders have.
    pub async fn dead_lettered_of(&self, batch: &Batch) -> usize {
        let (ids, messages) = (batch.ids(), self.dead_letters().await);
        messages.iter().filter_map(|(_, message)| message.order_id.as_ref()).filter(|id| ids.contains(*id)).count()
    }

    /// Replays the batch's events from the table, as an operator does when the stream lost some; how many of them were not
    /// published before. Those that were published are not published again.
    pub async fn replay(&self, batch: &Batch) -> u64 {
        let unheard = self.unheard_at_rest(batch).await;
        let window = Window::new(batch.began, Timestamp::now()).unwrap();
        let options = Options { windows: window.into(), order: None, dry_run: false, rate: REPLAY_RATE };
        let replayed = replay(&self.deployed, &options, Progress::silent(), &Cancel::new()).await.unwrap();
        assert!(replayed.is_complete(), "{replayed:?}");
        unheard
    }

    /// How many copies of the batch's events the topics published, once they publish no more.
    pub async fn copies_at_rest(&self, batch: &Batch) -> usize {
        let mut last = None;
        loop {
            let heard = self.heard().await;
            let copies = batch.ids().iter().filter_map(|id| heard.get(id)).flat_map(|heard| heard.values()).sum();
            drop(heard);
            if last == Some(copies) {
                return copies;
            }
            last = Some(copies);
            tokio::time::sleep(AT_REST).await;
        }
    }

    /// How many of the batch's events nobody has heard of, once nothing more is heard.
    async fn unheard_at_rest(&self, batch: &Batch) -> u64 {
        let stored = self.stored(batch).await.unwrap();
        let mut last = None;
        loop {
            let heard = self.heard().await;
            let unheard = stored.values().map(|order| unheard(order, &heard).len() as u64).sum();
            drop(heard);
            if unheard == 0 || last == Some(unheard) {
                return unheard;
            }
            last = Some(unheard);
            tokio::time::sleep(AT_REST).await;
        }
    }

    /// Ends all faults, also those that a failed scenario left.
    pub async fn repair(&self) {
        let Proxies { aws, gateway } = self.proxies();
        for proxy in [aws, gateway] {
            proxy.clear();
            proxy.come_back().await.unwrap();
        }
        self.environment.simulator().expect("the simulator runs in this process").set_faults(Faults::default());
        self.environment.resume_emulator().await.unwrap();
    }

    /// How often a circuit of the payment function opened since then, by its metric.
    pub async fn circuits_opened(&self, since: Timestamp) -> u64 {
        let lines = self.shop.log_since("payment-function", since).await;
        lines.iter().filter_map(|line| line[metric::GATEWAY_CIRCUIT_OPENED].as_u64()).sum()
    }

    /// How many deliveries a function returned to its queue since then, by its metric.
    pub async fn retries(&self, function: &str, since: Timestamp) -> u64 {
        let lines = self.shop.log_since(function, since).await;
        lines.iter().filter_map(|line| line[metric::RETRIES].as_u64()).sum()
    }

    /// How many of the emulator's invocations ended with the process that served them, since it was started.
    pub fn invocations_cut_short(&self) -> u64 {
        let log = std::fs::read_to_string(self.environment.emulator_log()).unwrap_or_default();
        log.lines().filter(|line| line.contains("Runtime exited before returning a response")).count() as u64
    }
}

/// What a proxy did between two looks, by the kind of fault.
pub fn injected(before: &Counts, after: &Counts) -> Vec<(&'static str, u64)> {
    let count = |name| after.injected[name] - before.injected.get(name).copied().unwrap_or_default();
    after.injected.keys().map(|name| (*name, count(*name))).filter(|(_, count)| *count > 0).collect()
}
