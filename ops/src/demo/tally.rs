//! What was seen of every order, judged against the plan, and added up. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use order_domain::event::EventType;
use order_domain::notification::topics_of;
use order_domain::order::{Order, OrderStatus};
use serde::Serialize;

use super::latency::percentile;
use super::plan::{Expected, Kind, PlannedOrder};

/// The API's answer to one sending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// 202 with a receipt.
    Accepted,
    /// Another status.
    Refused(u16),
    /// None that can be used.
    Missing(String),
}

/// What was seen of an order.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// The API's answers, in the order of sending.
    pub answers: Vec<Answer>,
    /// How long the first answer took.
    pub accept_latency: Option<Duration>,
    /// The order as it is stored.
    pub order: Option<Order>,
    /// End-state events that the topics delivered: copies by the event's number.
    pub told: BTreeMap<u64, usize>,
    /// Text messages about it that reached its number.
    pub texts: usize,
    /// Charges that the gateway approved.
    pub charges: usize,
    /// Minor units that the gateway holds.
    pub held: u64,
}

/// Where an order stands when the demonstration ends.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Refused by the API with this status.
    RefusedAtTheEdge(u16),
    /// At an end.
    Ended(OrderStatus),
    /// Accepted, and not at an end: the last state, if any was stored.
    Lost(Option<OrderStatus>),
    /// Not answered.
    Unanswered,
}

impl Outcome {
    /// The name in the table of outcomes.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::RefusedAtTheEdge(status) => format!("HTTP {status}"),
            Self::Ended(status) => status.name().to_owned(),
            Self::Lost(None) => "LOST (never stored)".to_owned(),
            Self::Lost(Some(status)) => format!("LOST ({status})"),
            Self::Unanswered => "NO ANSWER".to_owned(),
        }
    }
}

/// One order's outcome, and everything that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Where it stands.
    pub outcome: Outcome,
    /// Whether everybody who has to be told was told.
    pub notified: bool,
    /// What is wrong, a sentence each; empty when all is well.
    pub findings: Vec<String>,
}

/// Whether an order has reached an end of the pipeline.
#[must_use]
pub const fn has_ended(status: OrderStatus) -> bool {
    !status.is_open()
}

/// The event that tells of an end, and how many changes lead to it.
#[must_use]
pub const fn end_of(status: OrderStatus) -> Option<(EventType, u64)> {
    match status {
        OrderStatus::Rejected => Some((EventType::OrderRejected, 1)),
        OrderStatus::OutOfStock => Some((EventType::OrderOutOfStock, 2)),
        OrderStatus::Confirmed => Some((EventType::OrderConfirmed, 3)),
        OrderStatus::PaymentDeclined => Some((EventType::PaymentDeclined, 3)),
        _ => None,
    }
}

/// How many deliveries of an end-state event an observer of all topics gets.
#[must_use]
pub fn deliveries(status: OrderStatus) -> usize {
    end_of(status).map_or(0, |(event, _)| topics_of(event).len())
}

/// Judges one order.
#[must_use]
pub fn judge(planned: &PlannedOrder, observed: &Observed) -> Verdict {
    let outcome = outcome(observed);
    let mut findings = Vec::new();
    let mut wrong =
        |finding: String| findings.push(format!("{} ({}): {finding}", planned.order_id, planned.kind.name()));

    for (sending, answer) in observed.answers.iter().enumerate() {
        match (planned.kind.expected(), answer) {
            (Expected::RefusedAtTheEdge, Answer::Refused(400)) | (Expected::Ends(_), Answer::Accepted) => {}
            (Expected::RefusedAtTheEdge, answer) => wrong(format!("expected HTTP 400, got {answer:?}")),
            (Expected::Ends(_), answer) => wrong(format!("expected 202 for sending {}, got {answer:?}", sending + 1)),
        }
    }
    if observed.answers.len() != planned.times() {
        wrong(format!("sent {} time(s) instead of {}", observed.answers.len(), planned.times()));
    }

    let mut notified = false;
    match planned.kind.expected() {
        Expected::RefusedAtTheEdge => {
            let traces = observed.order.is_some() || !observed.told.is_empty() || observed.texts + observed.charges > 0;
            if traces {
                wrong("it was refused at the edge and left a trace behind it".to_owned());
            }
        }
        Expected::Ends(status) if outcome != Outcome::Ended(status) => {
            // Everything else that is missing follows from this; only money does not.
            let held = if observed.held > 0 { ", and the gateway holds money for it" } else { "" };
            wrong(format!("expected {status}, got {}{held}", outcome.name()));
        }
        Expected::Ends(status) => {
            if let (Some(order), Some((_, changes))) = (&observed.order, end_of(status))
                && (order.version != changes || !order.conflicts.is_empty())
            {
                wrong(format!("changed {} times instead of {changes}", order.version));
            }
            let copies: usize = observed.told.values().sum();
            if copies < deliveries(status) {
                wrong(format!("its end was published {copies} time(s) instead of {}", deliveries(status)));
            }
            if observed.told.len() > 1 {
                wrong(format!("{} different events told of its end", observed.told.len()));
            }
            let text_missing = planned.text_to.is_some() && observed.texts == 0;
            if text_missing {
                wrong("its text message is missing".to_owned());
            }
            notified = copies >= deliveries(status) && !text_missing;
            let (charges, held) = if status == OrderStatus::Confirmed { (1, planned.total) } else { (0, 0) };
            if (observed.charges, observed.held) != (charges, held) {
                wrong(format!(
                    "the gateway has {} charge(s) holding {}, expected {charges} holding {held} (minor units)",
                    observed.charges, observed.held
                ));
            }
        }
    }
    Verdict { outcome, notified, findings }
}

