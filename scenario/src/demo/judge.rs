//! Judges the observations of every order by the plan. Pure.

use std::time::Duration;

use order_domain::event::EventType;
use order_domain::notification::topics_of;
use order_domain::order::Order;

use super::end::End;
use super::observer::Heard;
use super::plan::{Expected, PlannedOrder};
use crate::accountant;
use payment_simulator::Totals;

/// The API's answer to one sending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// 202 with a receipt.
    Accepted,
    /// Another status.
    Refused(u16),
    /// No usable answer.
    Missing(String),
}

/// The observations of one order.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// The API's answers, in the order of sending.
    pub answers: Vec<Answer>,
    /// How long the first answer took.
    pub accept_latency: Option<Duration>,
    /// The API's answers to the reports on it, in the order of sending.
    pub reports: Vec<Answer>,
    /// The order as it is stored.
    pub order: Option<Order>,
    /// Watched events that the topics delivered.
    pub delivered: Heard,
    /// Text messages about it that reached its number.
    pub texts: usize,
    /// E-mails about it that reached its address.
    pub mails: usize,
    /// Charges that the gateway approved.
    pub charges: usize,
    /// The order's sums in the gateway's books, in minor units.
    pub money: Totals,
}

/// The state of an order when the demonstration ends.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Refused by the API with this status.
    RefusedAtTheEdge(u16),
    /// At rest: the pipeline has nothing more to do with it.
    Ended(End),
    /// Accepted, and not at rest: the last states, if any were stored.
    Lost(Option<End>),
    /// Not answered.
    Unanswered,
}

impl Outcome {
    /// The name in the table of outcomes.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::RefusedAtTheEdge(status) => format!("HTTP {status}"),
            Self::Ended(end) => end.to_string(),
            Self::Lost(None) => "LOST (never stored)".to_owned(),
            Self::Lost(Some(last)) => format!("LOST ({last})"),
            Self::Unanswered => "NO ANSWER".to_owned(),
        }
    }
}

/// One order's outcome and findings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Its outcome.
    pub outcome: Outcome,
    /// Whether every recipient was notified.
    pub notified: bool,
    /// The findings, a sentence each; empty when all is well.
    pub findings: Vec<String>,
}

/// Judges one order.
#[must_use]
pub fn judge(planned: &PlannedOrder, observed: &Observed) -> Verdict {
    let outcome = outcome(observed);
    let mut findings = answers(planned, observed);
    let mut notified = false;
    match planned.kind.expected() {
        Expected::RefusedAtTheEdge => {
            let traces = observed.order.is_some()
                || !observed.delivered.is_empty()
                || observed.texts + observed.mails + observed.charges > 0;
            if traces {
                findings.push("the API refused it, and it left a trace all the same".to_owned());
            }
        }
        // The other missing things follow from this; only money does not.
        Expected::Ends(end) if outcome != Outcome::Ended(end) => findings.push(elsewhere(planned, observed, end)),
        Expected::Ends(end) => {
            findings.extend(changes(observed, end));
            let notices = notices(planned, observed, end);
            notified = notices.is_empty();
            findings.extend(notices);
            findings.extend(money(planned, observed));
        }
    }
    let named = |finding| format!("{} ({}): {finding}", planned.order_id, planned.kind.name());
    Verdict { outcome, notified, findings: findings.into_iter().map(named).collect() }
}

fn outcome(observed: &Observed) -> Outcome {
    match (&observed.order, observed.answers.first()) {
        (Some(order), _) if !order.is_open() => Outcome::Ended(End::of(order)),
        (order, Some(Answer::Accepted)) => Outcome::Lost(order.as_ref().map(End::of)),
        (Some(order), _) => Outcome::Lost(Some(End::of(order))),
        (None, Some(Answer::Refused(status))) => Outcome::RefusedAtTheEdge(*status),
        (None, Some(Answer::Missing(_)) | None) => Outcome::Unanswered,
    }
}

