//! Stripe's v1 idempotency: the first result of a key is the result of that key, whatever it was, once execution has
//! begun. What never began (a validation failure, a conflict with a running request) is not remembered.

use std::collections::HashMap;

use super::answer::{Answer, Problem};
use super::ledger::UnixSeconds;

/// The longest key that Stripe takes, in characters.
pub const LONGEST_KEY: usize = 255;

/// How long a key is kept at least; from then on Stripe may forget it (docs.stripe.com/api/idempotent_requests), and the
/// simulator does.
pub const KEPT_SECONDS: i64 = 24 * 60 * 60;

/// What a request with an idempotency key meets.
#[derive(Debug, Clone, PartialEq)]
pub enum Admission {
    /// The key is new: execute, then [`finish`](Keys::finish) or [`abandon`](Keys::abandon).
    Execute,
    /// The key has its result.
    Replay(Answer),
    /// The key cannot be used for this request now.
    Refuse(Problem),
}

#[derive(Debug, Clone)]
struct Entry {
    request: String,
    result: Option<Answer>,
    since: UnixSeconds,
}

/// Every key, the request that it was first used with, and that request's result.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    entries: HashMap<String, Entry>,
}

impl Keys {
    /// Begins a request under a key. `request` describes method, path and parameters; equal text is an equal request.
    pub fn begin(&mut self, key: &str, request: &str, now: UnixSeconds) -> Admission {
        if key.is_empty() || key.chars().count() > LONGEST_KEY {
            let message = format!("Idempotency keys must be between 1 and {LONGEST_KEY} characters long.");
            return Admission::Refuse(Problem::invalid_request(message));
        }
        // A request that still runs keeps its key however long it takes.
        let kept = |entry: &&Entry| entry.result.is_none() || now - entry.since < KEPT_SECONDS;
        match self.entries.get(key).filter(kept) {
            None => {
                let entry = Entry { request: request.to_owned(), result: None, since: now };
                self.entries.insert(key.to_owned(), entry);
                Admission::Execute
            }
            Some(entry) if entry.request != request => Admission::Refuse(Problem::other_parameters(key)),
            Some(Entry { result: Some(answer), .. }) => Admission::Replay(answer.clone()),
            Some(Entry { result: None, .. }) => Admission::Refuse(Problem::key_in_use(key)),
        }
    }

    /// Saves the result of a request that was executed.
    pub fn finish(&mut self, key: &str, answer: &Answer) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.result = Some(answer.clone());
        }
    }

    /// Frees the key of a request that was not executed.
    pub fn abandon(&mut self, key: &str) {
        self.entries.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: UnixSeconds = 1_800_000_000;

    #[test]
    fn the_first_result_is_the_keys_result_even_when_it_is_a_server_error() {
        let mut keys = Keys::default();
        assert_eq!(keys.begin("k", "POST a", NOW), Admission::Execute);
        let failure = Answer { status: 500, body: json!({}) };
        keys.finish("k", &failure);
        assert_eq!(keys.begin("k", "POST a", NOW), Admission::Replay(failure));
    }

    #[test]
    fn a_key_with_other_parameters_is_refused() {
        let mut keys = Keys::default();
        keys.begin("k", "POST a", NOW);
        keys.finish("k", &Answer::ok(json!({})));
        assert_eq!(keys.begin("k", "POST b", NOW), Admission::Refuse(Problem::other_parameters("k")));
    }

    #[test]
    fn a_running_request_holds_its_key() {
        let mut keys = Keys::default();
        keys.begin("k", "POST a", NOW);
        assert_eq!(keys.begin("k", "POST a", NOW), Admission::Refuse(Problem::key_in_use("k")));
    }

    #[test]
    fn a_request_that_was_not_executed_frees_its_key() {
        let mut keys = Keys::default();
        keys.begin("k", "POST a", NOW);
        keys.abandon("k");
        assert_eq!(keys.begin("k", "POST b", NOW), Admission::Execute);
    }

    #[test]
    fn a_key_that_is_too_long_is_refused() {
        let mut keys = Keys::default();
        assert!(matches!(keys.begin(&"k".repeat(256), "POST a", NOW), Admission::Refuse(_)));
        assert_eq!(keys.begin(&"k".repeat(255), "POST a", NOW), Admission::Execute);
    }

    #[test]
    fn a_key_is_forgotten_after_a_day_and_not_before() {
        let mut keys = Keys::default();
        keys.begin("k", "POST a", NOW);
        assert!(matches!(keys.begin("k", "POST a", NOW + 2 * KEPT_SECONDS), Admission::Refuse(_)), "it still runs");
        let answer = Answer::ok(json!({}));
        keys.finish("k", &answer);
        assert_eq!(keys.begin("k", "POST a", NOW + KEPT_SECONDS - 1), Admission::Replay(answer));
        assert_eq!(keys.begin("k", "POST b", NOW + KEPT_SECONDS), Admission::Execute);
    }
}
