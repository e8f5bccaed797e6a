//! A refund.

use std::collections::BTreeMap;

use super::time::UnixSeconds;

/// A refund.
#[derive(Debug, Clone)]
pub struct Refund {
    /// `re_…`
    pub id: String,
    /// The payment.
    pub intent: String,
    /// Its charge.
    pub charge: String,
    /// Minor units.
    pub amount: u64,
    /// ISO 4217, lower case.
    pub currency: String,
    /// Stripe's reason.
    pub reason: Option<String>,
    /// The caller's labels.
    pub metadata: BTreeMap<String, String>,
    /// When it was made.
    pub created: UnixSeconds,
}
