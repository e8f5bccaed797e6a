//! A request's way through the gateway, without I/O: admitted (idempotency, parameters, faults), then executed. The two
//! steps are apart because time passes between them: that is when a second request with the same key is refused.

use std::collections::BTreeMap;

use super::answer::{Answer, Problem};
use super::command::{self, Command, Endpoint, Parameters};
use super::fault::{Fault, Faults};
use super::idempotency::{self, Keys};
use super::ledger::{AuthorisationTerms, Intent, Ledger, Occurrence, UnixSeconds};
use super::summary::LedgerSummary;

/// A request whose API key was right.
#[derive(Debug, Clone)]
pub struct Request {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// Its form or query parameters.
    pub parameters: Parameters,
    /// The `Idempotency-Key` header.
    pub idempotency_key: Option<String>,
}

/// What becomes of a request at first sight.
#[derive(Debug)]
pub enum Admission {
    /// It is to be executed, after its fault's latency.
    Execute(Execution),
    /// Its key has this saved answer.
    Replayed(Answer),
    /// It was refused, and nothing is remembered of it.
    Refused(Answer),
}

/// A request that was admitted.
#[derive(Debug)]
pub struct Execution {
    command: Command,
    idempotency_key: Option<String>,
    fault: Fault,
}

impl Execution {
    /// The fault that this request meets.
    #[must_use]
    pub const fn fault(&self) -> &Fault {
        &self.fault
    }
}

/// The gateway.
#[derive(Debug, Default)]
pub struct Engine {
    ledger: Ledger,
    keys: Keys,
    faults: Faults,
    charges_by_key: BTreeMap<String, usize>,
    /// How far the gateway's clock is ahead of the caller's.
    ahead: i64,
    pending_events: Vec<PendingEvent>,
}

/// What happened, and the idempotency key of the request that it came from.
#[derive(Debug)]
pub struct PendingEvent {
    /// What happened.
    pub occurrence: Occurrence,
    /// The key, where it came from a request that had one.
    pub idempotency_key: Option<String>,
}

impl Engine {
    /// Replaces the faults.
    pub fn set_faults(&mut self, faults: Faults) {
        self.faults = faults;
    }

    /// The faults in force.
    #[must_use]
    pub const fn faults(&self) -> &Faults {
        &self.faults
    }

    /// How many seconds a change takes until a search sees it.
    pub const fn set_search_staleness(&mut self, seconds: i64) {
        self.ledger.set_search_staleness(seconds);
    }

    /// Moves the gateway's clock ahead: holds run out and keys are forgotten as if that time had passed.
    pub fn advance(&mut self, seconds: u32, now: UnixSeconds) {
        self.ahead += i64::from(seconds);
        self.ledger.expire(now + self.ahead);
        self.note(None);
    }

    /// The gateway's time when it is `now` for the caller.
    #[must_use]
    pub const fn time(&self, now: UnixSeconds) -> UnixSeconds {
        now + self.ahead
    }

    /// What happened since this was asked last, for the webhooks.
    pub fn take_pending_events(&mut self) -> Vec<PendingEvent> {
        std::mem::take(&mut self.pending_events)
    }

    fn note(&mut self, idempotency_key: Option<&str>) {
        let occurrences = self.ledger.take_occurrences().into_iter();
        let idempotency_key = idempotency_key.map(str::to_owned);
        self.pending_events.extend(
            occurrences.map(|occurrence| PendingEvent { occurrence, idempotency_key: idempotency_key.clone() }),
        );
    }

    /// Admits and executes a request at one moment: its answer, and whether that is the one saved under its key.
    pub fn ask(&mut self, request: Request, now: UnixSeconds) -> (Answer, bool) {
        match self.admit(request, now) {
            Admission::Execute(execution) => (self.execute(execution, now), false),
            Admission::Replayed(answer) => (answer, true),
            Admission::Refused(answer) => (answer, false),
        }
    }

    /// How long the next authorisations last, and what the card network says about it.
    pub const fn set_authorisation_terms(&mut self, terms: AuthorisationTerms) {
        self.ledger.set_authorisation_terms(terms);
    }

    /// Ends an authorisation before its time, as a card network may.
    pub fn expire_authorisation(&mut self, intent: &str, now: UnixSeconds) {
        self.ledger.expire_one(intent, now + self.ahead);
        self.note(None);
    }

    /// Ends every authorisation whose time is over.
    pub fn expire(&mut self, now: UnixSeconds) {
        self.ledger.expire(now + self.ahead);
        self.note(None);
    }

    /// A payment, by its id.
    #[must_use]
    pub fn intent(&self, id: &str) -> Option<&Intent> {
        self.ledger.find(id)
    }

    /// Every payment, oldest first.
    pub fn intents(&self) -> impl DoubleEndedIterator<Item = &Intent> {
        self.ledger.intents()
    }

    /// What the books add up to.
    #[must_use]
    pub fn summary(&self) -> LedgerSummary {
        LedgerSummary::new(&self.ledger, &self.charges_by_key)
    }

    /// Looks at a request before anything is done. After [`Admission::Execute`] its key is taken until
    /// [`execute`](Self::execute).
    pub fn admit(&mut self, request: Request, now: UnixSeconds) -> Admission {
        let Request { endpoint, parameters, idempotency_key } = request;
        // Stripe ignores the header where nothing is changed.
        let key = idempotency_key.filter(|_| !endpoint.only_reads());
        if let Some(key) = &key {
            match self.keys.begin(key, &endpoint.describe(&parameters), now + self.ahead) {
                idempotency::Admission::Execute => {}
                idempotency::Admission::Replay(answer) => return Admission::Replayed(answer),
                idempotency::Admission::Refuse(problem) => return Admission::Refused(problem.into()),
            }
        }
        match command::parse(&endpoint, &parameters) {
            Ok(command) => {
                let fault = self.faults.take();
                Admission::Execute(Execution { command, idempotency_key: key, fault })
            }
            Err(problem) => {
                if let Some(key) = &key {
                    self.keys.abandon(key);
                }
                Admission::Refused(problem.into())
            }
        }
    }

    /// Executes an admitted request at a moment, and saves its result under its key.
    pub fn execute(&mut self, execution: Execution, now: UnixSeconds) -> Answer {
        let Execution { command, idempotency_key, fault } = execution;
        // What runs out meanwhile is not of this request's doing.
        self.ledger.expire(now + self.ahead);
        self.note(None);
        let before = self.ledger.approved_charges();
        let (answer, began) = match fault.error_status {
            Some(status) => (Problem::injected(status).into(), status == 500),
            None => {
                let answer = self.ledger.execute(command, now + self.ahead);
                self.note(idempotency_key.as_deref());
                let answer = if fault.error_after_execution { Problem::injected(500).into() } else { answer };
                (answer, true)
            }
        };
        let charged = self.ledger.approved_charges() - before;
        if let Some(key) = idempotency_key {
            if began {
                self.keys.finish(&key, &answer);
            } else {
                self.keys.abandon(&key);
            }
            *self.charges_by_key.entry(key).or_default() += charged;
        }
        answer
    }
}

#[cfg(test)]
mod tests;
