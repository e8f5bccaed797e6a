//! A look at some orders through the API itself, as a customer-service agent would take it.

use std::collections::BTreeSet;

use futures::future::{try_join, try_join_all};
use order_domain::order::Order;

use super::end::End;
use super::judge::Observed;
use super::plan::PlannedOrder;
use deployed::client::{ApiClient, ApiError, Found};

/// Orders of one page of a customer's list: few, so that the second page is read too.
const PAGE: u16 = 2;
/// More pages than any customer of the plan has.
const MOST_PAGES: usize = 20;

/// One stored order of every kind, read by the API in all three ways; what does not agree with the table.
///
/// # Errors
///
/// [`ApiError`] when the API does not answer.
pub async fn sample(client: &ApiClient, orders: &[(PlannedOrder, Observed)]) -> Result<Vec<String>, ApiError> {
    let mut kinds = BTreeSet::new();
    let sampled = orders.iter().filter_map(|(planned, observed)| {
        let stored = observed.order.as_ref()?;
        kinds.insert(planned.kind).then_some((planned, stored))
    });
    let findings = sampled.map(|(planned, stored)| async move {
        let customer = &planned.customer_id;
        let theirs = orders.iter().filter(|(other, seen)| other.customer_id == *customer && seen.order.is_some());
        let theirs = theirs.map(|(other, _)| other.order_id.as_str()).collect();
        let (mut findings, of_customer) = try_join(compare(client, stored), list(client, customer, &theirs)).await?;
        findings.extend(of_customer);
        Ok(findings)
    });
    Ok(try_join_all(findings).await?.into_iter().flatten().collect())
}

async fn compare(client: &ApiClient, stored: &Order) -> Result<Vec<String>, ApiError> {
    let id = stored.order_id.as_str();
    let mut findings = Vec::new();
    match client.order(id).await? {
        Found::Problem(problem) => findings.push(format!("GET /orders/{id} answered {}", problem.status)),
        Found::Found(view) => {
            let end = End { status: view.status, payment: view.payment_status, shipment: view.shipment_status };
            let (shown, kept) = (
                (end, view.version, view.total, view.refunded),
                (End::of(stored), stored.version, stored.total, stored.refunded),
            );
            if shown != kept {
                findings.push(format!("GET /orders/{id} shows {shown:?} and the table {kept:?}"));
            }
        }
    }
    match client.history(id).await? {
        Found::Problem(problem) => findings.push(format!("GET /orders/{id}/history answered {}", problem.status)),
        Found::Found(history) => {
            let numbers: Vec<u64> = history.events.iter().map(|event| event.sequence).collect();
            if numbers != (1..=stored.version).collect::<Vec<_>>() {
                findings.push(format!("GET /orders/{id}/history has events {numbers:?}, not 1 to {}", stored.version));
            }
            if history.events.last().map(|event| event.status) != Some(stored.status) {
                findings.push(format!("GET /orders/{id}/history does not end with {}", stored.status));
            }
        }
    }
    Ok(findings)
}

async fn list(client: &ApiClient, id: &str, expected: &BTreeSet<&str>) -> Result<Vec<String>, ApiError> {
    let mut seen = Vec::new();
    let mut cursor = None;
    for _ in 0..MOST_PAGES {
        match client.customer_orders(id, Some(PAGE), cursor.as_deref()).await? {
            Found::Problem(problem) => {
                return Ok(vec![format!("GET /customers/{id}/orders answered {}", problem.status)]);
            }
            Found::Found(page) => {
                seen.extend(page.orders);
                cursor = page.next;
            }
        }
        if cursor.is_none() {
            break;
        }
    }
    let mut findings = Vec::new();
    let ids: Vec<&str> = seen.iter().map(|order| order.order_id.as_str()).collect();
    if ids.len() != expected.len() || ids.iter().copied().collect::<BTreeSet<_>>() != *expected {
        findings.push(format!("GET /customers/{id}/orders listed {ids:?} instead of {expected:?}"));
    }
    if !seen.is_sorted_by(|newer, older| newer.created_at >= older.created_at) {
        findings.push(format!("GET /customers/{id}/orders is not sorted, newest first: {ids:?}"));
    }
    Ok(findings)
}
