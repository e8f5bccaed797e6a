//! The tables as the stages see them.

use std::collections::{BTreeSet, HashMap};

use order_domain::catalogue::PriceList;
use order_domain::event::{Event, EventType};
use order_domain::id::{OrderId, Sku};
use order_domain::message::{Command, Message};
use order_domain::money::Currency;
use order_domain::order::Order;
use order_domain::time::Timestamp;
use order_domain::transition::{Change, StockEffect};
use order_domain::wiring::Stage;
use order_handlers::failure::Failure;
use order_handlers::ports::{
    Catalogue, Committed, EventKey, Events, OpenOrders, Orders, Runtime as _, SEARCH_IS_CURRENT_AFTER, Stock,
};

use super::{Call, Ports};
use crate::fault::FaultKind;
use crate::invariants::judge_change;
use crate::invocation::orders;
use crate::mutation::Mutation;
use crate::workload::number_of;
use crate::world::{State, pause};

/// How many of a hundred transactions take long enough for another one to meet them.
const SLOW_TRANSACTIONS: u32 = 30;

impl Catalogue for Ports {
    async fn price_list(&self, skus: &BTreeSet<Sku>, currencies: &BTreeSet<Currency>) -> Result<PriceList, Failure> {
        self.reach(Call::Read, None).await?;
        let mut prices = self.world.state().table.prices.clone();
        prices.products.retain(|sku, _| skus.contains(sku));
        prices.delivery.retain(|currency, _| currencies.contains(currency));
        Ok(prices)
    }
}

impl Stock for Ports {
    async fn free_units(&self, sku: &Sku) -> Result<Vec<(u16, u32)>, Failure> {
        self.reach(Call::Read, None).await?;
        Ok(self.world.state().table.free_units(sku))
    }
}

impl Events for Ports {
    async fn events(&self, keys: &BTreeSet<EventKey>) -> Result<HashMap<EventKey, Event>, Failure> {
        if keys.is_empty() {
            return Ok(HashMap::new());
        }
        self.reach(Call::Read, None).await?;
        let state = self.world.state();
        let stored = |key: &EventKey| Some((key.clone(), state.table.events.get(&key.0)?.get(&key.1)?.clone()));
        Ok(keys.iter().filter_map(stored).collect())
    }
}

impl OpenOrders for Ports {
    /// One of those that are due: the stage walks a hash map of them, in an order that no seed decides. There are as many
    /// more sweeps instead.
    async fn due(&self, at: Timestamp) -> Result<Vec<OrderId>, Failure> {
        self.reach(Call::Read, None).await?;
        let now = self.world.now();
        let mut guard = self.world.state();
        let state = &mut *guard;
        let mut due = state.table.due(at, now);
        if due.is_empty() {
            return Ok(due);
        }
        let one = state.schedule.position(due.len());
        Ok(vec![due.swap_remove(one)])
    }

    async fn check_again(&self, order: &Order, at: Timestamp) -> Result<(), Failure> {
        if self.makes(Mutation::NotCheckedAgainLater) {
            return Ok(());
        }
        let number = number_of(&order.order_id);
        self.reach(Call::Write, number).await?;
        {
            let now = self.world.now();
            let mut guard = self.world.state();
            let state = &mut *guard;
            let shown_at = now + index_lag(state, now);
            state.table.check_again(order, at, shown_at);
            state.tell(now, number, || format!("it is looked at again at {at}"));
        }
        self.back(Call::Write, number).await
    }
}

/// By how much the index of open orders is behind the table, in milliseconds.
fn index_lag(state: &mut State, now: u64) -> u64 {
    if state.strikes(FaultKind::Delay, now) {
        state.faults.chance(FaultKind::Delay).between(1_000, 60_000)
    } else {
        state.schedule.between(1, 500)
    }
}

impl Orders for Ports {
    async fn load(&self, ids: &BTreeSet<OrderId>) -> Result<HashMap<OrderId, Order>, Failure> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        self.reach(Call::Read, None).await?;
        let loaded = {
            let state = self.world.state();
            let stored = |id: &OrderId| Some((id.clone(), state.table.orders.get(id)?.clone()));
            ids.iter().filter_map(stored).collect::<HashMap<_, _>>()
        };
        if self.makes(Mutation::StaleSearchBelieved) && self.invocation.stage == Stage::Payment {
            return Ok(loaded.into_iter().map(|(id, order)| (id, long_quiet(order, self.now()))).collect());
        }
        Ok(loaded)
    }

    async fn commit(&self, change: &Change) -> Result<Committed, Failure> {
        let order = number_of(&change.order().order_id);
        if self.makes(Mutation::AttentionNotSet) && change.event().event_type == EventType::OrderNeedsAttention {
            return Ok(Committed::Done);
        }
        self.may_panic(order).await;
        self.forward_too_early(change);
        self.reach(Call::Write, order).await?;
        if !self.transact(change, order).await {
            return self.conflict(change);
        }
        let committed = self.write(change, order);
        self.back(Call::Write, order).await?;
        self.may_panic(order).await;
        match committed {
            Committed::Done => {
                orders(&self.invocation.committed).insert(change.order().order_id.clone());
                Ok(committed)
            }
            _ if self.makes(Mutation::ConditionTakenForConflict) => {
                Err(Failure::transient_because("a transaction was cancelled"))
            }
            _ => Ok(committed),
        }
    }
}

