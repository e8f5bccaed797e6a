//! A circuit breaker in front of what a stage calls outside of AWS: when too many calls fail or are slow, nobody calls for
//! a while, and then one probe tries again.
//!
//! Work that may not be done waits in its queue, hidden until the next probe, so that an outage costs few receives. Each
//! function instance has its own breaker: instances learn for themselves, and there are as many probes as instances, at
//! most the source's concurrency. A shared state would be one more thing to call, and to fail.
//!
//! Source: Michael Nygard, "Release It!"; learn.microsoft.com/azure/architecture/patterns/circuit-breaker.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use order_contract::timeout;
use order_domain::time::Timestamp;

/// When a breaker opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Calls that are looked back at, by their age.
    pub window: Duration,
    /// Fewer calls than this in the window never open it.
    pub minimum_calls: usize,
    /// Percentage of failed or slow calls from which it opens.
    pub bad_percentage: usize,
    /// A call that takes as long as this counts as bad, whatever its answer.
    pub slow_after: Duration,
    /// How long a probe takes at most: meanwhile nobody else calls.
    pub probe_takes: Duration,
    /// How long it stays open at first; it doubles with every probe that fails.
    pub open_for: Duration,
    /// How long it stays open at most.
    pub open_for_at_most: Duration,
}

/// The payment gateway's: half of at least ten calls in a minute.
pub const PAYMENT_GATEWAY: Settings = Settings {
    window: Duration::from_secs(60),
    minimum_calls: 10,
    bad_percentage: 50,
    slow_after: Duration::from_secs(8),
    probe_takes: timeout::GATEWAY_CALL,
    open_for: Duration::from_secs(15),
    open_for_at_most: Duration::from_secs(5 * 60),
};

/// The breaker of one dependency.
#[derive(Debug)]
pub struct CircuitBreaker {
    settings: Settings,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    /// Calls go through and are counted: when each ended, and whether it was bad.
    Closed(VecDeque<(Timestamp, bool)>),
    /// Nobody calls until then.
    Open { until: Timestamp, open_for: Duration },
    /// One probe is under way since then; nobody else calls.
    HalfOpen { since: Timestamp, open_for: Duration },
}

/// The permission for one call.
#[derive(Debug, PartialEq, Eq)]
pub struct Permit {
    started: Timestamp,
    probe: bool,
}

/// No call may be made now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the circuit is open: nobody calls for another {} s", retry_after.as_secs())]
pub struct CircuitOpen {
    /// How long to wait before trying again.
    pub retry_after: Duration,
}

/// What a call did to the breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It stays as it was.
    None,
    /// It opened.
    Opened,
    /// It closed again.
    Closed,
}

impl CircuitBreaker {
    /// A closed breaker.
    #[must_use]
    pub const fn new(settings: Settings) -> Self {
        Self { settings, state: Mutex::new(State::Closed(VecDeque::new())) }
    }

