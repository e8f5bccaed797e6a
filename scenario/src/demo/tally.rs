//! Adds up the verdicts of all orders. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use order_domain::order::OrderStatus;
use serde::Serialize;

use super::judge::{Answer, Observed, Outcome, Verdict, judge};
use super::latency::percentile;
use super::plan::{Kind, PlannedOrder};

/// A row of the table of outcomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The kind of order.
    pub kind: Kind,
    /// How many were sent.
    pub sent: usize,
    /// The outcomes, and how often each was seen.
    pub got: BTreeMap<Outcome, usize>,
    /// How many have no finding.
    pub good: usize,
}

/// The demonstration in numbers: the fields of `--json`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Summary {
    /// Whether there is no finding.
    pub ok: bool,
    /// Orders sent, each counted once.
    pub sent: usize,
    /// Of those: answered 202.
    pub accepted: usize,
    /// Of those sent: refused by the API.
    pub rejected_at_the_edge: usize,
    /// Of those sent: no usable answer.
    pub unanswered: usize,
    /// Were CONFIRMED, whatever happened to them afterwards.
    pub confirmed: usize,
    /// Ended REJECTED.
    pub rejected: usize,
    /// Ended OUT_OF_STOCK.
    pub out_of_stock: usize,
    /// Ended PAYMENT_DECLINED.
    pub declined: usize,
    /// Of those confirmed: COMPLETED, delivered and paid.
    pub completed: usize,
    /// Ended CANCELLED.
    pub cancelled: usize,
    /// Orders with refunded money; their status is the one that they had before.
    pub refunded: usize,
    /// Orders sent a second time with the same body that were answered 202 again and changed nothing.
    pub duplicates: usize,
    /// Orders of which every event reached its topics and, where it is wanted, the customer's phone.
    pub notified: usize,
    /// E-mails about this run's orders that reached the customers' addresses.
    pub emails: usize,
    /// Text messages about this run's orders that reached the customers' phones.
    pub sms: usize,
    /// Accepted orders that the pipeline has not finished.
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
    /// Minor units that it captured for them, before any refund.
    pub captured_minor_units: u64,
    /// Minor units that it refunded.
    pub refunded_minor_units: u64,
    /// Resources that were still there after destroy.
    pub left_behind: usize,
}

impl Summary {
    fn count(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Ended(end) => match end.status {
                OrderStatus::Rejected => self.rejected += 1,
                OrderStatus::OutOfStock => self.out_of_stock += 1,
                OrderStatus::PaymentDeclined => self.declined += 1,
                OrderStatus::Completed => self.completed += 1,
                OrderStatus::Cancelled => self.cancelled += 1,
                // A confirmed order counts as confirmed, whatever happened to it afterwards.
                OrderStatus::Confirmed | OrderStatus::Received | OrderStatus::Validated | OrderStatus::Reserved => {}
            },
            Outcome::Lost(_) => self.lost += 1,
            Outcome::RefusedAtTheEdge(_) | Outcome::Unanswered => {}
        }
    }

    /// One JSON object, on one line.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Numbers and a truth value always serialise.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// The result of the demonstration.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tally {
    /// The table of outcomes.
    pub rows: Vec<Row>,
    /// The numbers.
    pub summary: Summary,
    /// The findings, a sentence each: first those that concern no single order, as they may explain the rest.
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
            summary.count(&verdict.outcome);
            summary.notified += usize::from(verdict.notified);
            summary.duplicates += usize::from(planned.kind == Kind::SentTwice && verdict.findings.is_empty());
            summary.sms += observed.texts;
            summary.emails += observed.mails;
            summary.held_minor_units += observed.money.held;
            summary.captured_minor_units += observed.money.captured;
            summary.refunded_minor_units += observed.money.refunded;
            if let Some(order) = &observed.order {
                summary.refunded += usize::from(order.refunded > 0);
                if let Some(confirmed_at) = order.confirmed_at {
                    summary.confirmed += 1;
                    confirming.push(confirmed_at.since(order.created_at));
                }
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

    /// Adds a finding that concerns no single order.
    pub fn add_finding(&mut self, finding: String) {
        self.findings.insert(self.general, finding);
        self.general += 1;
        self.summary.ok = false;
    }

    /// Adds the resources that were still there after destroy.
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

/// Milliseconds with one decimal: the measurement is not finer.
fn milliseconds(durations: &[Duration], percent: usize) -> f64 {
    let duration = percentile(durations, percent).unwrap_or_default();
    (duration.as_secs_f64() * 10_000.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::super::perfect::{hundred, of};
    use super::*;

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
        assert_eq!((summary.completed, summary.cancelled, summary.refunded), (9, 4, 3));
        assert_eq!((summary.accept_p99_ms, summary.confirm_p50_ms), (20.0, 250.0));
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
    fn orders_that_went_on_were_confirmed_all_the_same_and_their_money_adds_up() {
        let orders = [of(Kind::Good), of(Kind::Shipped), of(Kind::Cancelled), of(Kind::Returned)];
        let [good, shipped, _, returned] = [0, 1, 2, 3].map(|kind| orders[kind].0.total);
        let summary = Tally::new(&orders).summary;
        assert_eq!((summary.confirmed, summary.completed, summary.cancelled, summary.refunded), (4, 2, 1, 1));
        assert_eq!((summary.sms, summary.emails), (1 + 4 + 2 + 6, 1 + 4 + 2 + 6));
        assert_eq!(summary.held_minor_units, good);
        assert_eq!((summary.captured_minor_units, summary.refunded_minor_units), (shipped + returned, returned));
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
            "completed",
            "cancelled",
            "refunded",
            "emails",
            "sms",
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
    fn findings_that_concern_no_single_order_come_first() {
        let (planned, observed) = of(Kind::Good);
        let mut tally = Tally::new(&[(planned, Observed { order: None, ..observed })]);
        tally.add_finding("payment-dlq holds 1 dead-lettered message(s)".to_owned());
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
