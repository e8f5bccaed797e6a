//! Order documents, with ids that no other test uses.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

static NUMBER: AtomicU64 = AtomicU64::new(1);

/// A text that no other call returns in this run.
pub fn unique(prefix: &str) -> String {
    format!("{prefix}{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// A phone number of Ofcom's range for drama, which no other call returns in this run (up to a thousand of them).
pub fn phone() -> String {
    format!("+447700900{:03}", NUMBER.fetch_add(1, Ordering::Relaxed) % 1000)
}

/// A good order of one unit of `sku`.
pub fn order_of(sku: &str) -> Value {
    json!({
        "orderId": unique("ord-"),
        "customerId": unique("cus-"),
        "customer": { "name": "Ada Lovelace", "email": "ada@example.com", "phone": phone() },
        "notify": ["SMS"],
        "items": [{ "sku": sku, "quantity": 1 }],
        "shippingAddress": { "line1": "1 High Street", "city": "Leeds", "postcode": "LS1 1AA", "country": "GB" },
        "currency": "GBP",
        "payment": { "method": "pm_card_visa" },
    })
}

/// The order with some fields set or replaced.
pub fn with(mut order: Value, changes: Value) -> Value {
    if let (Value::Object(order), Value::Object(changes)) = (&mut order, changes) {
        order.extend(changes);
    }
    order
}

/// The order's id.
pub fn id(order: &Value) -> &str {
    order["orderId"].as_str().unwrap_or_default()
}
