//! The gateway's books: payments, charges and refunds, and what may happen to them. No I/O and no clock: time is passed
//! in, identifiers come from a counter, so that a test can say exactly what it expects.

mod charge;
mod create;
mod create_refund;
mod identifier;
mod intent;
mod occurrence;
mod refund;
mod search;
mod settle;
#[cfg(test)]
mod tests;
mod time;
mod unexpected;

use std::collections::{BTreeMap, BTreeSet};

pub use charge::{Charge, ChargeState};
pub use intent::{Intent, IntentStatus};
pub use occurrence::{EventType, Occurrence};
pub use refund::Refund;
use search::Index;
pub use time::{AuthorisationTerms, UnixSeconds};

use super::answer::{Answer, Problem};
use super::command::Command;
use super::objects;

/// Every payment and refund.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    intents: BTreeMap<String, Intent>,
    refunds: Vec<Refund>,
    index: Index,
    occurrences: Vec<Occurrence>,
    /// Cards that can be used once, and were.
    used_up: BTreeSet<String>,
    last_number: u64,
    terms: AuthorisationTerms,
}

impl Ledger {
    /// Executes a command at a moment.
    pub fn execute(&mut self, command: Command, now: UnixSeconds) -> Answer {
        self.expire(now);
        let result = match command {
            Command::Create(create) => self.create(create, now),
            Command::Search(search) => Ok(self.index.search(&search, now)),
            Command::Retrieve { intent, expand_charge } => {
                self.intent(&intent).map(|intent| objects::intent(intent, expand_charge))
            }
            Command::Capture { intent, amount, expand_charge } => self.capture(&intent, amount, expand_charge, now),
            Command::Cancel { intent, reason, expand_charge } => self.cancel(&intent, reason, expand_charge, now),
            Command::Refund { target, amount, reason, metadata } => self.refund(&target, amount, reason, metadata, now),
        };
        result.map_or_else(Answer::from, Answer::ok)
    }

    /// How long the next authorisations last.
    pub const fn set_authorisation_terms(&mut self, terms: AuthorisationTerms) {
        self.terms = terms;
    }

    /// A payment, by its id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&Intent> {
        self.intents.get(id)
    }

    /// How many seconds the next changes take until a search sees them.
    pub const fn set_search_staleness(&mut self, seconds: i64) {
        self.index.staleness = seconds;
    }

    /// What happened since this was asked last.
    pub fn take_occurrences(&mut self) -> Vec<Occurrence> {
        std::mem::take(&mut self.occurrences)
    }

    /// Every payment, oldest first.
    pub fn intents(&self) -> impl DoubleEndedIterator<Item = &Intent> {
        self.intents.values()
    }

    /// Charges that the issuer approved, by payment: what a double charge would make larger than it should be.
    #[must_use]
    pub fn approved_charges(&self) -> usize {
        self.intents.values().filter_map(|intent| intent.charge.as_ref()).filter(|charge| charge.approved()).count()
    }

    fn intent(&self, id: &str) -> Result<&Intent, Problem> {
        self.intents.get(id).ok_or_else(|| Problem::not_found("payment_intent", id, "intent"))
    }

    fn intent_mut(&mut self, id: &str) -> Result<&mut Intent, Problem> {
        self.intents.get_mut(id).ok_or_else(|| Problem::not_found("payment_intent", id, "intent"))
    }

    /// Takes note of a payment's change, for those who search and for those who want to be told.
    fn changed(&mut self, id: &str, event_type: Option<EventType>, now: UnixSeconds) {
        let Some(intent) = self.intents.get(id) else { return };
        self.index.note(intent, now);
        let Some(event_type) = event_type else { return };
        let object = match (event_type, &intent.charge) {
            (EventType::ChargeRefunded, Some(charge)) => objects::charge(intent, charge),
            _ => objects::intent(intent, false),
        };
        self.occurrences.push(Occurrence { event_type, object, at: now });
    }

    fn next_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }
}
