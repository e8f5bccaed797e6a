//! The payment gateway with Stripe's idempotency (docs.stripe.com/api/idempotent_requests): the first answer under a key is
//! saved, a server error too, and given again for a day; another request under the same key is an error; a request whose
//! first copy is still running is refused without being saved. Its search follows with a delay; reading one intent does not.

use std::collections::BTreeMap;

/// How long an answer is saved under its key, in milliseconds.
const REMEMBERED: u64 = 24 * 3600 * 1000;

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
    /// Which attempt of its order it is, from 1.
    pub(crate) attempt: u32,
    /// When it was made, in milliseconds of the run.
    pub(crate) created: u64,
    /// Until when it promises to hold the amount, in milliseconds of the run, where it says so.
    pub(crate) capture_before: Option<u64>,
    /// The invocation that asked for it.
    pub(crate) by: u64,
    /// Whether whoever asked for it got the answer.
    pub(crate) answered: bool,
    /// Whether it was to be given up, and that failed.
    pub(crate) kept_in_vain: bool,
    /// When the hold lapses, in milliseconds of the run.
    lapses_at: u64,
    /// How far the search is behind when it does, in milliseconds.
    shown_after: u64,
    /// What the search shows, and from when on.
    shown: Vec<(u64, IntentStatus)>,
}

impl Intent {
    fn turn(&mut self, status: IntentStatus, shown_at: u64) {
        self.status = status;
        // The search never shows an older state after a newer one.
        let after = self.shown.last().map_or(0, |(at, _)| *at);
        self.shown.push((after.max(shown_at), status));
    }

    /// What the search shows of it.
    pub(crate) fn shown(&self, now: u64) -> Option<IntentStatus> {
        self.shown.iter().rev().find(|(at, _)| *at <= now).map(|(_, status)| *status)
    }
}

/// What is asked of the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Request {
    /// A new intent, to be captured by hand.
    Authorise {
        order: u32,
        amount: u64,
        method: String,
        attempt: u32,
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

/// What the gateway did before it answered with an error of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailedAfter {
    Nothing,
    /// What it was asked for.
    Once,
    /// What it was asked for; and where that was a hold, once more.
    Twice,
}

/// How a request goes, beside what is asked.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Course {
    pub(crate) now: u64,
    /// It runs until then: its effect is there at once, its answer later.
    pub(crate) running_until: u64,
    /// How long a new hold lasts, and how long it promises to.
    pub(crate) lapses_after: u64,
    pub(crate) promises: Option<u64>,
    /// The search shows what it did after this long.
    pub(crate) shown_after: u64,
    pub(crate) fails: Option<FailedAfter>,
    /// The invocation that asks.
    pub(crate) by: u64,
}

#[derive(Debug)]
struct Saved {
    request: Request,
    answer: Answer,
    running_until: u64,
    at: u64,
}

/// Something that the gateway tells of by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) order: u32,
    pub(crate) intent: String,
    /// A hold was given up, or lapsed; anything else means nothing.
    pub(crate) canceled: bool,
    /// Money is held.
    pub(crate) held: bool,
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
    /// What it has to tell.
    pub(crate) notices: Vec<Notice>,
}

impl Gateway {
    pub(crate) fn status_of(&self, intent: &str) -> Option<IntentStatus> {
        self.intents.get(intent).map(|intent| intent.status)
    }

    pub(crate) fn is_down(&self, now: u64) -> bool {
        self.outages.iter().any(|(from, until)| (*from..*until).contains(&now))
    }

    /// Executes a request, or repeats what was answered under its key; whether it is such a repetition.
    pub(crate) fn ask(&mut self, key: String, request: Request, course: Course) -> (Answer, bool) {
        let now = course.now;
        if let Some(saved) = self.saved.get(&key).filter(|saved| saved.at + REMEMBERED > now) {
            return match () {
                () if saved.request != request => (Answer::Invalid("idempotency_error"), false),
                () if saved.running_until > now => (Answer::Running, false),
                () => (saved.answer.clone(), true),
            };
        }
        self.lapse(now);
        let times = match course.fails {
            None | Some(FailedAfter::Once) => 1,
            Some(FailedAfter::Nothing) => 0,
            Some(FailedAfter::Twice) if matches!(request, Request::Authorise { .. }) => 2,
            Some(FailedAfter::Twice) => 1,
        };
        let mut answer = Answer::Failed;
        for _ in 0..times {
            answer = self.execute(&request, course);
        }
        if course.fails.is_some() {
            answer = Answer::Failed;
        }
        self.saved.insert(key, Saved { request, answer: answer.clone(), running_until: course.running_until, at: now });
        (answer, false)
    }

