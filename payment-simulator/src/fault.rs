//! Faults on demand: what a payment gateway does on its worst day, in small doses that a test can count.

use serde::{Deserialize, Serialize};

/// What the simulator does wrong until it is told otherwise. The default is nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Milliseconds to wait before a request is executed. A caller that times out meanwhile is still charged.
    pub latency_ms: u64,
    /// HTTP status to answer with instead of executing. As at Stripe, a 500 means that execution had begun: it is
    /// saved under the idempotency key. Any other status came from in front of the endpoint and is not saved.
    pub error_status: Option<u16>,
    /// Executes the request, saves its result, and closes the connection without an answer.
    pub charged_but_no_answer: bool,
    /// Executes the request, and answers with a 500 all the same, which is saved under the idempotency key.
    pub charged_but_error: bool,
    /// How many more requests are affected; absent means every request until the faults are replaced.
    pub remaining: Option<u32>,
}

/// The fault that one request meets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fault {
    /// Milliseconds to wait before executing.
    pub latency_ms: u64,
    /// Status to answer with instead of executing.
    pub error_status: Option<u16>,
    /// Whether the answer is thrown away.
    pub no_answer: bool,
    /// Whether the answer is a 500, although the request was executed.
    pub error_after_execution: bool,
}

impl Faults {
    /// Takes the next request's fault, and counts it down.
    pub(super) fn take(&mut self) -> Fault {
        match &mut self.remaining {
            Some(0) => return Fault::default(),
            Some(remaining) => *remaining -= 1,
            None => {}
        }
        Fault {
            latency_ms: self.latency_ms,
            error_status: self.error_status,
            no_answer: self.charged_but_no_answer,
            error_after_execution: self.charged_but_error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counted_fault_stops_after_its_count() {
        let mut faults = Faults { error_status: Some(503), remaining: Some(2), ..Faults::default() };
        let statuses: Vec<_> = (0..4).map(|_| faults.take().error_status).collect();
        assert_eq!(statuses, [Some(503), Some(503), None, None]);
    }

    #[test]
    fn an_uncounted_fault_goes_on() {
        let mut faults = Faults { latency_ms: 5, ..Faults::default() };
        assert!((0..10).all(|_| faults.take().latency_ms == 5));
    }
}
