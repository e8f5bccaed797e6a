//! An order that waits for its payment.

use order_domain::order::{Authorisation, Order};
use serde_json::json;

/// An order over 19.99 GBP, paid with a test card.
pub fn order(id: &str, payment_method: &str) -> Order {
    let order = json!({
        "orderId": id, "customerId": "cus-1",
        "customer": { "name": "Ada", "email": "ada@example.com", "phone": "+447700900001" }, "notify": [],
        "shippingAddress": { "line1": "1 High Street", "city": "Leeds", "postcode": "LS1 1AA", "country": "GB" },
        "paymentMethod": payment_method, "lines": [], "delivery": { "amount": 0, "currency": "GBP" }, "total": { "amount": 1999, "currency": "GBP" },
        "status": "RESERVED", "paymentStatus": "NONE", "shipmentStatus": "NONE", "version": 2,
        "fingerprint": "0".repeat(64),
        "createdAt": "2026-11-27T08:00:00.000Z", "updatedAt": "2026-11-27T08:00:00.000Z",
    });
    serde_json::from_value(order).unwrap()
}

/// The order with what the gateway holds for it.
pub fn with(order: &Order, authorisation: &Authorisation) -> Order {
    Order { authorisation: Some(authorisation.clone()), ..order.clone() }
}