fn outcome(observed: &Observed) -> Outcome {
    match (&observed.order, observed.answers.first()) {
        (Some(order), _) if has_ended(order.status) => Outcome::Ended(order.status),
        (order, Some(Answer::Accepted)) => Outcome::Lost(order.as_ref().map(|order| order.status)),
        (Some(order), _) => Outcome::Lost(Some(order.status)),
        (None, Some(Answer::Refused(status))) => Outcome::RefusedAtTheEdge(*status),
        (None, Some(Answer::Missing(_)) | None) => Outcome::Unanswered,
    }
}

/// A row of the table of outcomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The kind of order.
    pub kind: Kind,
    /// How many were sent.
    pub sent: usize,
    /// What was seen, and how often.
    pub got: BTreeMap<Outcome, usize>,
    /// How many have nothing wrong with them.
    pub good: usize,
}

/// The demonstration in numbers: the fields of `--json`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Summary {
    /// Whether nothing at all was wrong.
    pub ok: bool,
    /// Orders sent, each counted once.
    pub sent: usize,
    /// Of those: answered 202.
    pub accepted: usize,
    /// Of those sent: refused by the API.
    pub rejected_at_the_edge: usize,
    /// Of those sent: no usable answer.
    pub unanswered: usize,
    /// Ended CONFIRMED.
    pub confirmed: usize,
    /// Ended REJECTED.
    pub rejected: usize,
    /// Ended OUT_OF_STOCK.
    pub out_of_stock: usize,
    /// Ended PAYMENT_DECLINED.
    pub declined: usize,
    /// Orders sent a second time with the same body that were answered 202 again and changed nothing.
    pub duplicates: usize,
    /// Orders whose end reached every topic and the customer's phone.
    pub notified: usize,
    /// Accepted orders that reached no end.
    pub lost: usize,
    /// Milliseconds to the API's answer, median.
    pub accept_p50_ms: f64,
    /// Milliseconds to the API's answer, 99th percentile.
    pub accept_p99_ms: f64,
    /// Milliseconds from acceptance to confirmation, median.
    pub confirm_p50_ms: f64,
    /// Milliseconds from acceptance to confirmation, 99th percentile.
    pub confirm_p99_ms: f64,
    /// Minor units that the gateway holds for this run's orders.
    pub held_minor_units: u64,
    /// Resources that were still there after destroy.
    pub left_behind: usize,
}

impl Summary {
    /// One JSON object, on one line.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Numbers and a truth value always serialise.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Everything that the demonstration found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tally {
    /// The table of outcomes.
    pub rows: Vec<Row>,
    /// The numbers.
    pub summary: Summary,
    /// What is wrong, a sentence each: first what concerns no order in particular, as it may explain the rest.
    pub findings: Vec<String>,
    /// How many of the findings come first.
    general: usize,
}