/// A mutation: a cancelled order whose hold may not be found yet, as if it could.
fn long_quiet(order: Order, now: Timestamp) -> Order {
    if !order.may_hold_money_unknown_to_us() {
        return order;
    }
    let long_ago = now.unix_milliseconds() - i64::try_from(SEARCH_IS_CURRENT_AFTER.as_millis()).unwrap_or(0);
    let updated_at = Timestamp::from_unix_milliseconds(long_ago).unwrap_or(order.updated_at);
    Order { updated_at, ..order }
}

impl Ports {
    /// A transaction takes its time; false when another one is under way on its items.
    async fn transact(&self, change: &Change, order: Option<u32>) -> bool {
        let takes = {
            let now = self.world.now();
            let mut state = self.world.state();
            let slow = state.schedule.percent(SLOW_TRANSACTIONS);
            let takes = if slow { state.schedule.between(1, 8) } else { 0 };
            if state.strikes(FaultKind::Conflict, now) || !state.table.begin(change, now, now + takes) {
                state.tell(now, order, || format!("{:?}: transaction conflict", change.event().event_type));
                return false;
            }
            takes
        };
        if takes > 0 {
            pause(takes).await;
            self.unless_dead().await;
        }
        true
    }

    fn conflict(&self, change: &Change) -> Result<Committed, Failure> {
        if self.makes(Mutation::ConflictTakenForCondition) {
            return Ok(match change.stock() {
                StockEffect::None => Committed::Stale(None),
                _ => Committed::StockShort(0),
            });
        }
        Err(Failure::transient_because("a transaction conflicted with another one"))
    }

    fn write(&self, change: &Change, order: Option<u32>) -> Committed {
        let now = self.world.now();
        let mut state = self.world.state();
        let (committed, written) = state.table.commit(change, self.world.mutation);
        state.tell(now, order, || {
            let answer = match &committed {
                Committed::Done => "stored".to_owned(),
                Committed::Stale(stored) => {
                    format!("not stored, version {:?} is there", stored.as_ref().map(|order| order.version))
                }
                Committed::StockShort(line) => format!("not stored, too little stock of line {line}"),
            };
            let (event, by) = (change.event(), self.invocation.id);
            format!("{} v{} by {} #{by}: {answer}", event.event_type.name(), event.sequence, event.actor)
        });
        let Some(written) = written else { return committed };
        state.table.stored_at.entry(change.order().order_id.clone()).or_insert(now);
        let shown_at = now + index_lag(&mut state, now);
        state.table.set_next_check(&change.order().order_id, change.order().next_check_at(), shown_at);
        judge_change(&mut state, change, &written, now);
        state.statistics.events += 1;
        let shard = state.publish(change.event().clone(), now);
        drop(state);
        if let Some(bell) = self.world.shard_bells.get(shard) {
            bell.notify_one();
        }
        committed
    }

    /// A mutation: the next stage hears of a change that is not committed yet.
    fn forward_too_early(&self, change: &Change) {
        if !self.makes(Mutation::ForwardBeforeCommit) {
            return;
        }
        let id = change.order().order_id.clone();
        let message = match change.event().event_type {
            EventType::OrderValidated => Command::reserve_stock(id.clone()),
            EventType::StockReserved => Command::authorise_payment(id.clone()),
            _ => return,
        };
        if orders(&self.invocation.forwarded).insert(id) {
            self.send(&message);
        }
    }

    /// Puts a message into its stage's queue.
    pub(super) fn send(&self, message: &Message) {
        let body = serde_json::to_string(message).unwrap_or_default();
        let order = number_of(message.order_id());
        let name = self.world.send(message.stage(), body, order);
        let now = self.world.now();
        self.world.state().tell(now, order, || format!("{name} is sent to {}-queue", message.stage().name()));
    }
}