fn answers(planned: &PlannedOrder, observed: &Observed) -> Vec<String> {
    let mut findings = Vec::new();
    for (sending, answer) in observed.answers.iter().enumerate() {
        match (planned.kind.expected(), answer) {
            (Expected::RefusedAtTheEdge, Answer::Refused(400)) | (Expected::Ends(_), Answer::Accepted) => {}
            (Expected::RefusedAtTheEdge, answer) => findings.push(format!("expected HTTP 400, got {answer:?}")),
            (Expected::Ends(_), answer) => {
                findings.push(format!("expected 202 for sending {}, got {answer:?}", sending + 1));
            }
        }
    }
    if observed.answers.len() != planned.times() {
        findings.push(format!("sent {} time(s) instead of {}", observed.answers.len(), planned.times()));
    }
    for (report, answer) in planned.kind.reports().iter().zip(&observed.reports) {
        if *answer != Answer::Accepted {
            findings.push(format!("expected 202 for its report {}, got {answer:?}", report.name()));
        }
    }
    findings
}

/// The finding of an order in the wrong state: its state, and the last report on it.
fn elsewhere(planned: &PlannedOrder, observed: &Observed, end: End) -> String {
    let reports = planned.kind.reports();
    let reported = match observed.reports.len().checked_sub(1).and_then(|last| reports.get(last)) {
        Some(last) => format!(" after report {} of {} ({})", observed.reports.len(), reports.len(), last.name()),
        None => String::new(),
    };
    let Totals { held, captured, refunded, .. } = observed.money;
    let kept = captured.saturating_sub(refunded);
    let money = match (held, kept) {
        (0, 0) => "",
        (_, 0) => ", and the gateway holds money for it",
        _ => ", and the gateway captured money for it",
    };
    format!("expected {end}, got {}{reported}{money}", outcome(observed).name())
}

fn changes(observed: &Observed, end: End) -> Option<String> {
    let order = observed.order.as_ref()?;
    (order.version != end.changes() || !order.conflicts.is_empty())
        .then(|| format!("changed {} times instead of {}", order.version, end.changes()))
}

/// Missing and needless events of the topics, text messages and e-mails.
fn notices(planned: &PlannedOrder, observed: &Observed, end: End) -> Vec<String> {
    let mut findings = Vec::new();
    let watched = end.watched();
    for event in &watched {
        let (copies, expected) = (copies(&observed.delivered, *event), topics_of(*event).len());
        if copies < expected {
            findings.push(format!("{} was published {copies} time(s) instead of {expected}", event.name()));
        }
    }
    if observed.delivered.len() > watched.len() {
        let names: Vec<&str> = observed.delivered.keys().map(|(_, event)| event.name()).collect();
        findings.push(format!("{} events were published instead of {}: {names:?}", names.len(), watched.len()));
    }
    let texts = if planned.text_to.is_some() { end.texts() } else { 0 };
    if observed.texts != texts {
        findings.push(format!("its customer got {} text message(s) instead of {texts}", observed.texts));
    }
    if observed.mails != end.texts() {
        findings.push(format!("its customer got {} e-mail(s) instead of {}", observed.mails, end.texts()));
    }
    findings
}

fn copies(delivered: &Heard, event: EventType) -> usize {
    delivered.iter().filter(|((_, delivered), _)| *delivered == event).map(|(_, copies)| copies).sum()
}

/// Compares the gateway's books with the accountant's.
fn money(planned: &PlannedOrder, observed: &Observed) -> Option<String> {
    let (charges, money) = planned.outcome.as_ref().map(booked)?;
    (observed.charges != charges || observed.money != money).then(|| {
        format!(
            "the gateway has {} charge(s) with {}, expected {charges} with {} (minor units)",
            observed.charges,
            in_words(observed.money),
            in_words(money)
        )
    })
}

/// The charges and sums that the gateway must have of an order of this outcome: the accountant's, not the stored order's.
#[must_use]
pub fn booked(outcome: &accountant::Outcome) -> (usize, Totals) {
    if matches!(outcome.payment, "NONE" | "DECLINED") {
        return (0, Totals::default());
    }
    let authorised = outcome.bill.map_or(0, |bill| bill.total);
    let accountant::Outcome { held, captured, refunded, .. } = *outcome;
    (1, Totals { authorised, held, captured, refunded, voided: authorised - held - captured })
}

fn in_words(Totals { held, captured, refunded, voided, .. }: Totals) -> String {
    format!("{held} held, {captured} captured, {refunded} refunded, {voided} voided")
}

#[cfg(test)]
mod tests {
    use order_domain::order::{OrderStatus, PaymentStatus, ShipmentStatus};

    use super::super::perfect::of;
    use super::super::plan::Kind;
    use super::*;

