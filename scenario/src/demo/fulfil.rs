//! What happens to some of the orders once they are confirmed: the warehouse, the carrier and the customer report, each
//! report when the table shows the one before it.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::Client;
use futures::stream::{self, StreamExt};
use order_domain::order::{Order, OrderStatus, ShipmentStatus};
use serde_json::{Value, json};

use super::end::End;
use super::error::DemoError;
use super::follow::{self, Pace};
use super::judge::Answer;
use super::plan::{Expected, PlannedOrder};
use super::send::answer;

use deployed::client::ApiClient;
use terminal::progress::Step;

/// A report on a confirmed order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// The warehouse has handed the parcel to the carrier.
    Dispatched,
    /// The carrier has handed it to the customer.
    Delivered,
    /// It came back, all of it.
    Returned,
    /// The customer does not want it any more.
    Cancellation,
}

impl Report {
    /// The name in findings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dispatched => "DISPATCHED",
            Self::Delivered => "DELIVERED",
            Self::Returned => "RETURNED",
            Self::Cancellation => "cancellation",
        }
    }

    /// Whether the stored order shows that it was worked on, so that the next report may be sent.
    const fn shows_in(self, order: &Order) -> bool {
        match self {
            Self::Dispatched => !matches!(order.shipment_status, ShipmentStatus::None),
            // A parcel that comes back before it was paid for costs nothing: there would be nothing to refund.
            Self::Delivered => matches!(order.status, OrderStatus::Completed),
            Self::Returned => matches!(order.shipment_status, ShipmentStatus::Returned),
            Self::Cancellation => matches!(order.status, OrderStatus::Cancelled),
        }
    }

    /// The document of `POST /shipments`; `None` for a cancellation, which has a route of its own.
    fn shipment_update(self, order_id: &str) -> Option<Value> {
        match self {
            Self::Dispatched => Some(json!({
                "update": "DISPATCHED",
                "orderId": order_id,
                "shipment": { "carrier": "Royal Mail", "trackingNumber": tracking_number(order_id) },
            })),
            Self::Delivered => Some(json!({ "update": "DELIVERED", "orderId": order_id })),
            Self::Returned => Some(json!({ "update": "RETURNED", "orderId": order_id })),
            Self::Cancellation => None,
        }
    }

    async fn send(self, client: &ApiClient, order_id: &str) -> Answer {
        match self.shipment_update(order_id) {
            Some(update) => answer(client.report_shipment(&update).await),
            None => answer(client.cancel(order_id, "CUSTOMER_REQUEST").await),
        }
    }
}

/// A number that looks like a carrier's and is the order's own.
fn tracking_number(order_id: &str) -> String {
    let digits: String = order_id.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("RM{}GB", digits.to_uppercase())
}

/// How long the reports on these orders and what follows from them may take.
#[must_use]
pub fn patience(orders: &[&PlannedOrder]) -> Duration {
    follow::patience(orders.iter().map(|planned| planned.kind.reports().len()).sum())
}

/// Reports on confirmed orders, at most `concurrency` reports at a time, until each is where its kind has to end or the
/// time is up. The answers to the reports, by order id, in the order of sending.
///
/// # Errors
///
/// [`DemoError::Call`] when the table cannot be read.
pub async fn fulfil(
    (client, dynamodb): (&ApiClient, &Client),
    orders_table: &str,
    orders: &[&PlannedOrder],
    concurrency: usize,
    step: &Step,
) -> Result<HashMap<String, Vec<Answer>>, DemoError> {
    let deadline = Instant::now() + patience(orders);
    let mut answers: HashMap<String, Vec<Answer>> = HashMap::with_capacity(orders.len());
    let mut pending = orders.to_vec();
    let mut pace = Pace::default();
    while !pending.is_empty() {
        let began = Instant::now();
        let ids: Vec<&String> = pending.iter().map(|planned| &planned.order_id).collect();
        let stored = follow::read(dynamodb, orders_table, &ids).await?;
        let took = began.elapsed();

        let due = pending.iter().filter_map(|planned| {
            let sent = answers.get(&planned.order_id).map_or(0, Vec::len);
            let report = next(planned.kind.reports(), sent, stored.get(&planned.order_id)?)?;
            Some(async move { (&planned.order_id, report.send(client, &planned.order_id).await) })
        });
        let answered: Vec<_> = stream::iter(due).buffer_unordered(concurrency.max(1)).collect().await;
        let moved = !answered.is_empty();
        for (id, answer) in answered {
            answers.entry(id.clone()).or_default().push(answer);
        }

        pending.retain(|planned| {
            let refused = answers.get(&planned.order_id).and_then(|answers| answers.last());
            let refused = refused.is_some_and(|answer| *answer != Answer::Accepted);
            let order = stored.get(&planned.order_id);
            let ended = order.is_some_and(|order| planned.kind.expected() == Expected::Ends(End::of(order)));
            !refused && !ended
        });
        step.done((orders.len() - pending.len()) as u64);
        if Instant::now() >= deadline {
            break;
        }
        if !pending.is_empty() {
            pace.rest(took, moved).await;
        }
    }
    Ok(answers)
}

