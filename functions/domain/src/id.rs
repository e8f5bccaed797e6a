//! Identifiers: each its own type, each checked where it enters.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A text that is not the identifier it was given for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} must match {pattern}, and {value:?} does not")]
pub struct InvalidId {
    kind: &'static str,
    pattern: String,
    value: String,
}

/// An identifier's shape: a prefix, then 1 to `MAX` characters of `[A-Za-z0-9]` and the listed signs.
/// The JSON Schema's pattern and the check in code both come from it.
macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, prefix: $prefix:literal, signs: $signs:literal, max: $max:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Longest accepted text, in characters.
            pub const MAX_LENGTH: usize = $prefix.len() + $max;

            /// Checks a text.
            ///
            /// # Errors
            /// When the text does not match [`Self::pattern`].
            pub fn new(text: impl Into<String>) -> Result<Self, InvalidId> {
                let text = text.into();
                let fits = text.strip_prefix($prefix).is_some_and(|rest| {
                    (1..=$max).contains(&rest.len())
                        && rest.chars().all(|sign| sign.is_ascii_alphanumeric() || $signs.contains(sign))
                });
                if fits {
                    Ok(Self(text))
                } else {
                    let value: String = text.chars().take(Self::MAX_LENGTH + 1).collect();
                    Err(InvalidId { kind: stringify!($name), pattern: Self::pattern(), value })
                }
            }

            /// The regular expression that the JSON Schema carries.
            #[must_use]
            pub fn pattern() -> String {
                format!("^{}[A-Za-z0-9{}]{{1,{}}}$", $prefix, $signs, $max)
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn inline_schema() -> bool {
                true
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": Self::pattern() })
            }
        }
    };
}

identifier!(
    /// The client's id of an order, and the idempotency key of its placing.
    OrderId, prefix: "ord-", signs: "-", max: 60
);
identifier!(
    /// A customer.
    CustomerId, prefix: "cus-", signs: "-", max: 60
);
identifier!(
    /// A stock keeping unit.
    Sku, prefix: "", signs: "._-", max: 64
);
identifier!(
    /// The payment gateway's token of a means of payment. Card data never enters the system.
    PaymentMethodToken, prefix: "pm_", signs: "_", max: 250
);

identifier!(
    /// The payment gateway's id of the customer that a means of payment belongs to.
    PaymentCustomerToken, prefix: "cus_", signs: "_", max: 250
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_its_prefix_and_at_least_one_more_character() {
        assert!(OrderId::new("ord-1").is_ok());
        for wrong in ["", "ord-", "ORD-1", "ord-é", "ord-a b", "cus-1", "ord-a\n"] {
            assert!(OrderId::new(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn an_id_is_bounded_and_the_error_does_not_repeat_an_endless_text() {
        assert!(OrderId::new(format!("ord-{}", "a".repeat(60))).is_ok());
        let error = OrderId::new(format!("ord-{}", "a".repeat(100_000))).unwrap_err().to_string();
        assert!(error.len() < 300, "{error}");
    }
}
