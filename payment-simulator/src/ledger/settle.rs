//! How an authorisation ends: it is captured, it is cancelled, or it expires.

use super::super::answer::Problem;
use super::super::objects;
use super::{Charge, ChargeState, EventType, Intent, IntentStatus, Ledger, UnixSeconds};

impl Ledger {
    pub(super) fn capture(
        &mut self,
        id: &str,
        amount: Option<u64>,
        expand_charge: bool,
        now: UnixSeconds,
    ) -> Result<serde_json::Value, Problem> {
        let intent = self.intent_mut(id)?;
        let held = intent.amount;
        let status = intent.status;
        let Some(charge) = intent.charge.as_mut().filter(|_| status == IntentStatus::RequiresCapture) else {
            return Err(intent.unexpected("captured", "requires_capture"));
        };
        let amount = amount.unwrap_or(held);
        if amount > held {
            let message =
                format!("The amount to capture ({amount}) is greater than the amount that is capturable ({held}).");
            return Err(Problem::parameter("amount_too_large", "amount_to_capture", message));
        }
        charge.state = ChargeState::Captured { amount, refunded: 0 };
        intent.status = IntentStatus::Succeeded;
        let answer = objects::intent(intent, expand_charge);
        self.changed(id, Some(EventType::Succeeded), now);
        Ok(answer)
    }

    pub(super) fn cancel(
        &mut self,
        id: &str,
        reason: Option<String>,
        expand_charge: bool,
        now: UnixSeconds,
    ) -> Result<serde_json::Value, Problem> {
        let intent = self.intent_mut(id)?;
        if matches!(intent.status, IntentStatus::Succeeded | IntentStatus::Canceled) {
            return Err(intent.unexpected(
                "canceled",
                "requires_payment_method, requires_capture, requires_confirmation, requires_action",
            ));
        }
        intent.release(now, reason);
        let answer = objects::intent(intent, expand_charge);
        self.changed(id, Some(EventType::Canceled), now);
        Ok(answer)
    }

    /// Lets go of one authorisation before its time.
    pub fn expire_one(&mut self, id: &str, now: UnixSeconds) {
        let authorised = |intent: &&mut Intent| intent.status == IntentStatus::RequiresCapture;
        if let Some(intent) = self.intents.get_mut(id).filter(authorised) {
            intent.release(now, Some("automatic".into()));
            self.changed(id, Some(EventType::Canceled), now);
        }
    }

    /// Releases every expired authorisation, as the card network does.
    pub fn expire(&mut self, now: UnixSeconds) {
        let mut expired = Vec::new();
        for intent in self.intents.values_mut() {
            let has_run_out = matches!(
                intent.charge,
                Some(Charge { state: ChargeState::Held { ends_at, .. }, .. }) if ends_at <= now
            );
            if has_run_out {
                intent.release(now, Some("automatic".into()));
                expired.push(intent.id.clone());
            }
        }
        for id in expired {
            self.changed(&id, Some(EventType::Canceled), now);
        }
    }
}
