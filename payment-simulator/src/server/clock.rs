//! The system's clock; only the server reads it.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::ledger::UnixSeconds;

/// The current time.
pub fn now() -> UnixSeconds {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixSeconds::try_from(elapsed.as_secs()).unwrap_or(UnixSeconds::MAX)
}
