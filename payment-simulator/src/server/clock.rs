//! The system's clock, which only the edges read.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::ledger::UnixSeconds;

/// Now.
pub fn now() -> UnixSeconds {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixSeconds::try_from(elapsed.as_secs()).unwrap_or(UnixSeconds::MAX)
}
