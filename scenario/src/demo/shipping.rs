//! The reports on confirmed orders, and their documents. Pure.

use order_domain::order::{Order, OrderStatus, ShipmentStatus};
use serde_json::{Value, json};

/// A report on a confirmed order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// The warehouse has handed the parcel to the carrier.
    Dispatched,
    /// The carrier has handed it to the customer.
    Delivered,
    /// All of it was returned.
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

    /// Whether the stored order shows its effect, so that the next report may be sent.
    #[must_use]
    pub const fn shows_in(self, order: &Order) -> bool {
        match self {
            Self::Dispatched => !matches!(order.shipment_status, ShipmentStatus::None),
            // A parcel that comes back before it was paid for costs nothing: there would be nothing to refund.
            Self::Delivered => matches!(order.status, OrderStatus::Completed),
            Self::Returned => matches!(order.shipment_status, ShipmentStatus::Returned),
            Self::Cancellation => matches!(order.status, OrderStatus::Cancelled),
        }
    }

    /// The document of `POST /shipments`; `None` for a cancellation, which has a route of its own.
    #[must_use]
    pub fn shipment_update(self, order_id: &str) -> Option<Value> {
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
}

/// A tracking number that looks like a carrier's, from the order's id.
fn tracking_number(order_id: &str) -> String {
    let digits: String = order_id.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("RM{}GB", digits.to_uppercase())
}

#[cfg(test)]
mod tests {
    use order_contract::api::ShipmentUpdate;

    use super::*;

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
}
