//! Moments, and how long an authorisation lasts.

/// A moment, in seconds since 1970.
pub type UnixSeconds = i64;

/// How long an authorisation holds, as for a card payment made by the customer online.
pub const AUTHORISATION_SECONDS: i64 = 7 * 24 * 60 * 60;

/// How long an authorisation lasts, and what the card network says about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuthorisationTerms {
    /// Seconds until it ends.
    pub lasts: i64,
    /// Seconds that its `capture_before` promises; not there where the network does not say.
    pub promises: Option<i64>,
}

impl Default for AuthorisationTerms {
    fn default() -> Self {
        Self { lasts: AUTHORISATION_SECONDS, promises: Some(AUTHORISATION_SECONDS) }
    }
}
