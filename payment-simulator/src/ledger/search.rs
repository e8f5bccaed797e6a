//! Finding payments. The index lags behind the books, as Stripe's does: what changed a moment ago is found as it was
//! before, or not at all.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::command::{Clause, Search};
use super::super::objects;
use super::intent::Intent;
use super::time::UnixSeconds;

/// How long a change takes until a search sees it, unless a test asks for something else. At Stripe it is "under one
/// minute" (docs.stripe.com/search, "Data freshness").
pub const STALENESS_SECONDS: i64 = 1;

/// What a search sees: every payment as it was at each of its changes, and from when on.
#[derive(Debug, Clone)]
pub struct Index {
    /// Seconds until the next changes are seen.
    pub staleness: i64,
    changes: BTreeMap<String, Vec<(UnixSeconds, Intent)>>,
}

impl Default for Index {
    fn default() -> Self {
        Self { staleness: STALENESS_SECONDS, changes: BTreeMap::new() }
    }
}

impl Index {
    /// Takes note of a payment as it is from now on.
    pub fn note(&mut self, intent: &Intent, now: UnixSeconds) {
        let changes = self.changes.entry(intent.id.clone()).or_default();
        // An older state is never seen after a newer one.
        let visible_at = changes.last().map_or(i64::MIN, |(at, _)| *at).max(now + self.staleness);
        changes.push((visible_at, intent.clone()));
    }

    /// The answer to a search, newest payment first.
    pub fn search(&self, search: &Search, now: UnixSeconds) -> Value {
        let seen =
            |changes: &'_ Vec<(UnixSeconds, Intent)>| changes.iter().rposition(|(visible_at, _)| *visible_at <= now);
        let intents = self.changes.values().rev().filter_map(|changes| Some(&changes[seen(changes)?].1));
        let fitting: Vec<&Intent> = intents.filter(|intent| search.clauses.iter().all(|c| fits(intent, c))).collect();
        let page = fitting.iter().take(search.limit).map(|intent| objects::intent(intent, search.expand_charge));
        json!({
            "object": "search_result",
            "data": page.collect::<Vec<_>>(),
            "has_more": fitting.len() > search.limit,
            // Further pages are not simulated: nothing that we test makes as many payments for one order.
            "next_page": null,
            "url": "/v1/payment_intents/search",
        })
    }
}

fn fits(intent: &Intent, clause: &Clause) -> bool {
    match clause {
        Clause::Metadata { key, value } => {
            intent.metadata.get(key).is_some_and(|label| label.eq_ignore_ascii_case(value))
        }
        Clause::Status(state) => intent.status.name().eq_ignore_ascii_case(state),
    }
}