    fn execute(&mut self, request: &Request, course: Course) -> Answer {
        let shown_at = course.now + course.shown_after;
        match request {
            Request::Authorise { order, amount, method, attempt } => {
                let first = !self.intents.values().any(|intent| intent.order == *order);
                if let Some(code) = declines(method, first) {
                    if !first {
                        self.refused_anew.push(*order);
                    }
                    return Answer::Declined(code);
                }
                let id = format!("pi_{}_{}", order, self.intents.len());
                let status = IntentStatus::RequiresCapture;
                let intent = Intent {
                    order: *order,
                    amount: *amount,
                    status,
                    refunded: 0,
                    attempt: *attempt,
                    created: course.now,
                    capture_before: course.promises.map(|promises| course.now + promises),
                    by: course.by,
                    answered: false,
                    kept_in_vain: false,
                    lapses_at: course.now + course.lapses_after,
                    shown_after: course.shown_after,
                    shown: vec![(shown_at, status)],
                };
                self.intents.insert(id.clone(), intent);
                self.notices.push(Notice { order: *order, intent: id.clone(), canceled: false, held: true });
                Answer::Intent(id, status)
            }
            Request::Capture { intent, amount } => match self.intents.get_mut(intent) {
                None => Answer::Invalid("resource_missing"),
                Some(held) if held.status == IntentStatus::RequiresCapture && *amount == held.amount => {
                    held.turn(IntentStatus::Succeeded, shown_at);
                    self.notices.push(Notice {
                        order: held.order,
                        intent: intent.clone(),
                        canceled: false,
                        held: false,
                    });
                    Answer::Intent(intent.clone(), held.status)
                }
                Some(held) if held.status == IntentStatus::RequiresCapture => Answer::Invalid("amount_too_large"),
                Some(held) => Answer::Intent(intent.clone(), held.status),
            },
            Request::Cancel { intent } => match self.intents.get_mut(intent) {
                None => Answer::Invalid("resource_missing"),
                Some(held) => {
                    if held.status == IntentStatus::RequiresCapture {
                        held.turn(IntentStatus::Canceled, shown_at);
                        self.notices.push(Notice {
                            order: held.order,
                            intent: intent.clone(),
                            canceled: true,
                            held: false,
                        });
                    }
                    Answer::Intent(intent.clone(), held.status)
                }
            },
            Request::Refund { intent, amount } => match self.intents.get_mut(intent) {
                Some(taken) if taken.status == IntentStatus::Succeeded && taken.refunded + amount <= taken.amount => {
                    taken.refunded += amount;
                    self.notices.push(Notice {
                        order: taken.order,
                        intent: intent.clone(),
                        canceled: false,
                        held: false,
                    });
                    Answer::Refunded
                }
                Some(_) => Answer::Invalid("charge_already_refunded"),
                None => Answer::Invalid("resource_missing"),
            },
        }
    }

    /// Gives up the holds that have lapsed.
    pub(crate) fn lapse(&mut self, now: u64) {
        for (id, intent) in &mut self.intents {
            if intent.status == IntentStatus::RequiresCapture && intent.lapses_at <= now {
                intent.turn(IntentStatus::Canceled, now + intent.shown_after);
                self.notices.push(Notice { order: intent.order, intent: id.clone(), canceled: true, held: false });
            }
        }
    }

    /// Whether a hold lapses before then.
    pub(crate) fn lapses_before(&self, then: u64) -> bool {
        let held = |intent: &&Intent| intent.status == IntentStatus::RequiresCapture;
        self.intents.values().filter(held).any(|intent| intent.lapses_at < then)
    }

    /// The intents of an order.
    pub(crate) fn of(&self, order: u32) -> impl Iterator<Item = &Intent> {
        self.intents.values().filter(move |intent| intent.order == order)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(amount: u64) -> Request {
        Request::Authorise { order: 1, amount, method: "pm_card".into(), attempt: 1 }
    }

    fn at(now: u64) -> Course {
        Course { now, running_until: now + 10, lapses_after: u64::MAX / 2, shown_after: 60, ..Course::default() }
    }

    fn authorise(gateway: &mut Gateway, key: &str, amount: u64, now: u64) -> Answer {
        gateway.ask(key.into(), asked(amount), at(now)).0
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
    fn a_saved_failure_is_given_again_for_a_day() {
        let mut gateway = Gateway::default();
        let course = |now, fails| Course { fails, ..at(now) };
        let failed = gateway.ask("k".into(), asked(5), course(0, Some(FailedAfter::Once)));
        assert_eq!(failed, (Answer::Failed, false));
        assert_eq!(gateway.ask("k".into(), asked(5), course(99, None)), (Answer::Failed, true));
        assert_eq!(gateway.of(1).count(), 1);
        assert!(matches!(gateway.ask("k".into(), asked(5), course(REMEMBERED, None)), (Answer::Intent(..), false)));
    }

    #[test]
    fn a_lapsed_hold_cannot_be_captured_and_the_search_shows_it_later() {
        let mut gateway = Gateway::default();
        let short = Course { lapses_after: 100, ..at(0) };
        let (Answer::Intent(id, _), _) = gateway.ask("a".into(), asked(5), short) else { panic!("declined") };
        let shown = |gateway: &Gateway, now| gateway.of(1).next().unwrap().shown(now);
        assert_eq!(shown(&gateway, 59), None);
        assert_eq!(shown(&gateway, 60), Some(IntentStatus::RequiresCapture));
        let capture = Request::Capture { intent: id.clone(), amount: 5 };
        assert_eq!(gateway.ask("c".into(), capture, at(100)).0, Answer::Intent(id, IntentStatus::Canceled));
        assert_eq!(shown(&gateway, 100), Some(IntentStatus::RequiresCapture));
        assert_eq!(shown(&gateway, 160), Some(IntentStatus::Canceled));
    }
}
