//! Compares the payment gateway's books with the orders' money. Pure.

use order_domain::order::PaymentStatus;

use super::judge::Observed;
use super::plan::PlannedOrder;
use payment_simulator::LedgerSummary;

/// The differences between the books and the orders, a sentence each.
#[must_use]
pub fn compare(orders: &[(PlannedOrder, Observed)], ledger: &LedgerSummary) -> Vec<String> {
    let mut findings: Vec<String> = ledger
        .charges_by_idempotency_key
        .iter()
        .filter(|(_, charges)| **charges > 1)
        .map(|(key, charges)| format!("the gateway charged {charges} times under the idempotency key {key}"))
        .collect();
    let stored = || orders.iter().filter_map(|(_, observed)| observed.order.as_ref());
    let worth = |payments: &[PaymentStatus]| -> u64 {
        stored().filter(|order| payments.contains(&order.payment_status)).map(|order| order.total.amount).sum()
    };
    let held = worth(&[PaymentStatus::Authorised]);
    let captured = worth(&[PaymentStatus::Captured, PaymentStatus::Refunded]);
    let refunded: u64 = stored().map(|order| order.refunded).sum();
    let booked = || orders.iter().map(|(_, observed)| observed.money);
    for (what, booked, expected) in [
        ("holds", booked().map(|money| money.held).sum::<u64>(), held),
        ("captured", booked().map(|money| money.captured).sum(), captured),
        ("refunded", booked().map(|money| money.refunded).sum(), refunded),
    ] {
        if booked != expected {
            findings.push(format!("the gateway {what} {booked} and the orders say {expected} (minor units)"));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::perfect::hundred;
    use super::super::plan::Kind;
    use super::*;

    #[test]
    fn books_that_agree_with_the_orders_have_nothing_wrong() {
        assert_eq!(compare(&hundred(), &LedgerSummary::default()), Vec::<String>::new());
    }

    #[test]
    fn money_captured_twice_and_a_refund_that_was_not_given_are_found() {
        let mut orders = hundred();
        for (planned, observed) in &mut orders {
            match planned.kind {
                Kind::Shipped => observed.money.captured *= 2,
                Kind::Returned => observed.money.refunded = 0,
                _ => {}
            }
        }
        let findings = compare(&orders, &LedgerSummary::default());
        assert_eq!(findings.len(), 2, "{findings:?}");
        assert!(findings[0].starts_with("the gateway captured ") && findings[1].starts_with("the gateway refunded 0 "));
    }

    #[test]
    fn a_key_that_charged_twice_is_found() {
        let ledger = LedgerSummary { charges_by_idempotency_key: [("k-1".into(), 2)].into(), ..Default::default() };
        assert_eq!(compare(&[], &ledger), ["the gateway charged 2 times under the idempotency key k-1"]);
    }
}
