//! The circuit breaker around every request to the gateway.

use std::sync::Arc;

use order_contract::metric;
use reqwest::StatusCode;

use super::transport::{Reply, Transport, Unanswered};
use crate::circuit_breaker::{CircuitBreaker, Effect, Permit};
use crate::failure::Failure;
use crate::ports::Runtime;

/// A way to the gateway that nothing is sent on while its circuit is open.
#[derive(Debug)]
pub struct BreakerTransport<'a, T, R> {
    /// The way.
    pub transport: T,
    /// Its breaker, which outlives the invocation.
    pub breaker: &'a CircuitBreaker,
    /// Clock and metrics.
    pub runtime: R,
}

// Admit and record instead of a wrapper around the request: a future that is passed on is stored twice.
impl<T, R: Runtime> BreakerTransport<'_, T, R> {
    fn admit(&self, what: &str) -> Result<Permit, Unanswered> {
        self.breaker.admit(self.runtime.now()).map_err(|open| {
            let what = format!("{what}: the payment gateway is not called");
            Unanswered::NotSent(Failure::Waiting { what, wait: open.retry_after, cause: Some(Arc::new(open)) })
        })
    }

    fn record(&self, permit: &Permit, reply: Result<Reply, Unanswered>) -> Result<Reply, Unanswered> {
        let failed = match &reply {
            // The call says nothing about the gateway; a probe that was not sent is made again.
            Err(Unanswered::NotSent(_)) => {
                self.breaker.abandon(permit);
                return reply;
            }
            Err(Unanswered::NoReply(_)) => true,
            Ok(reply) => is_failure(reply),
        };
        match self.breaker.record(permit, self.runtime.now(), failed) {
            Effect::None => {}
            Effect::Opened => {
                self.runtime.count(metric::GATEWAY_CIRCUIT_OPENED, 1);
                tracing::error!("the payment gateway fails or is slow: its circuit is open, and work waits");
            }
            Effect::Closed => tracing::info!("the payment gateway answers again: its circuit is closed"),
        }
        reply
    }
}

/// Whether a reply shows that calling on is useless: the gateway's own errors, unless they are only repeated, and a key that
/// it does not accept.
fn is_failure(reply: &Reply) -> bool {
    let refused = matches!(reply.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
    refused || reply.status.is_server_error() && !reply.replayed
}

impl<T: Transport, R: Runtime> Transport for BreakerTransport<'_, T, R> {
    async fn post(
        &self,
        path: &str,
        idempotency_key: &str,
        form: &[(&str, String)],
        what: &str,
    ) -> Result<Reply, Unanswered> {
        let permit = self.admit(what)?;
        self.record(&permit, self.transport.post(path, idempotency_key, form, what).await)
    }

    async fn get(&self, path: &str, query: &[(&str, String)], what: &str) -> Result<Reply, Unanswered> {
        let permit = self.admit(what)?;
        self.record(&permit, self.transport.get(path, query, what).await)
    }
}

impl<T: Transport> Transport for &T {
    fn post(
        &self,
        path: &str,
        idempotency_key: &str,
        form: &[(&str, String)],
        what: &str,
    ) -> impl Future<Output = Result<Reply, Unanswered>> + Send {
        (**self).post(path, idempotency_key, form, what)
    }
    fn get(
        &self,
        path: &str,
        query: &[(&str, String)],
        what: &str,
    ) -> impl Future<Output = Result<Reply, Unanswered>> + Send {
        (**self).get(path, query, what)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use order_domain::time::Timestamp;

    use super::*;
    use crate::circuit_breaker::PAYMENT_GATEWAY;

    /// A gateway whose replies take a while, on a clock of the test's own.
    struct Slow {
        now: Mutex<Timestamp>,
        takes: Duration,
        reply: fn() -> Result<Reply, Unanswered>,
    }

    impl Slow {
        fn new(takes: Duration, reply: fn() -> Result<Reply, Unanswered>) -> Self {
            Self { now: Mutex::new(Timestamp::from_unix_seconds(1_764_000_000).unwrap()), takes, reply }
        }

        /// Whether twenty requests in a row leave the circuit closed.
        async fn stays_closed(&self) -> bool {
            let breaker = CircuitBreaker::new(PAYMENT_GATEWAY);
            let transport = BreakerTransport { transport: self, breaker: &breaker, runtime: self };
            let began = self.now();
            for _ in 0..20 {
                // As if all of them began at once.
                *self.now.lock().unwrap() = began;
                let _ = transport.get("/v1/payment_intents/pi_1", &[], "a test").await;
            }
            breaker.admit(self.now()).is_ok()
        }
    }

    impl Transport for Slow {
        async fn post(&self, _: &str, _: &str, _: &[(&str, String)], what: &str) -> Result<Reply, Unanswered> {
            self.get("", &[], what).await
        }
        async fn get(&self, _: &str, _: &[(&str, String)], _: &str) -> Result<Reply, Unanswered> {
            let mut now = self.now.lock().unwrap();
            *now = now.after(self.takes);
            (self.reply)()
        }
    }

    impl Runtime for Slow {
        fn now(&self) -> Timestamp {
            *self.now.lock().unwrap()
        }
        fn random(&self) -> f64 {
            0.5
        }
        fn remaining(&self) -> Duration {
            Duration::MAX
        }
        fn count(&self, _: &'static str, _: usize) {}
        fn time(&self, _: &'static str, _: Duration) {}
    }

    fn reply(status: u16, replayed: bool) -> Result<Reply, Unanswered> {
        Ok(Reply { status: StatusCode::from_u16(status).unwrap(), body: b"{}".to_vec(), replayed })
    }

    #[tokio::test]
    async fn an_operation_of_several_healthy_steps_is_not_slow() {
        assert!(Slow::new(Duration::from_secs(4), || reply(200, false)).stays_closed().await);
        assert!(!Slow::new(Duration::from_secs(8), || reply(200, false)).stays_closed().await);
    }

    #[tokio::test]
    async fn a_secret_that_cannot_be_read_says_nothing_about_the_gateway() {
        let unreadable = || Err(Unanswered::NotSent(Failure::transient_because("the secret cannot be read")));
        assert!(Slow::new(Duration::ZERO, unreadable).stays_closed().await);
        let no_reply = || Err(Unanswered::NoReply(Failure::transient_because("nobody answers")));
        assert!(!Slow::new(Duration::ZERO, no_reply).stays_closed().await);
    }

    #[tokio::test]
    async fn an_error_that_the_gateway_repeats_and_a_decline_are_answers_and_its_own_errors_are_not() {
        for (status, replayed, closed) in
            [(500, true, true), (402, false, true), (429, false, true), (500, false, false), (401, false, false)]
        {
            let answer: fn() -> Result<Reply, Unanswered> = match (status, replayed) {
                (500, true) => || reply(500, true),
                (402, _) => || reply(402, false),
                (429, _) => || reply(429, false),
                (401, _) => || reply(401, false),
                _ => || reply(500, false),
            };
            assert_eq!(Slow::new(Duration::ZERO, answer).stays_closed().await, closed, "{status} {replayed}");
        }
    }
}
