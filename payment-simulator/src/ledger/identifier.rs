//! Identifiers of charges, payments and refunds.

/// An identifier in Stripe's form, from a counter. Charges, payments and refunds share one counter; their prefixes differ.
pub(super) fn identifier(prefix: &str, number: u64) -> String {
    format!("{prefix}_simulated{number:010}")
}