    /// Releases a permission whose call was not made: the next caller makes the probe.
    pub fn abandon(&self, permit: &Permit) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let State::HalfOpen { open_for, .. } = *state
            && permit.probe
        {
            *state = State::Open { until: permit.started, open_for };
        }
    }

    /// Asks for the permission to call.
    ///
    /// # Errors
    /// While the circuit is open, or another probe is under way.
    pub fn admit(&self, now: Timestamp) -> Result<Permit, CircuitOpen> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match *state {
            State::Closed(_) => Ok(Permit { started: now, probe: false }),
            State::Open { until, .. } if now < until => Err(CircuitOpen { retry_after: until.since(now) }),
            // What came with the probe waits for its answer and not for another whole time: when it is good, all may go on.
            // A probe whose function was killed never reports: after a call's time another may try.
            State::HalfOpen { since, open_for } if now.since(since) < self.settings.probe_takes => {
                Err(CircuitOpen { retry_after: self.settings.probe_takes.min(open_for) })
            }
            State::Open { open_for, .. } | State::HalfOpen { open_for, .. } => {
                *state = State::HalfOpen { since: now, open_for };
                Ok(Permit { started: now, probe: true })
            }
        }
    }

    /// Tells how a permitted call ended: `failed` when the dependency gave no answer of its own.
    pub fn record(&self, permit: &Permit, now: Timestamp, failed: bool) -> Effect {
        let Settings { window, minimum_calls, bad_percentage, slow_after, open_for, open_for_at_most, .. } =
            self.settings;
        let bad = failed || now.since(permit.started) >= slow_after;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *state {
            State::Closed(calls) => {
                calls.push_back((now, bad));
                while calls.front().is_some_and(|(ended, _)| now.since(*ended) > window) {
                    calls.pop_front();
                }
                let bad = calls.iter().filter(|(_, bad)| *bad).count();
                if calls.len() < minimum_calls || bad * 100 < calls.len() * bad_percentage {
                    return Effect::None;
                }
                *state = State::Open { until: now.after(open_for), open_for };
                Effect::Opened
            }
            State::HalfOpen { open_for, .. } if permit.probe && bad => {
                let open_for = open_for.saturating_mul(2).min(open_for_at_most);
                *state = State::Open { until: now.after(open_for), open_for };
                Effect::Opened
            }
            State::HalfOpen { .. } if permit.probe => {
                *state = State::Closed(VecDeque::new());
                Effect::Closed
            }
            // A call that began before the circuit opened.
            State::Open { .. } | State::HalfOpen { .. } => Effect::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(1_764_000_000 + seconds).unwrap()
    }

    fn opened() -> CircuitBreaker {
        let breaker = CircuitBreaker::new(PAYMENT_GATEWAY);
        for call in 0..10 {
            let permit = breaker.admit(at(0)).unwrap();
            let effect = breaker.record(&permit, at(0), true);
            assert_eq!(effect, if call == 9 { Effect::Opened } else { Effect::None });
        }
        breaker
    }

    #[test]
    fn half_of_ten_bad_calls_in_a_minute_open_it() {
        let breaker = CircuitBreaker::new(PAYMENT_GATEWAY);
        for call in 0..9 {
            let permit = breaker.admit(at(0)).unwrap();
            assert_eq!(breaker.record(&permit, at(0), call % 2 == 0), Effect::None);
        }
        let permit = breaker.admit(at(0)).unwrap();
        assert_eq!(breaker.record(&permit, at(0), true), Effect::Opened);
        assert_eq!(breaker.admit(at(5)), Err(CircuitOpen { retry_after: Duration::from_secs(10) }));
    }

    #[test]
    fn calls_that_are_long_past_do_not_count() {
        let breaker = CircuitBreaker::new(PAYMENT_GATEWAY);
        for call in 0..100 {
            let permit = breaker.admit(at(call * 10)).unwrap();
            assert_eq!(breaker.record(&permit, at(call * 10), true), Effect::None, "{call}");
        }
    }

    #[test]
    fn a_slow_answer_is_as_bad_as_none() {
        let breaker = CircuitBreaker::new(PAYMENT_GATEWAY);
        let effects: Vec<_> = (0..10).map(|_| breaker.record(&breaker.admit(at(0)).unwrap(), at(8), false)).collect();
        assert_eq!(effects.last(), Some(&Effect::Opened));
    }

    #[test]
    fn one_probe_tries_again_and_closes_it() {
        let breaker = opened();
        let probe = breaker.admit(at(15)).unwrap();
        assert!(breaker.admit(at(15)).is_err(), "a second probe");
        assert_eq!(breaker.record(&probe, at(16), false), Effect::Closed);
        assert!(breaker.admit(at(16)).is_ok());
    }

    #[test]
    fn a_call_beside_a_probe_waits_only_for_the_probes_answer() {
        let breaker = opened();
        for (now, open_for) in [(15, 30), (45, 60)] {
            let probe = breaker.admit(at(now)).unwrap();
            assert_eq!(breaker.admit(at(now)), Err(CircuitOpen { retry_after: PAYMENT_GATEWAY.probe_takes }));
            breaker.record(&probe, at(now), true);
            let retry_after = Duration::from_secs(open_for);
            assert_eq!(breaker.admit(at(now)), Err(CircuitOpen { retry_after }));
        }
    }

    #[test]
    fn a_probe_that_fails_keeps_it_open_twice_as_long_up_to_the_most() {
        let breaker = opened();
        let mut now = 15;
        for open_for in [30, 60, 120, 240, 300, 300] {
            let probe = breaker.admit(at(now)).unwrap();
            assert_eq!(breaker.record(&probe, at(now), true), Effect::Opened);
            assert_eq!(breaker.admit(at(now)), Err(CircuitOpen { retry_after: Duration::from_secs(open_for) }));
            now += i64::try_from(open_for).unwrap();
        }
    }

    #[test]
    fn a_probe_that_was_not_sent_is_left_to_the_next_caller() {
        let breaker = opened();
        let probe = breaker.admit(at(15)).unwrap();
        breaker.abandon(&probe);
        let probe = breaker.admit(at(15)).unwrap();
        assert_eq!(breaker.record(&probe, at(16), false), Effect::Closed);
    }

    #[test]
    fn a_probe_that_never_came_back_does_not_keep_it_open_for_ever() {
        let breaker = opened();
        breaker.admit(at(15)).unwrap();
        assert!(breaker.admit(at(24)).is_err());
        assert!(breaker.admit(at(25)).is_ok());
    }
}
