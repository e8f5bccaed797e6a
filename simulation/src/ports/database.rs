//! The tables as the stages see them.

use std::collections::BTreeSet;
use std::time::Duration;

use order_contract::message::{Command, Message};
use order_domain::event::{Event, EventType};
use order_domain::id::{OrderId, Sku};
use order_domain::money::Currency;
use order_domain::order::Order;
use order_domain::stage::Stage;
use order_domain::time::Timestamp;
use order_domain::transition::{Change, StockEffect};
use order_handlers::failure::{DeadLetterReason, Failure};
use order_handlers::ports::{
    Catalogue, Committed, EventKey, Events, Loaded, OpenOrders, Orders, Prices, Runtime as _, SEARCH_IS_CURRENT_AFTER,
    Stock,
};

use super::{Call, Ports};
use crate::fault::FaultKind;
use crate::invariants::judge_change;
use crate::invocation::orders;
use crate::mutation::Mutation;
use crate::sometimes;
use crate::table::Stored;
use crate::workload::number_of;
use crate::world::{State, pause};

/// How many of a hundred transactions take long enough for another one to meet them.
const SLOW_TRANSACTIONS: u32 = 30;

impl Catalogue for Ports {
    async fn price_list(&self, skus: &BTreeSet<Sku>, currencies: &BTreeSet<Currency>) -> Result<Prices, Failure> {
        self.reach(Call::Read, None).await?;
        let now = self.world.now();
        let mut guard = self.world.state();
        let state = &mut *guard;
        if state.should_inject(FaultKind::Unreadable, now) {
            let random = state.faults.random(FaultKind::Unreadable);
            let one = skus.iter().nth(random.position(skus.len())).cloned();
            let until = now + random.between(1_000, 5_000);
            if let Some(sku) = one {
                state.narrate(now, None, || format!("FAULT product {sku} cannot be read"));
                state.table.damage(Stored::Product(sku), until);
            }
        }
        let mut prices = Prices { readable: state.table.prices.clone(), ..Prices::default() };
        prices.readable.products.retain(|sku, _| skus.contains(sku));
        prices.readable.delivery.retain(|currency, _| currencies.contains(currency));
        if self.makes(Mutation::PricesDoubled) {
            prices.readable.products.values_mut().for_each(|product| product.unit_price.amount *= 2);
        }
        for sku in skus {
            if let Err(failure) = readable(state, &Stored::Product(sku.clone()), now) {
                prices.readable.products.remove(sku);
                prices.unreadable_products.insert(sku.clone(), failure);
            }
        }
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
    async fn events(&self, keys: &BTreeSet<EventKey>) -> Result<Loaded<EventKey, Event>, Failure> {
        if keys.is_empty() {
            return Ok(Loaded::new());
        }
        self.reach(Call::Read, None).await?;
        let now = self.world.now();
        let state = self.world.state();
        let stored = |key: &EventKey| {
            let event = state.table.events.get(&key.0)?.get(&key.1)?;
            let readable = readable(&state, &Stored::Event(key.0.clone(), key.1), now);
            Some((key.clone(), readable.map(|()| event.clone())))
        };
        Ok(keys.iter().filter_map(stored).collect())
    }
}

/// Whether an item can be read.
fn readable(state: &State, item: &Stored, now: u64) -> Result<(), Failure> {
    if !state.table.was_unreadable_since(item, now) {
        return Ok(());
    }
    let what = format!("{item:?} cannot be read");
    Err(Failure::Permanent { what, reason: DeadLetterReason::ItemUnreadable, cause: None })
}

impl OpenOrders for Ports {
    async fn due(&self, at: Timestamp) -> Result<Vec<OrderId>, Failure> {
        self.reach(Call::Read, None).await?;
        let now = self.world.now();
        let due = self.world.state().table.due(at, now);
        orders(&self.invocation.swept).extend(due.iter().map(|id| (id.clone(), now)));
        if due.len() > 1 {
            self.world.state().reached(sometimes::SWEEP_OF_MANY);
        }
        self.back(Call::Read, None).await?;
        Ok(due)
    }

