//! The payment gateway in memory: its books, and what it answers from them.

use order_domain::event::Occasion;
use order_domain::order::{Authorisation, CancellationReason, Order};
use order_domain::transition::Step;
use order_domain::wiring::Stage;
use order_handlers::failure::Failure;
use order_handlers::ports::{CaptureAnswer, Committed, Found, Gateway, GatewayAnswer, Orders, Runtime};

use super::{Fault, Shop, broken};

/// A payment at the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    pub id: String,
    pub attempt: u32,
    pub state: PaymentState,
    /// Whether its answer was lost, and is for ever.
    pub unclear: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentState {
    Held,
    Captured,
    GivenUp,
}

impl Gateway for &Shop {
    async fn authorise(&self, order: &Order, attempt: u32) -> Result<GatewayAnswer, Failure> {
        if self.fails(Fault::Gateway, Some(&order.order_id)) {
            return Err(broken("the gateway"));
        }
        *self.authorised.lock().unwrap().entry(order.order_id.clone()).or_default() += 1;
        if self.cancel_during_authorisation.lock().unwrap().remove(&order.order_id) {
            let occasion = Occasion { at: self.now(), actor: Stage::Fulfilment, cause: "m".into() };
            let Step::Take(change) = order.cancelled(CancellationReason::CustomerRequest, &occasion) else {
                panic!("{order:?} cannot be cancelled")
            };
            assert_eq!(self.commit(&change).await.unwrap(), Committed::Done);
        }
        if self.declines.lock().unwrap().contains(&order.order_id) {
            return Ok(GatewayAnswer::Declined("generic_decline".into()));
        }
        let unclear = self.fails(Fault::GatewayAnswer, Some(&order.order_id));
        let mut payments = self.payments.lock().unwrap();
        let payments = payments.entry(order.order_id.clone()).or_default();
        let payment = match payments.iter().find(|payment| payment.attempt == attempt) {
            Some(payment) => payment.clone(),
            None => {
                let id = format!("pi_{}_{attempt}", order.order_id);
                payments.push(Payment { id, attempt, state: PaymentState::Held, unclear });
                payments[payments.len() - 1].clone()
            }
        };
        if payment.unclear {
            return Err(broken("the gateway"));
        }
        let authorisation = Authorisation { payment_intent: payment.id, attempt, capture_before: None };
        Ok(GatewayAnswer::Authorised(authorisation))
    }

    async fn find(&self, order: &Order) -> Result<Found, Failure> {
        if self.fails(Fault::Gateway, Some(&order.order_id)) {
            return Err(broken("the gateway"));
        }
        let payments = self.payments.lock().unwrap();
        let lapsed = self.lapsed.lock().unwrap();
        let of = |state| {
            let payments = payments.get(&order.order_id).into_iter().flatten();
            payments.filter(move |payment| payment.state == state)
        };
        let live = |payment: &&Payment| !lapsed.contains(&(order.order_id.clone(), payment.attempt));
        let authorisation = |payment: &Payment| Authorisation {
            payment_intent: payment.id.clone(),
            attempt: payment.attempt,
            capture_before: None,
        };
        let mut held = of(PaymentState::Held).filter(live);
        if let Some(captured) = of(PaymentState::Captured).next() {
            let surplus = held.map(|payment| payment.id.clone()).collect();
            return Ok(Found::Captured { authorisation: authorisation(captured), surplus });
        }
        let Some(oldest) = held.next() else { return Ok(Found::Nothing) };
        let surplus = held.map(|payment| payment.id.clone()).collect();
        Ok(Found::Held { authorisation: authorisation(oldest), surplus })
    }

    async fn capture(&self, order: &Order) -> Result<CaptureAnswer, Failure> {
        if self.fails(Fault::Gateway, Some(&order.order_id)) {
            return Err(broken("the gateway"));
        }
        let attempt = order.authorisation.as_ref().unwrap().attempt;
        if self.lapsed.lock().unwrap().contains(&(order.order_id.clone(), attempt)) {
            return Ok(CaptureAnswer::Lapsed);
        }
        self.asked.lock().unwrap().push(format!("capture {}", order.total.amount));
        self.becomes(order, &order.authorisation.as_ref().unwrap().payment_intent, PaymentState::Captured);
        Ok(CaptureAnswer::Captured)
    }

    async fn void(&self, order: &Order) -> Result<(), Failure> {
        self.asked.lock().unwrap().push("void".into());
        self.becomes(order, &order.authorisation.as_ref().unwrap().payment_intent, PaymentState::GivenUp);
        Ok(())
    }

    async fn give_up(&self, order: &Order, payment_intent: &str) -> Result<(), Failure> {
        self.asked.lock().unwrap().push(format!("give up {payment_intent}"));
        self.becomes(order, payment_intent, PaymentState::GivenUp);
        Ok(())
    }

    async fn refund(&self, _: &Order, amount: u64) -> Result<(), Failure> {
        self.asked.lock().unwrap().push(format!("refund {amount}"));
        Ok(())
    }
}

impl Shop {
    /// A payment's next state in the gateway's books. A test may have made up the payment: then there is none.
    fn becomes(&self, order: &Order, payment_intent: &str, state: PaymentState) {
        let mut payments = self.payments.lock().unwrap();
        let payments = payments.entry(order.order_id.clone()).or_default();
        if let Some(payment) = payments.iter_mut().find(|payment| payment.id == payment_intent) {
            payment.state = state;
        }
    }
}
