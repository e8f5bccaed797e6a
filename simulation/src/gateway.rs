//! The payment gateway: the payment simulator's engine, and what the simulation knows besides its books.

use std::collections::{BTreeMap, BTreeSet};

use payment_simulator::{ChargeState, Endpoint, Engine, Intent, IntentStatus, Parameters, Request, event_body};
use serde_json::{Value, json};

use crate::ports::ENVIRONMENT;
use crate::world::FIRST_MOMENT;

/// The origin of a payment, which is not in the gateway's books.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) order: u32,
    /// Which attempt of its order it is, from 1.
    pub(crate) attempt: u32,
    /// The invocation that asked for it.
    pub(crate) by: u64,
    /// Whether the invocation that asked for it got the answer.
    pub(crate) answered: bool,
}

/// A payment, as an invariant sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Payment<'a> {
    pub(crate) intent: &'a Intent,
    pub(crate) origin: &'a Origin,
}

impl Payment<'_> {
    pub(crate) const fn is_authorised(&self) -> bool {
        matches!(self.intent.status, IntentStatus::RequiresCapture)
    }

    /// The captured and the refunded amount, in minor units.
    pub(crate) fn money(&self) -> (u64, u64) {
        match self.intent.charge.as_ref().map(|charge| charge.state) {
            Some(ChargeState::Captured { amount, refunded }) => (amount, refunded),
            _ => (0, 0),
        }
    }
}

/// A webhook of the gateway, not yet signed.
#[derive(Debug, Clone)]
pub(crate) struct WebhookEvent {
    pub(crate) order: u32,
    /// Stripe's event document.
    pub(crate) body: String,
    /// Whether money was refunded.
    pub(crate) is_refund: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Gateway {
    engine: Engine,
    origins: BTreeMap<String, Origin>,
    by_order: BTreeMap<u32, Vec<String>>,
    /// Until when the first request under a key runs, in milliseconds of the run.
    running: BTreeMap<String, u64>,
    /// When it is down: from, until, in milliseconds of the run.
    pub(crate) outages: Vec<(u64, u64)>,
    /// Orders whose card was refused after a first authorisation had expired.
    pub(crate) refused_again: BTreeSet<u32>,
    /// The last request of each order to authorise its payment, for mutations.
    pub(crate) last_request: BTreeMap<u32, Parameters>,
    events: u64,
}

/// The gateway's clock at a moment of the run.
const fn seconds(now: u64) -> i64 {
    (FIRST_MOMENT + now.cast_signed()) / 1000
}

/// The number of the order that a label names.
pub(crate) fn number_of_label(label: &str) -> Option<u32> {
    label.strip_prefix("ord-")?.parse().ok()
}

impl Gateway {
    /// The engine, to set how the next request goes.
    pub(crate) const fn engine(&mut self) -> &mut Engine {
        &mut self.engine
    }

    pub(crate) fn is_down(&self, now: u64) -> bool {
        self.outages.iter().any(|(from, until)| (*from..*until).contains(&now))
    }

    /// Whether a request with this key is under way.
    pub(crate) fn is_running(&self, key: &str, now: u64) -> bool {
        self.running.get(key).is_some_and(|until| *until > now)
    }

    /// Executes a request, or repeats the answer under its key: status, body and whether it is a repetition.
    /// `by` is the invocation that asks.
    pub(crate) fn ask(
        &mut self,
        endpoint: Endpoint,
        parameters: Parameters,
        key: Option<(&str, u64)>,
        by: u64,
        now: u64,
    ) -> (u16, Value, bool) {
        let idempotency_key = key.map(|(key, _)| key.to_owned());
        if let Some((key, running_until)) = key {
            self.running.entry(key.to_owned()).or_insert(running_until);
        }
        let creates = endpoint == Endpoint::CreateIntent;
        let given = |name: &str| parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let order = given("metadata[orderId]").and_then(number_of_label);
        let attempt = given("metadata[attempt]").and_then(|attempt| attempt.parse().ok()).unwrap_or(1);
        if let Some(order) = order.filter(|_| creates) {
            self.last_request.insert(order, parameters.clone());
        }
        let (answer, replayed) = self.engine.ask(Request { endpoint, parameters, idempotency_key }, seconds(now));
        if let Some(order) = order.filter(|_| creates) {
            let new: Vec<String> = self
                .engine
                .intents()
                .rev()
                .take_while(|intent| !self.origins.contains_key(&intent.id))
                .map(|intent| intent.id.clone())
                .collect();
            for id in new {
                self.origins.insert(id.clone(), Origin { order, attempt, by, answered: false });
                self.by_order.entry(order).or_default().push(id);
            }
            if matches!(answer.status, 400 | 402) && attempt > 1 {
                self.refused_again.insert(order);
            }
        }
        (answer.status, answer.body, replayed)
    }

    /// The invocation that asked for a payment got the answer.
    pub(crate) fn answered(&mut self, payment: &str) {
        if let Some(origin) = self.origins.get_mut(payment) {
            origin.answered = true;
        }
    }

    /// A payment, by its id.
    pub(crate) fn payment(&self, id: &str) -> Option<Payment<'_>> {
        Some(Payment { intent: self.engine.intent(id)?, origin: self.origins.get(id)? })
    }

    /// The payments of an order.
    pub(crate) fn of(&self, order: u32) -> impl Iterator<Item = Payment<'_>> {
        self.by_order.get(&order).into_iter().flatten().filter_map(|id| self.payment(id))
    }

    /// Ends the authorisations whose time is over.
    pub(crate) fn expire(&mut self, now: u64) {
        self.engine.expire(seconds(now));
    }

    /// Whether an authorisation ends before then.
    pub(crate) fn expires_before(&self, then: u64) -> bool {
        let then = seconds(then);
        self.engine.intents().any(|intent| {
            let state = intent.charge.as_ref().map(|charge| charge.state);
            matches!(state, Some(ChargeState::Held { ends_at, .. }) if ends_at < then)
        })
    }

    /// Stripe's event document for a refund of the order that the bank returned.
    pub(crate) fn refund_failed(&mut self, order: u32) -> String {
        self.events += 1;
        let payment = self.of(order).map(|payment| payment.intent.id.clone()).next();
        let refund = json!({
            "object": "refund", "id": format!("re_{order}"), "payment_intent": payment, "status": "failed",
            "metadata": { "orderId": format!("ord-{order}"), "environment": ENVIRONMENT },
        });
        json!({ "id": format!("evt_{}", self.events), "type": "refund.failed", "data": { "object": refund } })
            .to_string()
    }

    /// The events since the last call.
    pub(crate) fn take_events(&mut self) -> Vec<WebhookEvent> {
        let pending = self.engine.take_pending_events();
        pending
            .iter()
            .filter_map(|event| {
                let order = event.occurrence.object["metadata"]["orderId"].as_str().and_then(number_of_label)?;
                self.events += 1;
                let is_refund = event.occurrence.object["object"] == "charge";
                Some(WebhookEvent { order, body: event_body(event, self.events), is_refund })
            })
            .collect()
    }
}