impl Tally {
    /// Judges every order and adds up.
    #[must_use]
    pub fn new(orders: &[(PlannedOrder, Observed)]) -> Self {
        let mut tally = Self::default();
        let mut accepting = Vec::new();
        let mut confirming = Vec::new();
        for (planned, observed) in orders {
            let verdict = judge(planned, observed);
            let summary = &mut tally.summary;
            summary.sent += 1;
            match observed.answers.first() {
                Some(Answer::Accepted) => {
                    summary.accepted += 1;
                    accepting.extend(observed.accept_latency);
                }
                Some(Answer::Refused(_)) => summary.rejected_at_the_edge += 1,
                Some(Answer::Missing(_)) | None => summary.unanswered += 1,
            }
            match &verdict.outcome {
                Outcome::Ended(OrderStatus::Confirmed) => summary.confirmed += 1,
                Outcome::Ended(OrderStatus::Rejected) => summary.rejected += 1,
                Outcome::Ended(OrderStatus::OutOfStock) => summary.out_of_stock += 1,
                Outcome::Ended(OrderStatus::PaymentDeclined) => summary.declined += 1,
                Outcome::Lost(_) => summary.lost += 1,
                Outcome::Ended(_) | Outcome::RefusedAtTheEdge(_) | Outcome::Unanswered => {}
            }
            summary.notified += usize::from(verdict.notified);
            summary.duplicates += usize::from(planned.kind == Kind::SentTwice && verdict.findings.is_empty());
            summary.held_minor_units += observed.held;
            if let Some((order, confirmed_at)) =
                observed.order.as_ref().and_then(|order| Some((order, order.confirmed_at?)))
            {
                confirming.push(confirmed_at.since(order.created_at));
            }
            tally.row(planned.kind).count(&verdict);
            tally.findings.extend(verdict.findings);
        }
        tally.rows.sort_by_key(|row| row.kind);
        tally.summary.accept_p50_ms = milliseconds(&accepting, 50);
        tally.summary.accept_p99_ms = milliseconds(&accepting, 99);
        tally.summary.confirm_p50_ms = milliseconds(&confirming, 50);
        tally.summary.confirm_p99_ms = milliseconds(&confirming, 99);
        tally.summary.ok = tally.findings.is_empty();
        tally
    }

    /// Adds something that is wrong with no order in particular.
    pub fn add_finding(&mut self, finding: String) {
        self.findings.insert(self.general, finding);
        self.general += 1;
        self.summary.ok = false;
    }

    /// Adds what was still there after destroy.
    pub fn add_left_behind(&mut self, resources: &[String]) {
        self.summary.left_behind = resources.len();
        for resource in resources {
            self.add_finding(format!("left behind after destroy: {resource}"));
        }
    }

    fn row(&mut self, kind: Kind) -> &mut Row {
        let position = self.rows.iter().position(|row| row.kind == kind).unwrap_or_else(|| {
            self.rows.push(Row { kind, sent: 0, got: BTreeMap::new(), good: 0 });
            self.rows.len() - 1
        });
        &mut self.rows[position]
    }
}

impl Row {
    fn count(&mut self, verdict: &Verdict) {
        self.sent += 1;
        *self.got.entry(verdict.outcome.clone()).or_default() += 1;
        self.good += usize::from(verdict.findings.is_empty());
    }
}