    async fn defer_check(&self, order: &Order, at: Timestamp) -> Result<(), Failure> {
        if !self.makes(Mutation::NotCheckedAgainLater) {
            let number = number_of(&order.order_id);
            self.reach(Call::Write, number).await?;
            {
                let now = self.world.now();
                let mut guard = self.world.state();
                let state = &mut *guard;
                let shown_at = now + index_lag(state, now);
                state.table.defer_check(order, at, shown_at);
                state.narrate(now, number, || format!("it is checked again at {at}"));
            }
            self.back(Call::Write, number).await?;
        }
        self.world.state().checked(order, self.world.now(), at);
        Ok(())
    }

    async fn defer_unreadable_check(&self, id: &OrderId, at: Timestamp, until: Timestamp) -> Result<(), Failure> {
        let number = number_of(id);
        self.reach(Call::Write, number).await?;
        {
            let now = self.world.now();
            let mut guard = self.world.state();
            let state = &mut *guard;
            let until = match self.makes(Mutation::UnreadableForgotten) {
                true => until.after(NEVER),
                false => until,
            };
            let shown_at = now + index_lag(state, now);
            state.table.defer_unreadable_check(id, at, until, shown_at);
            state.statistics.passed_over += 1;
            state.narrate(now, number, || format!("it cannot be read, and is checked again at {until}"));
        }
        self.back(Call::Write, number).await
    }
}

/// Longer than a run takes.
const NEVER: Duration = Duration::from_secs(100 * 24 * 3600);
/// How long the index of open orders is behind the table at most, in milliseconds.
pub(crate) const LONGEST_INDEX_LAG: u64 = 60_000;

/// By how much the index of open orders is behind the table, in milliseconds.
fn index_lag(state: &mut State, now: u64) -> u64 {
    if state.should_inject(FaultKind::Delay, now) {
        state.faults.random(FaultKind::Delay).between(1_000, LONGEST_INDEX_LAG)
    } else {
        state.schedule.between(1, 500)
    }
}

impl Orders for Ports {
    async fn load_each(&self, ids: &BTreeSet<OrderId>) -> Result<Loaded<OrderId, Order>, Failure> {
        if ids.is_empty() {
            return Ok(Loaded::new());
        }
        self.reach(Call::Read, None).await?;
        let in_parts = {
            let now = self.world.now();
            let mut state = self.world.state();
            ids.len() > 1 && state.should_inject(FaultKind::PartialRead, now)
        };
        let mut loaded: Loaded<OrderId, Order> = Loaded::new();
        let ids: Vec<&OrderId> = ids.iter().collect();
        let (first, rest) = ids.split_at(if in_parts { ids.len() / 2 } else { 0 });
        if in_parts {
            self.world.state().reached(sometimes::READ_IN_PARTS);
            loaded.extend(self.stored(first));
            self.reach(Call::Read, None).await?;
        }
        loaded.extend(self.stored(rest));
        // The answer may be old when it arrives.
        self.back(Call::Read, None).await?;
        if loaded.values().any(Result::is_err) {
            self.world.state().reached(sometimes::UNREADABLE);
        }
        if self.makes(Mutation::OneUnreadableFailsAll)
            && let Some(Err(failure)) = loaded.values().find(|order| order.is_err())
        {
            return Err(failure.clone());
        }
        if self.makes(Mutation::StaleSearchBelieved) && self.invocation.stage == Stage::Payment {
            let quiet = |order: Result<Order, Failure>| order.map(|order| long_quiet(order, self.now()));
            return Ok(loaded.into_iter().map(|(id, order)| (id, quiet(order))).collect());
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
        match committed {
            Ok(Committed::Stale(_)) => {
                let stale = sometimes::stale_in(self.invocation.stage);
                stale.into_iter().for_each(|what| self.world.state().reached(what));
            }
            Ok(Committed::StockShort(_)) => self.world.state().reached(sometimes::STOCK_SHORT),
            _ => {}
        }
        self.back(Call::Write, order).await?;
        self.may_panic(order).await;
        match committed? {
            Committed::Done => {
                orders(&self.invocation.committed).insert(change.order().order_id.clone());
                Ok(Committed::Done)
            }
            _ if self.makes(Mutation::ConditionTakenForConflict) => {
                Err(Failure::transient_because("a transaction was cancelled"))
            }
            refused => Ok(refused),
        }
    }
}

/// A written item can be read again; or it becomes unreadable, until another version of the program is deployed.
fn damage(state: &mut State, change: &Change, now: u64) {
    let id = &change.order().order_id;
    state.table.repair(&Stored::Order(id.clone()), now);
    if !state.should_inject(FaultKind::Unreadable, now) {
        return;
    }
    let random = state.faults.random(FaultKind::Unreadable);
    let until = now + random.between(60_000, 3 * 3_600_000);
    let item = match random.percent(50) {
        true => Stored::Order(id.clone()),
        false => Stored::Event(id.clone(), change.event().sequence),
    };
    state.narrate(now, number_of(id), || format!("FAULT {item:?} cannot be read for {} s", (until - now) / 1000));
    state.table.damage(item, until);
}

/// A mutation: a cancelled order looks as if the search must show its authorisation by now.
fn long_quiet(order: Order, now: Timestamp) -> Order {
    if !order.may_have_unknown_authorisation() {
        return order;
    }
    let long_ago = now.unix_milliseconds() - i64::try_from(SEARCH_IS_CURRENT_AFTER.as_millis()).unwrap_or(0);
    let updated_at = Timestamp::from_unix_milliseconds(long_ago).unwrap_or(order.updated_at);
    Order { updated_at, ..order }
}

impl Ports {
    /// The orders as they are stored now.
    fn stored(&self, ids: &[&OrderId]) -> Loaded<OrderId, Order> {
        let now = self.world.now();
        let state = self.world.state();
        let stored = |id: &&OrderId| {
            let order = state.table.orders.get(*id)?;
            Some(((*id).clone(), readable(&state, &Stored::Order((*id).clone()), now).map(|()| order.clone())))
        };
        ids.iter().filter_map(stored).collect()
    }

