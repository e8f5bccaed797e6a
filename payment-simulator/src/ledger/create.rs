//! A new payment, confirmed at once where the request asks for it.

use super::super::answer::Problem;
use super::super::command::Create;
use super::super::objects;
use super::super::payment_method::{self, AUTHENTICATION_REQUIRED, IssuerAnswer};
use super::identifier::identifier;
use super::{EventType, Intent, IntentStatus, Ledger, UnixSeconds};

impl Ledger {
    pub(super) fn create(&mut self, create: Create, now: UnixSeconds) -> Result<serde_json::Value, Problem> {
        let card = match &create.payment_method {
            Some(token) => Some(
                payment_method::find(token)
                    .ok_or_else(|| Problem::no_such("PaymentMethod", token, "payment_method"))?,
            ),
            None => None,
        };
        if let Some(token) = create.payment_method.as_deref().filter(|token| payment_method::is_single_use(token))
            && create.confirm
            && create.customer.is_none()
            && !self.used_up.insert(token.to_owned())
        {
            return Err(Problem::invalid_request(payment_method::USED_UP));
        }
        let number = self.next_number();
        let mut intent = Intent {
            id: identifier("pi", number),
            amount: create.amount,
            currency: create.currency,
            capture_method: create.capture_method,
            payment_method: card,
            customer: create.customer,
            payment_method_types: create.payment_method_types,
            metadata: create.metadata,
            description: create.description,
            receipt_email: create.receipt_email,
            created: now,
            status: if card.is_some() {
                IntentStatus::RequiresConfirmation
            } else {
                IntentStatus::RequiresPaymentMethod
            },
            charge: None,
            cancelled: None,
        };
        let refusal = match card.filter(|_| create.confirm).map(|card| card.answer) {
            None => None,
            Some(IssuerAnswer::Approved) => {
                intent.approve(number, self.terms, now);
                None
            }
            Some(IssuerAnswer::Declined(decline)) => Some(decline),
            Some(IssuerAnswer::AuthenticationRequired) if create.error_on_requires_action => {
                Some(AUTHENTICATION_REQUIRED)
            }
            Some(IssuerAnswer::AuthenticationRequired) => {
                intent.status = IntentStatus::RequiresAction;
                None
            }
        };
        let result = match refusal {
            None => Ok(objects::intent(&intent, create.expand_charge)),
            Some(decline) => {
                let charge = intent.decline(number, decline, now);
                Err(Problem::declined(decline, &charge, objects::intent(&intent, false)))
            }
        };
        let event_type = match (intent.status, refusal) {
            (_, Some(_)) => Some(EventType::PaymentFailed),
            (IntentStatus::RequiresCapture, None) => Some(EventType::AmountCapturableUpdated),
            (IntentStatus::Succeeded, None) => Some(EventType::Succeeded),
            (IntentStatus::RequiresAction, None) => Some(EventType::RequiresAction),
            _ => None,
        };
        let id = intent.id.clone();
        self.intents.insert(id.clone(), intent);
        self.changed(&id, event_type, now);
        result
    }
}