/// Milliseconds with one decimal: a finer number would pretend to more than was measured.
fn milliseconds(durations: &[Duration], percent: usize) -> f64 {
    let duration = percentile(durations, percent).unwrap_or_default();
    (duration.as_secs_f64() * 10_000.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use order_domain::catalogue::price;
    use order_domain::event::Occasion;
    use order_domain::request::PlaceOrder;
    use order_domain::time::Timestamp;
    use order_domain::transition::receive;
    use order_domain::wiring::Stage;

    use super::super::plan::plan;
    use super::*;
    use crate::catalogue::products;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_unix_milliseconds(1_800_000_000_000 + milliseconds).unwrap()
    }

    /// Everything as it should be: what a correct pipeline would show of the order.
    fn perfect(planned: &PlannedOrder) -> Observed {
        let accept_latency = Some(Duration::from_millis(20));
        let Expected::Ends(status) = planned.kind.expected() else {
            return Observed { answers: vec![Answer::Refused(400)], accept_latency, ..Observed::default() };
        };
        let request = PlaceOrder::from_json(&planned.document.to_string()).unwrap();
        let products: BTreeMap<_, _> =
            products().unwrap().into_iter().map(|stocked| (stocked.product.sku.clone(), stocked.product)).collect();
        let priced = price(&request, &products);
        let occasion = Occasion { at: at(5), actor: Stage::Validate, cause: "m-1".into() };
        let mut order = receive(request, priced, at(0), &occasion).into_order();
        let (_, changes) = end_of(status).unwrap();
        (order.status, order.version) = (status, changes);
        let confirmed = status == OrderStatus::Confirmed;
        order.confirmed_at = confirmed.then(|| at(250));
        Observed {
            answers: vec![Answer::Accepted; planned.times()],
            accept_latency,
            order: Some(order),
            told: BTreeMap::from([(changes, deliveries(status))]),
            texts: usize::from(planned.text_to.is_some()),
            charges: usize::from(confirmed),
            held: if confirmed { planned.total } else { 0 },
        }
    }

    fn hundred() -> Vec<(PlannedOrder, Observed)> {
        let plan = plan(100, "test", &products().unwrap());
        plan.into_iter().map(|planned| (planned.clone(), perfect(&planned))).collect()
    }

    fn of(kind: Kind) -> (PlannedOrder, Observed) {
        hundred().into_iter().find(|(planned, _)| planned.kind == kind && planned.text_to.is_some()).unwrap()
    }

    #[test]
    fn a_correct_run_adds_up_and_has_nothing_wrong() {
        let tally = Tally::new(&hundred());
        assert_eq!(tally.findings, Vec::<String>::new());
        let summary = tally.summary;
        assert!(summary.ok);
        assert_eq!(summary.sent, summary.accepted + summary.rejected_at_the_edge);
        assert_eq!(
            summary.accepted,
            summary.confirmed + summary.rejected + summary.out_of_stock + summary.declined + summary.lost
        );
        assert_eq!((summary.rejected_at_the_edge, summary.duplicates, summary.lost), (3, 4, 0));
        assert_eq!(summary.notified, summary.accepted);
        assert_eq!((summary.accept_p99_ms, summary.confirm_p50_ms), (20.0, 250.0));
    }

    #[test]
    fn an_order_that_does_not_reach_an_end_is_lost_and_its_last_state_named() {
        let (planned, mut observed) = of(Kind::Good);
        observed.order.as_mut().unwrap().status = OrderStatus::Reserved;
        let verdict = judge(&planned, &observed);
        assert_eq!(verdict.outcome, Outcome::Lost(Some(OrderStatus::Reserved)));
        assert!(verdict.findings[0].contains("LOST (RESERVED)"), "{:?}", verdict.findings);
        observed.order = None;
        assert_eq!(judge(&planned, &observed).outcome, Outcome::Lost(None));
    }

    #[test]
    fn a_second_charge_is_found() {
        let (planned, mut observed) = of(Kind::SentTwice);
        (observed.charges, observed.held) = (2, 2 * planned.total);
        assert!(judge(&planned, &observed).findings[0].contains("2 charge(s)"));
    }

    #[test]
    fn a_duplicate_that_changed_something_is_found() {
        let (planned, mut observed) = of(Kind::SentTwice);
        observed.order.as_mut().unwrap().version += 1;
        let tally = Tally::new(&[(planned, observed)]);
        assert_eq!(tally.summary.duplicates, 0);
        assert!(tally.findings[0].contains("changed 4 times instead of 3"));
    }

    #[test]
    fn a_missing_event_and_a_missing_text_are_found() {
        let (planned, observed) = of(Kind::Declined);
        // Its outcome is right: only the telling is missing.
        let silent = Observed { told: BTreeMap::new(), texts: 0, ..observed };
        let verdict = judge(&planned, &silent);
        assert!(!verdict.notified);
        assert_eq!(verdict.findings.len(), 2, "{:?}", verdict.findings);
    }

    #[test]
    fn an_incomplete_order_that_was_accepted_is_found() {
        let (planned, _) = hundred().into_iter().find(|(planned, _)| planned.kind == Kind::Incomplete).unwrap();
        let observed = Observed { answers: vec![Answer::Accepted], ..Observed::default() };
        assert!(judge(&planned, &observed).findings[0].contains("expected HTTP 400"));
    }

    #[test]
    fn the_json_form_is_one_line_with_the_promised_fields() {
        let json = Tally::new(&hundred()).summary.to_json();
        assert!(!json.contains('\n'));
        let fields: serde_json::Value = serde_json::from_str(&json).unwrap();
        for field in [
            "sent",
            "accepted",
            "rejected_at_the_edge",
            "confirmed",
            "rejected",
            "out_of_stock",
            "declined",
            "duplicates",
            "notified",
            "lost",
            "accept_p50_ms",
            "accept_p99_ms",
            "confirm_p50_ms",
            "confirm_p99_ms",
            "left_behind",
        ] {
            assert!(fields[field].is_number(), "{field}");
        }
    }

    #[test]
    fn what_concerns_no_order_in_particular_is_told_first() {
        let (planned, observed) = of(Kind::Good);
        let mut tally = Tally::new(&[(planned, Observed { order: None, ..observed })]);
        tally.add_finding("payment-dlq holds 1 dead letter(s)".to_owned());
        tally.add_finding("payment-queue still holds 2 message(s)".to_owned());
        assert!(tally.findings[0].starts_with("payment-dlq") && tally.findings[1].starts_with("payment-queue"));
        assert!(tally.findings[2].contains("got LOST (never stored), and the gateway holds money for it"));
    }

    #[test]
    fn what_is_left_behind_fails_the_run() {
        let mut tally = Tally::new(&hundred());
        tally.add_left_behind(&["queue payment-queue-local".to_owned()]);
        assert_eq!((tally.summary.ok, tally.summary.left_behind), (false, 1));
    }
}
