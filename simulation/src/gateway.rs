//! The payment gateway with Stripe's idempotency (docs.stripe.com/api/idempotent_requests): the first answer under a key is
//! saved and given again; another request under the same key is an error; a request whose first copy is still running is
//! refused without being saved.

use std::collections::BTreeMap;

/// What a payment intent has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IntentStatus {
    /// The amount is held.
    RequiresCapture,
    /// The amount was taken.
    Succeeded,
    /// The hold was given up, or has lapsed.
    Canceled,
}

/// A payment intent.
#[derive(Debug, Clone)]
pub(crate) struct Intent {
    pub(crate) order: u32,
    pub(crate) amount: u64,
    pub(crate) status: IntentStatus,
    pub(crate) refunded: u64,
    /// When the hold lapses, in milliseconds of the run.
    lapses_at: u64,
}

/// What is asked of the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Request {
    /// A new intent, to be captured by hand.
    Authorise {
        order: u32,
        amount: u64,
        method: String,
    },
    Capture {
        intent: String,
        amount: u64,
    },
    Cancel {
        intent: String,
    },
    Refund {
        intent: String,
        amount: u64,
    },
}

/// What it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The intent and what it has come to; also where the operation is not possible because of it.
    Intent(String, IntentStatus),
    /// 402, with the decline code.
    Declined(&'static str),
    /// The money was given back.
    Refunded,
    /// 400, with its code: the request itself is wrong.
    Invalid(&'static str),
    /// 409: a request with this key is running.
    Running,
    /// 500.
    Failed,
}

#[derive(Debug)]
struct Saved {
    request: Request,
    answer: Answer,
    running_until: u64,
}

/// How a means of payment behaves; the workload's tokens name one.
#[must_use]
fn declines(method: &str, first: bool) -> Option<&'static str> {
    match method {
        "pm_declined" => Some("insufficient_funds"),
        "pm_declined_later" if !first => Some("expired_card"),
        _ => None,
    }
}

#[derive(Debug, Default)]
pub(crate) struct Gateway {
    pub(crate) intents: BTreeMap<String, Intent>,
    saved: BTreeMap<String, Saved>,
    /// When it is down: from, until.
    pub(crate) outages: Vec<(u64, u64)>,
    /// Orders whose payment was refused after a first hold had lapsed.
    pub(crate) refused_anew: Vec<u32>,
}

impl Gateway {
    pub(crate) fn is_down(&self, now: u64) -> bool {
        self.outages.iter().any(|(from, until)| (*from..*until).contains(&now))
    }

    /// Executes a request. It runs until then: its effect is there at once, its answer later.
    ///
    /// `lapses_after` is how long a new hold lasts; `fails` saves a 500 in the place of an effect.
    pub(crate) fn ask(
        &mut self,
        key: String,
        request: Request,
        now: u64,
        running_until: u64,
        lapses_after: u64,
        fails: bool,
    ) -> Answer {
        if let Some(saved) = self.saved.get(&key) {
            return match () {
                () if saved.request != request => Answer::Invalid("idempotency_error"),
                () if saved.running_until > now => Answer::Running,
                () => saved.answer.clone(),
            };
        }
        self.lapse(now);
        let answer = if fails { Answer::Failed } else { self.execute(&request, now + lapses_after) };
        self.saved.insert(key, Saved { request, answer: answer.clone(), running_until });
        answer
    }

    fn execute(&mut self, request: &Request, lapses_at: u64) -> Answer {
        match request {
            Request::Authorise { order, amount, method } => {
                let first = !self.intents.values().any(|intent| intent.order == *order);
                if let Some(code) = declines(method, first) {
                    if !first {
                        self.refused_anew.push(*order);
                    }
                    return Answer::Declined(code);
                }
                let id = format!("pi_{}_{}", order, self.intents.len());
                let status = IntentStatus::RequiresCapture;
                let intent = Intent { order: *order, amount: *amount, status, refunded: 0, lapses_at };
                self.intents.insert(id.clone(), intent);
                Answer::Intent(id, status)
            }
            Request::Capture { intent, amount } => match self.intents.get_mut(intent) {
                None => Answer::Invalid("resource_missing"),
                Some(held) if held.status == IntentStatus::RequiresCapture && *amount == held.amount => {
                    held.status = IntentStatus::Succeeded;
                    Answer::Intent(intent.clone(), held.status)
                }
                Some(held) if held.status == IntentStatus::RequiresCapture => Answer::Invalid("amount_too_large"),
                Some(held) => Answer::Intent(intent.clone(), held.status),
            },
            Request::Cancel { intent } => match self.intents.get_mut(intent) {
                None => Answer::Invalid("resource_missing"),
                Some(held) => {
                    if held.status == IntentStatus::RequiresCapture {
                        held.status = IntentStatus::Canceled;
                    }
                    Answer::Intent(intent.clone(), held.status)
                }
            },
            Request::Refund { intent, amount } => match self.intents.get_mut(intent) {
                Some(taken) if taken.status == IntentStatus::Succeeded && taken.refunded + amount <= taken.amount => {
                    taken.refunded += amount;
                    Answer::Refunded
                }
                Some(_) => Answer::Invalid("charge_already_refunded"),
                None => Answer::Invalid("resource_missing"),
            },
        }
    }

    /// Gives up the holds that have lapsed.
    pub(crate) fn lapse(&mut self, now: u64) {
        for intent in self.intents.values_mut() {
            if intent.status == IntentStatus::RequiresCapture && intent.lapses_at <= now {
                intent.status = IntentStatus::Canceled;
            }
        }
    }

    /// The intents of an order.
    pub(crate) fn of(&self, order: u32) -> impl Iterator<Item = &Intent> {
        self.intents.values().filter(move |intent| intent.order == order)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authorise(gateway: &mut Gateway, key: &str, amount: u64, now: u64) -> Answer {
        let request = Request::Authorise { order: 1, amount, method: "pm_card".into() };
        gateway.ask(key.into(), request, now, now + 10, u64::MAX / 2, false)
    }

    #[test]
    fn the_same_key_is_answered_the_same_and_holds_once() {
        let mut gateway = Gateway::default();
        let first = authorise(&mut gateway, "k", 5, 0);
        assert_eq!(authorise(&mut gateway, "k", 5, 5), Answer::Running);
        assert_eq!(authorise(&mut gateway, "k", 5, 10), first);
        assert_eq!(authorise(&mut gateway, "k", 6, 10), Answer::Invalid("idempotency_error"));
        assert_eq!(gateway.of(1).count(), 1);
        authorise(&mut gateway, "another", 5, 10);
        assert_eq!(gateway.of(1).count(), 2);
    }

    #[test]
    fn a_saved_failure_is_given_again() {
        let mut gateway = Gateway::default();
        let request = || Request::Cancel { intent: "pi".into() };
        assert_eq!(gateway.ask("k".into(), request(), 0, 0, 0, true), Answer::Failed);
        assert_eq!(gateway.ask("k".into(), request(), 9, 9, 0, false), Answer::Failed);
    }

    #[test]
    fn a_lapsed_hold_cannot_be_captured() {
        let mut gateway = Gateway::default();
        let request = Request::Authorise { order: 1, amount: 5, method: "pm_card".into() };
        let Answer::Intent(intent, _) = gateway.ask("a".into(), request, 0, 0, 100, false) else { panic!("declined") };
        let capture = Request::Capture { intent: intent.clone(), amount: 5 };
        let answer = gateway.ask("c".into(), capture, 100, 100, 0, false);
        assert_eq!(answer, Answer::Intent(intent, IntentStatus::Canceled));
    }
}
