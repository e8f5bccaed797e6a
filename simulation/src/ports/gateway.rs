//! The gateway as the stages see it: what `adapters::stripe` asks, under which keys, and how it reads the answers.

use order_domain::order::{Authorisation, Order};
use order_handlers::failure::{DeadLetterReason, Failure};
use order_handlers::ports::{CaptureAnswer, Gateway, GatewayAnswer};

use super::{Call, Ports};
use crate::fault::FaultKind;
use crate::gateway::{Answer, IntentStatus, Request};
use crate::mutation::Mutation;
use crate::workload::number_of;
use crate::world::pause;

/// How long a hold lasts: seven days, as Visa's and Mastercard's do.
const HOLD: u64 = 7 * 24 * 3600 * 1000;

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
        };
        match self.ask(order, key, request).await? {
            Answer::Intent(payment_intent, _) => {
                Ok(GatewayAnswer::Authorised(Authorisation { payment_intent, attempt, capture_before: None }))
            }
            Answer::Declined(_) if self.makes(Mutation::DeclineRetried) => {
                Err(Failure::transient_because("the payment was declined"))
            }
            Answer::Declined(code) => Ok(GatewayAnswer::Declined(code.to_owned())),
            answer => Err(refusal(order, &answer)),
        }
    }

    async fn capture(&self, order: &Order) -> Result<CaptureAnswer, Failure> {
        let held = held(order)?;
        if self.makes(Mutation::CaptureSkipped) {
            return Ok(CaptureAnswer::Captured);
        }
        let key = format!("{}:capture:{}", order.order_id, held.attempt);
        let request = Request::Capture { intent: held.payment_intent.clone(), amount: order.total.amount };
        match self.ask(order, key, request).await? {
            Answer::Intent(_, IntentStatus::Succeeded) => Ok(CaptureAnswer::Captured),
            Answer::Intent(_, IntentStatus::Canceled) if self.makes(Mutation::LapseTakenForCapture) => {
                Ok(CaptureAnswer::Captured)
            }
            Answer::Intent(_, IntentStatus::Canceled) => Ok(CaptureAnswer::Lapsed),
            answer => Err(refusal(order, &answer)),
        }
    }

    async fn void(&self, order: &Order) -> Result<(), Failure> {
        let held = held(order)?;
        if self.makes(Mutation::VoidSkipped) {
            return Ok(());
        }
        let key = format!("{}:void:{}", order.order_id, held.attempt);
        let request = Request::Cancel { intent: held.payment_intent.clone() };
        match self.ask(order, key, request).await? {
            Answer::Intent(_, IntentStatus::Canceled) => Ok(()),
            answer => Err(refusal(order, &answer)),
        }
    }

    async fn refund(&self, order: &Order, amount: u64) -> Result<(), Failure> {
        let held = held(order)?;
        let key = format!("{}:refund:{}", order.order_id, order.refunded);
        let request = Request::Refund { intent: held.payment_intent.clone(), amount };
        match self.ask(order, key, request).await? {
            Answer::Refunded => Ok(()),
            answer => Err(refusal(order, &answer)),
        }
    }
}

impl Ports {
    async fn ask(&self, order: &Order, key: String, request: Request) -> Result<Answer, Failure> {
        let number = number_of(&order.order_id);
        self.may_panic(number).await;
        self.reach(Call::Gateway, number).await?;
        let takes = {
            let mut state = self.world.state();
            state.schedule.between(20, 400)
        };
        let (answer, down) = {
            let now = self.world.now();
            let mut state = self.world.state();
            let key = match () {
                () if self.makes(Mutation::IdempotencyKeyMissing) => format!("{key}:{}", state.name()),
                () if self.makes(Mutation::IdempotencyKeyUnstable) => format!("{key}:{}", now / 1000),
                () => key,
            };
            let lapses = state.strikes(FaultKind::Lapse, now);
            let hold = if lapses { state.faults.chance(FaultKind::Lapse).between(60_000, 3_600_000) } else { HOLD };
            let fails = state.strikes(FaultKind::SavedFailure, now);
            if state.gateway.is_down(now) {
                state.tell(now, number, || "FAULT the gateway is down".to_owned());
                (Answer::Failed, true)
            } else {
                let story = format!("{request:?}");
                let answer = state.gateway.ask(key.clone(), request, now, now + takes, hold, fails);
                state.tell(now, number, || format!("gateway: {story} under {key}: {answer:?}"));
                (answer, false)
            }
        };
        if down {
            // Refused at once, or nobody answers.
            let wait = self.world.state().schedule.below(2) * Call::Gateway.timeout();
            pause(wait).await;
            self.unless_dead().await;
            return Err(Failure::transient_because("the gateway is down"));
        }
        pause(takes).await;
        self.unless_dead().await;
        self.back(Call::Gateway, number).await?;
        self.may_panic(number).await;
        Ok(answer)
    }
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
        Answer::Running | Answer::Failed => Failure::transient_because(what),
        _ => Failure::Permanent { what, reason: DeadLetterReason::RequestRefused, cause: None },
    }
}
