//! The transport to the gateway under the shipped adapter. Requests and answers fail here.

use order_handlers::adapters::stripe::{Reply, Transport, Unanswered};
use order_handlers::failure::Failure;
use payment_simulator::{AuthorisationTerms, Endpoint, Faults, IntentStatus, Parameters};
use serde_json::{Value, json};

use super::{Call, Ports};
use crate::fault::FaultKind;
use crate::gateway::number_of_label;
use crate::mutation::Mutation;
use crate::workload::number_of;
use crate::world::{State, pause};

/// The environment that payments are labelled with.
pub(crate) const ENVIRONMENT: &str = "sim";
/// How long an authorisation lasts, in seconds: seven days, as Visa's and Mastercard's do.
const AUTHORISATION: i64 = 7 * 24 * 3600;
/// The search is current within a minute in the ordinary case (docs.stripe.com/search#data-freshness), in seconds.
const SEARCH_FOLLOWS_WITHIN: u64 = 60;
/// And where it is slow. With the time that a request is under way it stays below what the stages wait.
const SLOW_SEARCH_FOLLOWS_WITHIN: u64 = 85;

impl Transport for Ports {
    async fn post(&self, path: &str, key: &str, form: &[(&str, String)], _: &str) -> Result<Reply, Unanswered> {
        let number = self.order_of(path, form);
        self.reach_gateway(number).await?;
        if let Some(reply) = self.skipped(path, number) {
            return Ok(reply);
        }
        if self.makes(Mutation::DeclineRetried) && self.was_declined(number) {
            return Err(Unanswered::NoReply(Failure::transient_because("the payment was declined")));
        }
        let takes = self.world.state().schedule.between(20, 400);
        let reply = self.execute(path, key, form, number, takes);
        self.world.post_webhooks();
        pause(takes).await;
        self.unless_dead().await;
        self.back(Call::Gateway, number).await.map_err(Unanswered::NoReply)?;
        if reply.status.is_success() && path.ends_with("/payment_intents") {
            let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
            self.world.state().gateway.answered(body["id"].as_str().unwrap_or_default());
        }
        self.may_panic(number).await;
        if reply.status.as_u16() == 402 && self.makes(Mutation::DeclineRetried) {
            return Err(Unanswered::NoReply(Failure::transient_because("the payment was declined")));
        }
        Ok(reply)
    }

    async fn get(&self, path: &str, query: &[(&str, String)], what: &str) -> Result<Reply, Unanswered> {
        let number = self.order_of(path, query);
        self.reach_gateway(number).await?;
        let reply = {
            let now = self.world.now();
            let mut state = self.world.state();
            state.gateway.expire(now);
            state.narrate(now, number, || format!("gateway: GET {path}, {what}"));
            let (status, body, _) = ask(&mut state, "GET", path, query, None, self.invocation.id, now);
            reply(status, &self.mutated(&mut state, path, number, body), false)
        };
        self.back(Call::Gateway, number).await.map_err(Unanswered::NoReply)?;
        Ok(reply)
    }
}

fn reply(status: u16, body: &Value, replayed: bool) -> Reply {
    let status = status.try_into().unwrap_or_default();
    Reply { status, body: body.to_string().into_bytes(), replayed }
}

fn ask(
    state: &mut State,
    method: &str,
    path: &str,
    parameters: &[(&str, String)],
    key: Option<(&str, u64)>,
    by: u64,
    now: u64,
) -> (u16, Value, bool) {
    let Some(endpoint) = Endpoint::of(method, path) else { return (404, Value::Null, false) };
    let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    state.gateway.ask(endpoint, parameters, key, by, now)
}

impl Ports {
    async fn reach_gateway(&self, number: Option<u32>) -> Result<(), Unanswered> {
        // Past the breaker: a probe that panics here was made, too.
        self.invocation.process.calls_gateway(&self.world);
        self.may_panic(number).await;
        self.reach(Call::Gateway, number).await.map_err(Unanswered::NoReply)?;
        self.unless_down(number).await
    }

    fn was_declined(&self, number: Option<u32>) -> bool {
        let state = self.world.state();
        number.is_some_and(|number| {
            state.gateway.of(number).any(|payment| payment.intent.status == IntentStatus::RequiresPaymentMethod)
        })
    }

    async fn unless_down(&self, number: Option<u32>) -> Result<(), Unanswered> {
        let wait = {
            let now = self.world.now();
            let mut state = self.world.state();
            if !state.gateway.is_down(now) {
                return Ok(());
            }
            state.narrate(now, number, || "FAULT the gateway is down".to_owned());
            // Refused at once, or nobody answers.
            state.schedule.below(2) * Call::Gateway.timeout()
        };
        pause(wait).await;
        self.unless_dead().await;
        Err(Unanswered::NoReply(Failure::transient_because("the gateway is down")))
    }

