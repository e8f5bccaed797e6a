//! One delivery: posted until the endpoint answers with 2xx, with growing waits.

use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::state::State;
use crate::server::clock;
use crate::webhook::{WebhookSettings, signature_header};

/// Maximum wait between two attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Delivers with the endpoint's settings at the time of the event.
pub struct Deliverer {
    pub state: Arc<State>,
    pub settings: WebhookSettings,
}

impl Deliverer {
    /// Delivers one copy of an event, after a delay.
    pub async fn run(self, event: u64, copy: u32, body: Arc<str>, delay: Duration) {
        tokio::time::sleep(delay).await;
        let faults = &self.settings.faults;
        if faults.shuffle_within_ms > 0 {
            let seed = faults.seed ^ event.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ u64::from(copy);
            let wait = StdRng::seed_from_u64(seed).random_range(0..=faults.shuffle_within_ms);
            tokio::time::sleep(Duration::from_millis(wait)).await;
        }
        let mut wait = Duration::from_millis(self.settings.first_retry_ms);
        let mut delivered = false;
        for attempt in 1..=self.settings.attempts.max(1) {
            if attempt > 1 {
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(LONGEST_WAIT);
            }
            if self.post(&body).await {
                delivered = true;
                break;
            }
            self.state.inner().summary.refused += 1;
        }
        let summary = &mut self.state.inner().summary;
        summary.pending -= 1;
        if delivered {
            summary.delivered += 1;
        } else {
            summary.abandoned += 1;
        }
    }

    /// Posts once; returns whether the endpoint accepted it. Each attempt is signed with its own time.
    async fn post(&self, body: &str) -> bool {
        let wrong = ["whsec_of_somebody_else".to_owned()];
        let secrets = if self.settings.faults.wrong_signature { &wrong[..] } else { &self.settings.secrets };
        let request = self.state.http.post(&self.settings.url).header("Content-Type", "application/json");
        // The real time: the receiver compares it with its own clock, not with the simulator's.
        let request = request.header("Stripe-Signature", signature_header(secrets, clock::now(), body));
        match request.body(body.to_owned()).send().await {
            Ok(response) if response.status().is_success() => true,
            Ok(response) => {
                tracing::debug!(status = response.status().as_u16(), "a webhook was refused");
                false
            }
            Err(error) => {
                tracing::debug!(error = %error.without_url(), "a webhook was not answered");
                false
            }
        }
    }
}
