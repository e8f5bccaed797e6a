//! The gateway as the stages see it: what `adapters::stripe` asks, under which keys, and how it reads the answers.

use std::time::Duration;

use order_domain::order::{Authorisation, Order};
use order_handlers::failure::{DeadLetterReason, Failure};
use order_handlers::ports::{CancelAnswer, CaptureAnswer, Found, Gateway, GatewayAnswer, Inspection};
use order_handlers::stages::authorisation::attempts;

use super::{Call, Ports};
use crate::fault::FaultKind;
use crate::gateway::{Answer, Course, FailedAfter, Intent, IntentStatus, Request};
use crate::mutation::Mutation;
use crate::workload::number_of;
use crate::world::{State, World, pause};

/// How long a hold lasts: seven days, as Visa's and Mastercard's do.
const HOLD: u64 = 7 * 24 * 3600 * 1000;
/// The search is current within a minute in the ordinary case (docs.stripe.com/search#data-freshness), in milliseconds.
const SEARCH_FOLLOWS_WITHIN: u64 = 60_000;
/// And where it is slow. With the time that a request is under way it stays below what the stages wait.
const SLOW_SEARCH_FOLLOWS_WITHIN: u64 = 85_000;
/// How many keys a request is made under within one delivery, as the adapter does.
const KEYS: u32 = 4;
/// How long an order waits whose key is spent, as the adapter has it.
const SPENT_KEY_WAITS: Duration = Duration::from_secs(120);
/// And one that the gateway is busy with already.
const BUSY_GATEWAY_WAITS: Duration = Duration::from_secs(3);

impl Gateway for Ports {
    async fn authorise(&self, order: &Order, attempt: u32) -> Result<GatewayAnswer, Failure> {
        let key = match attempt {
            1 => format!("{}:authorise", order.order_id),
            later => format!("{}:authorise:{later}", order.order_id),
        };
        let request = Request::Authorise {
            order: number_of(&order.order_id).unwrap_or_default(),
            amount: order.total.amount,
            method: order.payment_method.as_str().to_owned(),
            attempt,
        };
        let (answer, replayed) = self.ask(order, key, request).await?;
        match answer {
            Answer::Intent(id, _) => {
                // As the adapter: what was said under this key may not be true any more.
                if replayed {
                    let what = "look at what its key repeats";
                    let status = self.read(order, what, |state, _| state.gateway.status_of(&id)).await?;
                    if status == Some(IntentStatus::Canceled) {
                        let what = format!("what was held for order {} under this key has lapsed", order.order_id);
                        return Err(Failure::Waiting { what, wait: SPENT_KEY_WAITS, cause: None });
                    }
                }
                let mut state = self.world.state();
                let intent = state.gateway.intents.get_mut(&id);
                let capture_before = intent.and_then(|intent| {
                    intent.answered = true;
                    intent.capture_before
                });
                drop(state);
                let capture_before = capture_before.map(|at| self.world.clock(at, 0));
                Ok(GatewayAnswer::Authorised(Authorisation { payment_intent: id, attempt, capture_before }))
            }
            Answer::Declined(_) if self.makes(Mutation::DeclineRetried) => {
                Err(Failure::transient_because("the payment was declined"))
            }
            Answer::Declined(code) => Ok(GatewayAnswer::Declined(code.to_owned())),
            Answer::Failed if replayed => {
                let what = format!("the gateway keeps an error for order {} under this key", order.order_id);
                Err(Failure::Waiting { what, wait: SPENT_KEY_WAITS, cause: None })
            }
            answer => Err(refusal(order, &answer)),
        }
    }

    async fn find(&self, order: &Order) -> Result<Found, Failure> {
        if self.makes(Mutation::NextKeyWithoutLooking) {
            return Ok(Found::Nothing);
        }
        let number = number_of(&order.order_id).unwrap_or_default();
        let found = self.read(order, "search", |state, now| found(&self.world, state, order, number, now)).await?;
        match found {
            Found::Nothing if self.makes(Mutation::StaleSearchBelieved) && order.awaits_payment() => {
                let since = order.reserved_at.unwrap_or(order.created_at);
                let (attempts, _) = attempts(since, self.world.clock(self.world.now(), 0));
                match self.authorise(order, 1 + attempts).await? {
                    GatewayAnswer::Authorised(authorisation) => {
                        Ok(Found::Authorised { authorisation, surplus: Vec::new() })
                    }
                    GatewayAnswer::Declined(_) => Ok(Found::Nothing),
                }
            }
            found => Ok(found),
        }
    }

    async fn capture(&self, order: &Order) -> Result<CaptureAnswer, Failure> {
        let intent = held(order)?.payment_intent.clone();
        if self.makes(Mutation::CaptureSkipped) {
            return Ok(CaptureAnswer::Captured);
        }
        let key = format!("{}:capture:{intent}", order.order_id);
        let request = Request::Capture { intent, amount: order.total.amount };
        match self.settle(order, &key, request).await? {
            Answer::Intent(_, IntentStatus::Succeeded) => Ok(CaptureAnswer::Captured),
            Answer::Intent(_, IntentStatus::Canceled) if self.makes(Mutation::LapseTakenForCapture) => {
                Ok(CaptureAnswer::Captured)
            }
            Answer::Intent(_, IntentStatus::Canceled) => Ok(CaptureAnswer::Expired),
            answer => Err(refusal(order, &answer)),
        }
    }

