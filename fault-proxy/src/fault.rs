//! Faults, and the rules for which requests and how often.

use std::time::Duration;

use super::call::Call;

/// A fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The proxy answers with an error and does not forward the request.
    Error {
        /// HTTP status, such as 500 or 503.
        status: u16,
    },
    /// The proxy answers with throttling and does not forward the request.
    Throttled,
    /// The request is forwarded after a delay.
    Slow {
        /// The delay.
        by: Duration,
    },
    /// The request takes effect, but the connection is closed without an answer.
    LostAnswer,
}

impl Fault {
    /// Its name in [`Counts`](crate::Counts).
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error { .. } => "error",
            Self::Throttled => "throttled",
            Self::Slow { .. } => "slow",
            Self::LostAnswer => "lost answer",
        }
    }
}

/// A fault for some requests.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    fault: Fault,
    share: f64,
    service: Option<String>,
    action: Option<String>,
    path_prefix: Option<String>,
    named: Option<String>,
    times: Option<u64>,
}

impl Rule {
    /// A fault for every request.
    #[must_use]
    pub const fn always(fault: Fault) -> Self {
        Self { fault, share: 1.0, service: None, action: None, path_prefix: None, named: None, times: None }
    }

    /// A fault for a share of the requests, between 0 and 1.
    #[must_use]
    pub fn for_share(fault: Fault, share: f64) -> Self {
        Self { share, ..Self::always(fault) }
    }

    /// Only for requests that are signed for this AWS service, such as `dynamodb`.
    #[must_use]
    pub fn of_service(self, service: &str) -> Self {
        Self { service: Some(service.to_owned()), ..self }
    }

    /// Only for this AWS action, such as `TransactWriteItems`.
    #[must_use]
    pub fn of_action(self, action: &str) -> Self {
        Self { action: Some(action.to_owned()), ..self }
    }

    /// Only for paths with this prefix, such as `/v1/payment_intents`.
    #[must_use]
    pub fn of_path(self, prefix: &str) -> Self {
        Self { path_prefix: Some(prefix.to_owned()), ..self }
    }

    /// Only for requests whose body contains this text, such as the name of a table.
    #[must_use]
    pub fn that_names(self, text: &str) -> Self {
        Self { named: Some(text.to_owned()), ..self }
    }

    /// At most this many times.
    #[must_use]
    pub fn times(self, times: u64) -> Self {
        Self { times: Some(times), ..self }
    }

    fn matches(&self, call: &Call) -> bool {
        let is = |wanted: &Option<String>, there: &Option<String>| wanted.is_none() || wanted == there;
        is(&self.service, &call.service)
            && is(&self.action, &call.action)
            && self.path_prefix.as_ref().is_none_or(|prefix| call.path.starts_with(prefix))
            && self.named.as_ref().is_none_or(|text| call.names(text))
    }
}

/// Rules; the first that matches a request applies. The default has no rules.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FaultPlan {
    seed: u64,
    rules: Vec<Rule>,
}

impl FaultPlan {
    /// These rules. The same seed gives the same faults for the same requests in the same order.
    #[must_use]
    pub const fn new(seed: u64, rules: Vec<Rule>) -> Self {
        Self { seed, rules }
    }

    /// One rule.
    #[must_use]
    pub fn only(rule: Rule) -> Self {
        Self::new(0, vec![rule])
    }

    /// The seed of the random draws.
    pub(super) const fn seed(&self) -> u64 {
        self.seed
    }

    /// Decides a request's fault; `draw` returns numbers from 0 to below 1.
    pub(super) fn decide(&mut self, call: &Call, mut draw: impl FnMut() -> f64) -> Option<Fault> {
        if call.is_administration() {
            return None;
        }
        let hit =
            self.rules.iter_mut().find(|rule| rule.matches(call) && rule.times != Some(0) && draw() < rule.share)?;
        if let Some(times) = &mut hit.times {
            *times -= 1;
        }
        Some(hit.fault)
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;

    use super::super::call::Protocol;
    use super::*;

    fn call(service: &str, action: &str, path: &str) -> Call {
        Call {
            method: "POST".into(),
            path: path.into(),
            service: Some(service.into()),
            action: Some(action.into()),
            protocol: Protocol::AwsJson,
            body: Bytes::from_static(br#"{"RequestItems":{"orders-table-local":{}}}"#),
        }
    }

    #[test]
    fn the_first_matching_rule_applies() {
        let mut plan = FaultPlan::new(
            0,
            vec![
                Rule::always(Fault::LostAnswer).of_service("dynamodb").of_action("TransactWriteItems"),
                Rule::always(Fault::Error { status: 503 }).of_path("/v1/"),
                Rule::always(Fault::Throttled).of_service("dynamodb").times(1),
            ],
        );
        let mut decide = |service, action, path| plan.decide(&call(service, action, path), || 0.0);
        assert_eq!(decide("dynamodb", "TransactWriteItems", "/"), Some(Fault::LostAnswer));
        assert_eq!(decide("sqs", "SendMessageBatch", "/"), None);
        assert_eq!(decide("", "", "/v1/refunds"), Some(Fault::Error { status: 503 }));
        assert_eq!(decide("dynamodb", "GetItem", "/"), Some(Fault::Throttled));
        assert_eq!(decide("dynamodb", "GetItem", "/"), None);
    }

    #[test]
    fn a_rule_for_one_table_does_not_match_others() {
        let decide = |table: &str| {
            let mut plan = FaultPlan::only(Rule::always(Fault::Throttled).of_service("dynamodb").that_names(table));
            plan.decide(&call("dynamodb", "BatchGetItem", "/"), || 0.0)
        };
        assert_eq!(decide("orders-table-local"), Some(Fault::Throttled));
        assert_eq!(decide("inventory-table-local"), None);
    }

    #[test]
    fn admin_requests_never_fail() {
        let mut plan = FaultPlan::only(Rule::always(Fault::LostAnswer));
        assert_eq!(plan.decide(&call("", "", "/_simulator/ledger"), || 0.0), None);
    }
}