/// The report to send now, if any, when `sent` of them were sent and the order stands as it does.
fn next(reports: &[Report], sent: usize, order: &Order) -> Option<Report> {
    let may_go_on = match sent.checked_sub(1).and_then(|last| reports.get(last)) {
        Some(last) => last.shows_in(order),
        None => order.status == OrderStatus::Confirmed,
    };
    reports.get(sent).copied().filter(|_| may_go_on)
}

#[cfg(test)]
mod tests {
    use order_contract::api::ShipmentUpdate;
    use order_domain::order::PaymentStatus;

    use super::super::perfect;
    use super::super::plan::Kind;
    use super::*;

    fn standing(status: OrderStatus, shipment: ShipmentStatus) -> Order {
        let order = perfect::of(Kind::Returned).1.order.unwrap();
        Order { status, shipment_status: shipment, payment_status: PaymentStatus::Authorised, ..order }
    }

    #[test]
    fn a_report_waits_until_the_table_shows_the_one_before() {
        let reports = Kind::Returned.reports();
        let confirmed = standing(OrderStatus::Confirmed, ShipmentStatus::None);
        assert_eq!(next(reports, 0, &confirmed), Some(Report::Dispatched));
        assert_eq!(next(reports, 1, &confirmed), None);
        let dispatched = standing(OrderStatus::Confirmed, ShipmentStatus::Dispatched);
        assert_eq!(next(reports, 1, &dispatched), Some(Report::Delivered));
        assert_eq!(next(reports, 2, &dispatched), None);
        // Delivered and not yet paid for: it must not come back now.
        assert_eq!(next(reports, 2, &standing(OrderStatus::Confirmed, ShipmentStatus::Delivered)), None);
        let completed = standing(OrderStatus::Completed, ShipmentStatus::Delivered);
        assert_eq!(next(reports, 2, &completed), Some(Report::Returned));
        assert_eq!(next(reports, 3, &standing(OrderStatus::Completed, ShipmentStatus::Returned)), None);
    }

    #[test]
    fn nothing_is_reported_on_an_order_that_is_not_confirmed_or_needs_no_report() {
        let reserved = standing(OrderStatus::Reserved, ShipmentStatus::None);
        assert_eq!(next(Kind::Cancelled.reports(), 0, &reserved), None);
        let confirmed = standing(OrderStatus::Confirmed, ShipmentStatus::None);
        assert_eq!(next(Kind::Good.reports(), 0, &confirmed), None);
    }

    #[test]
    fn every_report_on_a_parcel_is_a_document_of_the_api() {
        for report in [Report::Dispatched, Report::Delivered, Report::Returned] {
            let document = report.shipment_update("ord-demo-1a2b-00007").unwrap();
            let update: ShipmentUpdate = serde_json::from_value(document).unwrap();
            assert_eq!(update.order_id().as_str(), "ord-demo-1a2b-00007");
        }
        assert_eq!(Report::Cancellation.shipment_update("ord-1"), None);
        assert_eq!(tracking_number("ord-demo-1a2b-00007"), "RMORDDEMO1A2B00007GB");
    }

    #[test]
    fn more_reports_get_more_time() {
        let (shipped, good) = (perfect::of(Kind::Shipped).0, perfect::of(Kind::Good).0);
        assert_eq!(patience(&[&shipped, &shipped]), Duration::from_secs(62));
        assert_eq!(patience(&[&good]), Duration::from_secs(60));
    }
}