    async fn inspect(&self, order: &Order) -> Result<Inspection, Failure> {
        let id = held(order)?.payment_intent.clone();
        let intent =
            self.read(order, "look at its payment", |state, _| state.gateway.intents.get(&id).cloned()).await?;
        match intent {
            Some(Intent { status: IntentStatus::RequiresCapture, .. }) => Ok(Inspection::Authorised),
            Some(Intent { status: IntentStatus::Canceled, .. }) if self.makes(Mutation::LapsedHoldTakenForCaptured) => {
                Ok(Inspection::Captured { refunded: 0 })
            }
            Some(Intent { status: IntentStatus::Canceled, .. }) => Ok(Inspection::Expired),
            Some(Intent { status: IntentStatus::Succeeded, refunded, .. }) => Ok(Inspection::Captured { refunded }),
            None => Err(refusal(order, &Answer::Invalid("resource_missing"))),
        }
    }

    async fn cancel(&self, order: &Order) -> Result<CancelAnswer, Failure> {
        if self.makes(Mutation::VoidSkipped) {
            return Ok(CancelAnswer::Cancelled);
        }
        self.cancel(order, &held(order)?.payment_intent).await
    }

    async fn cancel_payment(&self, order: &Order, payment_intent: &str) -> Result<(), Failure> {
        if self.makes(Mutation::SurplusHoldKept) {
            return Ok(());
        }
        match self.cancel(order, payment_intent).await {
            Ok(CancelAnswer::Cancelled) => Ok(()),
            Ok(CancelAnswer::AlreadyCaptured) => Err(refusal(order, &Answer::Invalid("already_captured"))),
            Err(failure) => {
                if let Some(intent) = self.world.state().gateway.intents.get_mut(payment_intent) {
                    intent.kept_in_vain = true;
                }
                Err(failure)
            }
        }
    }

    async fn refund(&self, order: &Order, amount: u64) -> Result<(), Failure> {
        let intent = held(order)?.payment_intent.clone();
        let key = format!("{}:refund:{}", order.order_id, order.refunded);
        let mut repetition = 1;
        loop {
            let request = Request::Refund { intent: intent.clone(), amount };
            match self.ask(order, repeated(&key, repetition), request).await? {
                (Answer::Refunded, _) => return Ok(()),
                (Answer::Failed, true) if repetition < KEYS => {
                    let read = |state: &mut State, _| state.gateway.intents.get(&intent).map(|intent| intent.refunded);
                    let refunded = self.read(order, "look at its refunds", read).await?.unwrap_or(0);
                    if refunded >= order.refunded + amount {
                        return Ok(());
                    }
                    repetition += 1;
                }
                (answer, _) => return Err(refusal(order, &answer)),
            }
        }
    }
}

fn repeated(key: &str, repetition: u32) -> String {
    if repetition == 1 { key.to_owned() } else { format!("{key}:{repetition}") }
}

/// What the search finds of an order, as the adapter reads it.
fn found(world: &World, state: &State, order: &Order, number: u32, now: u64) -> Found {
    let with = |status| {
        // What the order knows itself is none that it looks for.
        let of = state.gateway.intents.iter().filter(|(id, intent)| {
            intent.order == number && !(status == IntentStatus::RequiresCapture && order.knows_payment(id))
        });
        // What the search shows as held is read once more.
        let seen = |intent: &Intent| {
            intent.shown(now).map(|shown| match shown {
                IntentStatus::RequiresCapture => intent.status,
                shown => shown,
            })
        };
        let mut intents: Vec<_> = of.filter(|(_, intent)| seen(intent) == Some(status)).collect();
        // Stripe tells the second.
        intents.sort_by_key(|(id, intent)| (intent.created / 1000, (*id).clone()));
        intents
    };
    let authorisation = |(id, intent): &(&String, &Intent)| Authorisation {
        payment_intent: (*id).clone(),
        attempt: intent.attempt,
        capture_before: intent.capture_before.map(|at| world.clock(at, 0)),
    };
    let ids = |intents: &[(&String, &Intent)]| intents.iter().map(|(id, _)| (*id).clone()).collect();
    let (held, captured) = (with(IntentStatus::RequiresCapture), with(IntentStatus::Succeeded));
    match (captured.first(), held.first()) {
        (Some(first), _) => Found::Captured { authorisation: authorisation(first), surplus: ids(&held) },
        (None, Some(first)) => Found::Authorised { authorisation: authorisation(first), surplus: ids(&held[1..]) },
        (None, None) => Found::Nothing,
    }
}

impl Ports {
    async fn cancel(&self, order: &Order, payment_intent: &str) -> Result<CancelAnswer, Failure> {
        let key = format!("{}:void:{payment_intent}", order.order_id);
        match self.settle(order, &key, Request::Cancel { intent: payment_intent.to_owned() }).await? {
            Answer::Intent(_, IntentStatus::Canceled) => Ok(CancelAnswer::Cancelled),
            Answer::Intent(_, IntentStatus::Succeeded) => Ok(CancelAnswer::AlreadyCaptured),
            answer => Err(refusal(order, &answer)),
        }
    }