    #[test]
    fn an_order_that_does_not_reach_an_end_is_lost_and_its_last_state_named() {
        let (planned, mut observed) = of(Kind::Good);
        let order = observed.order.as_mut().unwrap();
        (order.status, order.payment_status) = (OrderStatus::Reserved, PaymentStatus::None);
        let verdict = judge(&planned, &observed);
        assert_eq!(verdict.outcome.name(), "LOST (RESERVED)");
        assert!(verdict.findings[0].contains("got LOST (RESERVED), and the gateway holds"), "{:?}", verdict.findings);
        observed.order = None;
        assert_eq!(judge(&planned, &observed).outcome, Outcome::Lost(None));
    }

    #[test]
    fn a_cancelled_order_whose_money_is_still_authorised_is_lost() {
        let (planned, mut observed) = of(Kind::Cancelled);
        observed.order.as_mut().unwrap().payment_status = PaymentStatus::Authorised;
        assert_eq!(judge(&planned, &observed).outcome.name(), "LOST (CANCELLED + AUTHORISED)");
    }

    #[test]
    fn an_order_that_stops_on_its_way_is_found_with_its_last_state_and_report() {
        let (planned, mut observed) = of(Kind::Returned);
        let order = observed.order.as_mut().unwrap();
        (order.status, order.payment_status) = (OrderStatus::Confirmed, PaymentStatus::Captured);
        order.shipment_status = ShipmentStatus::Dispatched;
        observed.reports.pop();
        observed.money.refunded = 0;
        let findings = judge(&planned, &observed).findings;
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(
            findings[0].ends_with(
                "expected COMPLETED + REFUNDED, got CONFIRMED + CAPTURED + DISPATCHED after report 2 of 3 (DELIVERED), \
                 and the gateway captured money for it"
            ),
            "{findings:?}"
        );
    }

    #[test]
    fn a_report_that_was_refused_is_found() {
        let (planned, mut observed) = of(Kind::Shipped);
        observed.reports[1] = Answer::Refused(403);
        let findings = judge(&planned, &observed).findings;
        assert!(findings[0].contains("expected 202 for its report DELIVERED, got Refused(403)"), "{findings:?}");
    }

    #[test]
    fn a_second_charge_is_found() {
        let (planned, mut observed) = of(Kind::SentTwice);
        (observed.charges, observed.money.held) = (2, 2 * planned.total);
        assert!(judge(&planned, &observed).findings[0].contains("2 charge(s)"));
    }

    #[test]
    fn money_that_was_captured_twice_kept_or_not_taken_is_found() {
        let (planned, observed) = of(Kind::Shipped);
        let twice = Totals { captured: 2 * planned.total, ..observed.money };
        let never = Totals { captured: 0, held: planned.total, ..observed.money };
        for money in [twice, never] {
            let findings = judge(&planned, &Observed { money, ..observed.clone() }).findings;
            assert!(findings.len() == 1 && findings[0].contains("captured"), "{findings:?}");
        }
        let (planned, observed) = of(Kind::Returned);
        let kept = Totals { refunded: 0, ..observed.money };
        let findings = judge(&planned, &Observed { money: kept, ..observed }).findings;
        assert!(findings[0].contains("0 refunded, 0 voided, expected 1 with"), "{findings:?}");
    }

    #[test]
    fn a_missing_event_a_missing_text_and_a_missing_mail_are_found() {
        let (planned, observed) = of(Kind::Declined);
        // Its outcome is right: only the notifications are missing.
        let silent = Observed { delivered: Heard::new(), texts: 0, mails: 0, ..observed };
        let verdict = judge(&planned, &silent);
        assert!(!verdict.notified);
        assert_eq!(verdict.findings.len(), 3, "{:?}", verdict.findings);
    }

    #[test]
    fn an_event_that_happened_twice_and_a_text_too_many_are_found() {
        let (planned, mut observed) = of(Kind::Shipped);
        observed.delivered.insert((7, EventType::PaymentCaptured), 1);
        observed.texts += 1;
        let findings = judge(&planned, &observed).findings;
        assert_eq!(findings.len(), 2, "{findings:?}");
        assert!(findings[0].contains("5 events were published instead of 4"), "{findings:?}");
        assert!(findings[1].contains("5 text message(s) instead of 4"), "{findings:?}");
    }

    #[test]
    fn an_incomplete_order_that_was_accepted_is_found() {
        let (planned, _) = of(Kind::Incomplete);
        let observed = Observed { answers: vec![Answer::Accepted], ..Observed::default() };
        assert!(judge(&planned, &observed).findings[0].contains("expected HTTP 400"));
    }
}