    /// Waits for the time that a transaction takes; false when another one is under way on its items.
    async fn transact(&self, change: &Change, order: Option<u32>) -> bool {
        let takes = {
            let now = self.world.now();
            let mut state = self.world.state();
            let slow = state.schedule.percent(SLOW_TRANSACTIONS);
            let takes = if slow { state.schedule.between(1, 8) } else { 0 };
            if state.should_inject(FaultKind::Conflict, now) || !state.table.begin(change, now, now + takes) {
                state.narrate(now, order, || format!("{:?}: transaction conflict", change.event().event_type));
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

    fn write(&self, change: &Change, order: Option<u32>) -> Result<Committed, Failure> {
        let now = self.world.now();
        let id = &change.order().order_id;
        let mut state = self.world.state();
        let (committed, written) = state.table.commit(change, self.world.mutation);
        state.narrate(now, order, || {
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
        let Some(written) = written else {
            // The answer contains the stored order.
            return readable(&state, &Stored::Order(id.clone()), now).map(|()| committed);
        };
        state.table.stored_at.entry(id.clone()).or_insert(now);
        let shown_at = now + index_lag(&mut state, now);
        state.table.set_next_check(id, change.order().next_check_at(), shown_at);
        judge_change(&mut state, change, &written, now);
        state.statistics.events += 1;
        damage(&mut state, change, now);
        let shard = state.publish(change.event().clone(), now);
        drop(state);
        if let Some(wakeup) = self.world.shard_wakeups.get(shard) {
            wakeup.notify_one();
        }
        Ok(committed)
    }

    /// A mutation: the next stage gets the message of a change that is not committed yet.
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

    /// Sends a message to its stage's queue.
    pub(super) fn send(&self, message: &Message) {
        let body = serde_json::to_string(message).unwrap_or_default();
        let order = number_of(message.order_id());
        let name = self.world.send(message.stage(), body, order);
        let now = self.world.now();
        self.world.state().narrate(now, order, || format!("{name} is sent to {}-queue", message.stage().name()));
    }
}