    /// Captures or cancels, under another key where the gateway repeats an error of its own.
    async fn settle(&self, order: &Order, key: &str, request: Request) -> Result<Answer, Failure> {
        let mut repetition = 1;
        loop {
            let (answer, replayed) = self.ask(order, repeated(key, repetition), request.clone()).await?;
            if answer != Answer::Failed || !replayed || repetition == KEYS {
                return Ok(answer);
            }
            repetition += 1;
        }
    }

    /// Reads at the gateway, which is never repeated under a key.
    async fn read<T>(&self, order: &Order, what: &str, read: impl FnOnce(&mut State, u64) -> T) -> Result<T, Failure> {
        let number = number_of(&order.order_id);
        self.may_panic(number).await;
        self.reach(Call::Gateway, number).await?;
        self.unless_down(number).await?;
        let read = {
            let now = self.world.now();
            let mut state = self.world.state();
            state.gateway.lapse(now);
            state.tell(now, number, || format!("gateway: {what}"));
            read(&mut state, now)
        };
        self.back(Call::Gateway, number).await?;
        Ok(read)
    }

    async fn unless_down(&self, number: Option<u32>) -> Result<(), Failure> {
        let wait = {
            let now = self.world.now();
            let mut state = self.world.state();
            if !state.gateway.is_down(now) {
                return Ok(());
            }
            state.tell(now, number, || "FAULT the gateway is down".to_owned());
            // Refused at once, or nobody answers.
            state.schedule.below(2) * Call::Gateway.timeout()
        };
        pause(wait).await;
        self.unless_dead().await;
        Err(Failure::transient_because("the gateway is down"))
    }

    /// Asks for a change; whether the answer is one that was saved.
    async fn ask(&self, order: &Order, key: String, request: Request) -> Result<(Answer, bool), Failure> {
        let number = number_of(&order.order_id);
        self.may_panic(number).await;
        self.reach(Call::Gateway, number).await?;
        self.unless_down(number).await?;
        let takes = self.world.state().schedule.between(20, 400);
        let answer = {
            let now = self.world.now();
            let mut state = self.world.state();
            let key = match () {
                () if self.makes(Mutation::IdempotencyKeyMissing) => format!("{key}:{}", state.name()),
                () if self.makes(Mutation::IdempotencyKeyUnstable) => format!("{key}:{}", now / 1000),
                () => key,
            };
            let course = course(&mut state, self.invocation.id, now, takes);
            let story = if state.is_told() { format!("{request:?}") } else { String::new() };
            let answer = state.gateway.ask(key.clone(), request, course);
            state.tell(now, number, || format!("gateway: {story} under {key}: {:?}", answer.0));
            answer
        };
        self.world.post_notices();
        pause(takes).await;
        self.unless_dead().await;
        self.back(Call::Gateway, number).await?;
        self.may_panic(number).await;
        Ok(answer)
    }
}

/// What chance and the faults make of a request.
fn course(state: &mut State, by: u64, now: u64, takes: u64) -> Course {
    let lapses_after = if state.should_inject(FaultKind::Lapse, now) {
        state.faults.chance(FaultKind::Lapse).between(60_000, 3_600_000)
    } else {
        HOLD
    };
    // A hold that lapses early does so as it says, or earlier than it says, or it says nothing.
    let promises = match lapses_after {
        HOLD => Some(HOLD),
        _ => [Some(lapses_after), Some(HOLD), None][state.faults.chance(FaultKind::Lapse).position(3)],
    };
    let fails = state.should_inject(FaultKind::SavedFailure, now).then(|| {
        match state.faults.chance(FaultKind::SavedFailure).below(4) {
            0 | 1 => FailedAfter::Nothing,
            2 => FailedAfter::Once,
            _ => FailedAfter::Twice,
        }
    });
    let slow = state.should_inject(FaultKind::Delay, now);
    let follows = if slow { SLOW_SEARCH_FOLLOWS_WITHIN } else { SEARCH_FOLLOWS_WITHIN };
    let shown_after = state.schedule.below(follows);
    Course { now, running_until: now + takes, lapses_after, promises, shown_after, fails, by }
}

fn held(order: &Order) -> Result<&Authorisation, Failure> {
    order.authorisation.as_ref().ok_or_else(|| Failure::Permanent {
        what: format!("order {} has no authorisation", order.order_id),
        reason: DeadLetterReason::IllegalCommand,
        cause: None,
    })
}

fn refusal(order: &Order, answer: &Answer) -> Failure {
    let what = format!("the gateway answered {answer:?} to order {}", order.order_id);
    match answer {
        Answer::Running => Failure::Waiting { what, wait: BUSY_GATEWAY_WAITS, cause: None },
        Answer::Failed => Failure::transient_because(what),
        _ => Failure::Permanent { what, reason: DeadLetterReason::RequestRefused, cause: None },
    }
}
