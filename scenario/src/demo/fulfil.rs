//! Reports on confirmed orders, by the warehouse, the carrier and the customer. Each is sent when the table shows the effect of
//! the one before it.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::Client;
use futures::stream::{self, StreamExt};
use order_domain::order::{Order, OrderStatus};

use super::end::End;
use super::error::DemoError;
use super::follow::{self, Pace};
use super::judge::Answer;
use super::plan::{Expected, PlannedOrder};
use super::send::answer;
use super::shipping::Report;

use deployed::client::ApiClient;
use terminal::progress::Step;

async fn send(report: Report, client: &ApiClient, order_id: &str) -> Answer {
    match report.shipment_update(order_id) {
        Some(update) => answer(client.report_shipment(&update).await),
        None => answer(client.cancel(order_id, "CUSTOMER_REQUEST").await),
    }
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
            Some(async move { (&planned.order_id, send(report, client, &planned.order_id).await) })
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
    use order_domain::order::{PaymentStatus, ShipmentStatus};

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
    fn more_reports_get_more_time() {
        let (shipped, good) = (perfect::of(Kind::Shipped).0, perfect::of(Kind::Good).0);
        assert_eq!(patience(&[&shipped, &shipped]), Duration::from_secs(62));
        assert_eq!(patience(&[&good]), Duration::from_secs(60));
    }
}
