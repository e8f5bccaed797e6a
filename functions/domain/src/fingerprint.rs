//! The fingerprint of a request: what tells a repeated order from another order under the same id.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::request::PlaceOrder;

/// SHA-256 of a request in its canonical form: white space, key order and an absent optional field do not count.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The request's fingerprint.
    #[must_use]
    pub fn of(request: &PlaceOrder) -> Self {
        // A struct of strings and integers always serialises; its field order is its declaration's.
        let canonical = serde_json::to_vec(request).unwrap_or_default();
        Self(Sha256::digest(&canonical).iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_order_and_white_space_do_not_count_and_values_do() {
        let body = r#"{"orderId":"ord-1","customerId":"cus-1","customer":{"name":"A","email":"a@b.cd"},
            "items":[{"sku":"TEA","quantity":2}],"currency":"GBP","payment":{"method":"pm_a"},
            "shippingAddress":{"line1":"1","city":"L","postcode":"L1","country":"GB"}}"#;
        let value: serde_json::Value = serde_json::from_str(body).unwrap();
        let mut fields: Vec<_> = value.as_object().unwrap().clone().into_iter().collect();
        fields.reverse();
        let reversed = serde_json::to_string(&serde_json::Map::from_iter(fields)).unwrap();
        let of = |text: &str| Fingerprint::of(&PlaceOrder::from_json(text).unwrap());
        assert_eq!(of(body), of(&reversed));
        assert_ne!(of(body), of(&body.replace("\"quantity\":2", "\"quantity\":3")));
    }
}
