//! The refund of a captured charge.

use std::collections::BTreeMap;

use super::super::answer::Problem;
use super::super::command::RefundTarget;
use super::super::objects;
use super::identifier::identifier;
use super::{Charge, ChargeState, EventType, Ledger, Occurrence, Refund, UnixSeconds};

impl Ledger {
    pub(super) fn refund(
        &mut self,
        target: &RefundTarget,
        amount: Option<u64>,
        reason: Option<String>,
        metadata: BTreeMap<String, String>,
        now: UnixSeconds,
    ) -> Result<serde_json::Value, Problem> {
        let number = self.next_number();
        let intent = match target {
            RefundTarget::Intent(id) => {
                self.intents.get_mut(id).ok_or_else(|| Problem::no_such("payment_intent", id, "payment_intent"))?
            }
            RefundTarget::Charge(id) => self
                .intents
                .values_mut()
                .find(|intent| intent.charge.as_ref().is_some_and(|charge| charge.id == *id))
                .ok_or_else(|| Problem::no_such("charge", id, "charge"))?,
        };
        let Some(Charge { id: charge, state: ChargeState::Captured { amount: captured, refunded }, .. }) =
            &mut intent.charge
        else {
            let message = format!("This PaymentIntent ({}) does not have a successful charge to refund.", intent.id);
            return Err(intent.unexpected_because(message));
        };
        let left = *captured - *refunded;
        if left == 0 {
            let message = format!("Charge {charge} has already been refunded.");
            return Err(Problem::parameter("charge_already_refunded", "amount", message));
        }
        let amount = amount.unwrap_or(left);
        if amount > left {
            let message = format!("Refund amount ({amount}) is greater than unrefunded amount on charge ({left}).");
            return Err(Problem::parameter("amount_too_large", "amount", message));
        }
        *refunded += amount;
        let comes_back = intent.payment_method.is_some_and(|card| card.refunds_come_back);
        let refund = Refund {
            id: identifier("re", number),
            intent: intent.id.clone(),
            charge: charge.clone(),
            amount,
            currency: intent.currency.clone(),
            reason,
            metadata,
            created: now,
        };
        let answer = objects::refund(&refund);
        self.changed(&refund.intent, Some(EventType::ChargeRefunded), now);
        if comes_back {
            // Days later, at Stripe. Whether the charge then shows it as not refunded is not documented; here it does not.
            let object = objects::failed_refund(&refund);
            self.occurrences.push(Occurrence { event_type: EventType::RefundFailed, object, at: now });
        }
        self.refunds.push(refund);
        Ok(answer)
    }
}