    /// The number of the order that a request is about: by its label, by its query, or by the payment in its path.
    fn order_of(&self, path: &str, parameters: &[(&str, String)]) -> Option<u32> {
        let given = |name| parameters.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str());
        let searched = given("query").and_then(|query| query.rsplit(":'").next()?.strip_suffix('\''));
        if let Some(label) = given("metadata[orderId]").or(searched) {
            return number_of_label(label);
        }
        let payment = path.split('/').nth(3)?;
        Some(self.world.state().gateway.payment(payment)?.origin.order)
    }

    /// Executes a request with the drawn faults. The effect is there at once, the answer after `takes` milliseconds.
    fn execute(&self, path: &str, key: &str, form: &[(&str, String)], number: Option<u32>, takes: u64) -> Reply {
        let now = self.world.now();
        let mut guard = self.world.state();
        let state = &mut *guard;
        let key = if self.makes(Mutation::IdempotencyKeyMissing) {
            format!("{key}:{}", state.name())
        } else if self.makes(Mutation::IdempotencyKeyUnstable) {
            format!("{key}:{}", now / 1000)
        } else {
            key.to_owned()
        };
        let twice = draw_course(state, path, now);
        if state.gateway.is_running(&key, now) {
            state.narrate(now, number, || format!("gateway: POST {path} under {key}: it is still busy with the first"));
            let error = json!({ "type": "idempotency_error", "code": "idempotency_key_in_use" });
            return reply(409, &json!({ "error": error }), false);
        }
        let by = self.invocation.id;
        let (status, body, replayed) = ask(state, "POST", path, form, Some((&key, now + takes)), by, now);
        state.gateway.engine().set_faults(Faults::default());
        if twice && status == 500 && !replayed {
            ask(state, "POST", path, form, Some((&format!("{key}:twice"), now)), by, now);
        }
        state.narrate(now, number, || {
            let repeated = if replayed { ", repeated" } else { "" };
            format!("gateway: POST {path} under {key}: {status}{repeated}")
        });
        let expired = body["error"]["payment_intent"]["status"] == "canceled" && path.ends_with("/capture");
        if expired && self.makes(Mutation::ExpiryTakenForCapture) {
            return reply(200, &with_status(body["error"]["payment_intent"].clone(), "succeeded"), false);
        }
        reply(status, &body, replayed)
    }

    /// The answer to a request that a mutation leaves out.
    fn skipped(&self, path: &str, number: Option<u32>) -> Option<Reply> {
        let payment = path.split('/').nth(3)?;
        let of_order = |state: &State| {
            let order = state.table.orders.values().find(|order| number_of(&order.order_id) == number)?;
            Some(order.authorisation.as_ref()?.payment_intent == payment)
        };
        let status = if path.ends_with("/capture") && self.makes(Mutation::CaptureSkipped) {
            "succeeded"
        } else if path.ends_with("/cancel")
            && (self.makes(Mutation::VoidSkipped) || self.makes(Mutation::SurplusAuthorisationKept))
            && of_order(&self.world.state()).unwrap_or(false) == self.makes(Mutation::VoidSkipped)
        {
            "canceled"
        } else {
            return None;
        };
        Some(reply(200, &json!({ "id": payment, "status": status }), false))
    }

    /// An answer to a read, as a mutation changes it.
    fn mutated(&self, state: &mut State, path: &str, number: Option<u32>, mut body: Value) -> Value {
        let searches = path.ends_with("/search");
        if searches && self.makes(Mutation::NextKeyWithoutLooking) {
            body["data"] = json!([]);
        }
        let nothing = body["data"].as_array().is_some_and(Vec::is_empty);
        let request: Option<Parameters> =
            number.filter(|_| nothing).and_then(|number| state.gateway.last_request.get(&number).cloned());
        if let Some(request) = request.filter(|_| self.makes(Mutation::StaleSearchBelieved)) {
            // A payment that the search does not show yet is authorised again.
            let (now, key) = (self.world.now(), format!("again:{}", state.name()));
            let by = self.invocation.id;
            let (status, intent, _) = state.gateway.ask(Endpoint::CreateIntent, request, Some((&key, now)), by, now);
            if status == 200 {
                body["data"] = json!([intent]);
            }
        }
        if body["status"] == "canceled" && self.makes(Mutation::ExpiredAuthorisationTakenForCaptured) {
            body = with_status(body, "succeeded");
            body["latest_charge"] = json!({ "payment_method_details": null, "amount_refunded": 0 });
        }
        body
    }
}

fn with_status(mut intent: Value, status: &str) -> Value {
    intent["status"] = status.into();
    intent
}

/// Draws the faults of the next request; true when it is executed twice before its error.
fn draw_course(state: &mut State, path: &str, now: u64) -> bool {
    let lasts = if state.should_inject(FaultKind::EarlyExpiry, now) {
        state.faults.random(FaultKind::EarlyExpiry).between(60, 3_600).cast_signed()
    } else {
        AUTHORISATION
    };
    // An early expiry is announced, or earlier than announced, or not announced at all.
    let promises = match lasts {
        AUTHORISATION => Some(AUTHORISATION),
        _ => [Some(lasts), Some(AUTHORISATION), None][state.faults.random(FaultKind::EarlyExpiry).position(3)],
    };
    let slow = state.should_inject(FaultKind::Delay, now);
    let follows = if slow { SLOW_SEARCH_FOLLOWS_WITHIN } else { SEARCH_FOLLOWS_WITHIN };
    let staleness = state.schedule.below(follows).cast_signed();
    let fails = state.should_inject(FaultKind::SavedFailure, now);
    let how = if fails { state.faults.random(FaultKind::SavedFailure).below(4) } else { 0 };
    let engine = state.gateway.engine();
    engine.set_authorisation_terms(AuthorisationTerms { lasts, promises });
    engine.set_search_staleness(staleness);
    if fails {
        let nothing_done = how < 2;
        engine.set_faults(Faults {
            error_status: nothing_done.then_some(500),
            charged_but_error: !nothing_done,
            remaining: None,
            ..Faults::default()
        });
    }
    how == 3 && path.ends_with("/payment_intents")
}
