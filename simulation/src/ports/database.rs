//! The tables as the stages see them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use order_domain::catalogue::Product;
use order_domain::event::EventType;
use order_domain::id::{OrderId, Sku};
use order_domain::message::{Command, Message};
use order_domain::order::Order;
use order_domain::transition::{Change, StockEffect};
use order_handlers::failure::Failure;
use order_handlers::ports::{Catalogue, Committed, Orders, Stock};

use super::{Call, Ports};
use crate::fault::FaultKind;
use crate::invariants::judge_change;
use crate::invocation::orders;
use crate::mutation::Mutation;
use crate::workload::number_of;
use crate::world::pause;

/// How many of a hundred transactions take long enough for another one to meet them.
const SLOW_TRANSACTIONS: u32 = 30;

impl Catalogue for Ports {
    async fn products(&self, skus: &BTreeSet<Sku>) -> Result<BTreeMap<Sku, Product>, Failure> {
        self.reach(Call::Read, None).await?;
        let state = self.world.state();
        Ok(skus.iter().filter_map(|sku| Some((sku.clone(), state.table.products.get(sku)?.clone()))).collect())
    }
}

impl Stock for Ports {
    async fn shard_with(&self, sku: &Sku, quantity: u32) -> Result<Option<u16>, Failure> {
        self.reach(Call::Read, None).await?;
        Ok(self.world.state().table.shard_with(sku, quantity))
    }
}

impl Orders for Ports {
    async fn load(&self, ids: &BTreeSet<OrderId>) -> Result<HashMap<OrderId, Order>, Failure> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        self.reach(Call::Read, None).await?;
        let state = self.world.state();
        Ok(ids.iter().filter_map(|id| Some((id.clone(), state.table.orders.get(id)?.clone()))).collect())
    }

    async fn commit(&self, change: &Change) -> Result<Committed, Failure> {
        let order = number_of(&change.order().order_id);
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
