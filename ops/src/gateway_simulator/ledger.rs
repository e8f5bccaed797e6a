//! The gateway's books: payments, charges and refunds, and what may happen to them. No I/O and no clock: time is passed
//! in, identifiers come from a counter, so that a test can say exactly what it expects.

use std::collections::BTreeMap;

use super::answer::{Answer, Problem};
use super::command::{CaptureMethod, Command, Create, RefundTarget};
use super::objects;
use super::payment_method::{self, AUTHENTICATION_REQUIRED, Decline, IssuerAnswer, TestCard};

/// A moment, in seconds since 1970.
pub type UnixSeconds = i64;

/// How long an authorisation holds, as for a card payment made by the customer online.
pub const AUTHORISATION_SECONDS: i64 = 7 * 24 * 60 * 60;

/// A payment's state, in Stripe's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntentStatus {
    /// No usable card, or the last one was declined.
    RequiresPaymentMethod,
    /// Has a card, was not confirmed.
    RequiresConfirmation,
    /// The customer has to authenticate.
    RequiresAction,
    /// Money is held.
    RequiresCapture,
    /// Money was taken.
    Succeeded,
    /// Given up, or the hold ran out.
    Canceled,
}

impl IntentStatus {
    /// Stripe's name of the state.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RequiresPaymentMethod => "requires_payment_method",
            Self::RequiresConfirmation => "requires_confirmation",
            Self::RequiresAction => "requires_action",
            Self::RequiresCapture => "requires_capture",
            Self::Succeeded => "succeeded",
            Self::Canceled => "canceled",
        }
    }
}

/// A payment.
#[derive(Debug, Clone)]
pub struct Intent {
    /// `pi_…`
    pub id: String,
    /// Minor units asked for.
    pub amount: u64,
    /// ISO 4217, lower case.
    pub currency: String,
    /// When the money is taken.
    pub capture_method: CaptureMethod,
    /// Test token of the card.
    pub payment_method: Option<TestCard>,
    /// Allowed kinds of payment method.
    pub payment_method_types: Vec<String>,
    /// The caller's labels.
    pub metadata: BTreeMap<String, String>,
    /// The caller's description.
    pub description: Option<String>,
    /// Where Stripe would send a receipt.
    pub receipt_email: Option<String>,
    /// When it was made.
    pub created: UnixSeconds,
    /// Its state.
    pub status: IntentStatus,
    /// The one attempt to charge the card, where there was one.
    pub charge: Option<Charge>,
    /// When and why it was given up.
    pub cancelled: Option<(UnixSeconds, Option<String>)>,
}

/// What became of an attempt to charge a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChargeState {
    /// The issuer refused.
    Failed(Decline),
    /// The issuer holds the amount until this moment.
    Held {
        /// From then on the money can no longer be taken.
        capture_before: UnixSeconds,
    },
    /// Money was taken; a hold's rest was released.
    Captured {
        /// Minor units taken.
        amount: u64,
        /// Minor units of it given back.
        refunded: u64,
    },
    /// The hold was released, nothing was taken.
    Released,
}

/// An attempt to charge a card.
#[derive(Debug, Clone)]
pub struct Charge {
    /// `ch_…`
    pub id: String,
    /// When the issuer was asked.
    pub created: UnixSeconds,
    /// What became of it.
    pub state: ChargeState,
}

/// Money given back.
#[derive(Debug, Clone)]
pub struct Refund {
    /// `re_…`
    pub id: String,
    /// The payment.
    pub intent: String,
    /// Its charge.
    pub charge: String,
    /// Minor units.
    pub amount: u64,
    /// ISO 4217, lower case.
    pub currency: String,
    /// Stripe's reason.
    pub reason: Option<String>,
    /// The caller's labels.
    pub metadata: BTreeMap<String, String>,
    /// When it was made.
    pub created: UnixSeconds,
}

/// Every payment and refund.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    intents: BTreeMap<String, Intent>,
    refunds: Vec<Refund>,
    last_number: u64,
}

impl Ledger {
    /// Executes a command at a moment.
    pub fn execute(&mut self, command: Command, now: UnixSeconds) -> Answer {
        self.expire(now);
        let result = match command {
            Command::Create(create) => self.create(create, now),
            Command::Retrieve { intent, expand_charge } => {
                self.intent(&intent).map(|intent| objects::intent(intent, expand_charge))
            }
            Command::Capture { intent, amount, expand_charge } => self.capture(&intent, amount, expand_charge),
            Command::Cancel { intent, reason, expand_charge } => self.cancel(&intent, reason, expand_charge, now),
            Command::Refund { target, amount, reason, metadata } => self.refund(&target, amount, reason, metadata, now),
        };
        result.map_or_else(Answer::from, Answer::ok)
    }

    /// Every payment, oldest first.
    pub fn intents(&self) -> impl Iterator<Item = &Intent> {
        self.intents.values()
    }

    /// Charges that the issuer approved, by payment: what a double charge would make larger than it should be.
    #[must_use]
    pub fn approved_charges(&self) -> usize {
        self.intents.values().filter_map(|intent| intent.charge.as_ref()).filter(|charge| charge.approved()).count()
    }

    fn create(&mut self, create: Create, now: UnixSeconds) -> Result<serde_json::Value, Problem> {
        let card = match &create.payment_method {
            Some(token) => Some(
                payment_method::find(token)
                    .ok_or_else(|| Problem::no_such("PaymentMethod", token, "payment_method"))?,
            ),
            None => None,
        };
        let number = self.next_number();
        let mut intent = Intent {
            id: identifier("pi", number),
            amount: create.amount,
            currency: create.currency,
            capture_method: create.capture_method,
            payment_method: card,
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
                intent.approve(number, now);
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
        self.intents.insert(intent.id.clone(), intent);
        result
    }

    fn capture(&mut self, id: &str, amount: Option<u64>, expand_charge: bool) -> Result<serde_json::Value, Problem> {
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
        Ok(objects::intent(intent, expand_charge))
    }

    fn cancel(
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
        Ok(objects::intent(intent, expand_charge))
    }

    fn refund(
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
        self.refunds.push(refund);
        Ok(answer)
    }

    /// Lets go of every hold that has run out, as the card network does.
    fn expire(&mut self, now: UnixSeconds) {
        for intent in self.intents.values_mut() {
            let expired = matches!(
                intent.charge,
                Some(Charge { state: ChargeState::Held { capture_before }, .. }) if capture_before <= now
            );
            if expired {
                intent.release(now, Some("automatic".into()));
            }
        }
    }

    fn intent(&self, id: &str) -> Result<&Intent, Problem> {
        self.intents.get(id).ok_or_else(|| Problem::not_found("payment_intent", id, "intent"))
    }

    fn intent_mut(&mut self, id: &str) -> Result<&mut Intent, Problem> {
        self.intents.get_mut(id).ok_or_else(|| Problem::not_found("payment_intent", id, "intent"))
    }

    fn next_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }
}

impl Intent {
    fn approve(&mut self, number: u64, now: UnixSeconds) {
        let (state, status) = match self.capture_method {
            CaptureMethod::Manual => {
                (ChargeState::Held { capture_before: now + AUTHORISATION_SECONDS }, IntentStatus::RequiresCapture)
            }
            CaptureMethod::Automatic => {
                (ChargeState::Captured { amount: self.amount, refunded: 0 }, IntentStatus::Succeeded)
            }
        };
        self.charge = Some(Charge { id: identifier("ch", number), created: now, state });
        self.status = status;
    }

    fn decline(&mut self, number: u64, decline: Decline, now: UnixSeconds) -> String {
        let id = identifier("ch", number);
        self.charge = Some(Charge { id: id.clone(), created: now, state: ChargeState::Failed(decline) });
        self.status = IntentStatus::RequiresPaymentMethod;
        id
    }

    fn release(&mut self, now: UnixSeconds, reason: Option<String>) {
        if let Some(charge) = self.charge.as_mut().filter(|charge| matches!(charge.state, ChargeState::Held { .. })) {
            charge.state = ChargeState::Released;
        }
        self.status = IntentStatus::Canceled;
        self.cancelled = Some((now, reason));
    }

    fn unexpected(&self, verb: &str, needed: &str) -> Problem {
        self.unexpected_because(format!(
            "This PaymentIntent could not be {verb} because it has a status of {}. \
             Only a PaymentIntent with one of the following statuses may be {verb}: {needed}.",
            self.status.name()
        ))
    }

    fn unexpected_because(&self, message: String) -> Problem {
        Problem::unexpected_state(message, objects::intent(self, false))
    }
}

impl Charge {
    /// Whether the issuer approved it, whatever became of the money since.
    #[must_use]
    pub const fn approved(&self) -> bool {
        !matches!(self.state, ChargeState::Failed(_))
    }
}

/// An identifier in Stripe's form, from a counter. Charges, payments and refunds share one counter; their prefixes differ.
fn identifier(prefix: &str, number: u64) -> String {
    format!("{prefix}_simulated{number:010}")
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::command::{Endpoint, parse};
    use super::*;

    const NOW: UnixSeconds = 1_800_000_000;

    fn call(ledger: &mut Ledger, endpoint: &Endpoint, pairs: &[(&str, &str)], now: UnixSeconds) -> Answer {
        let parameters = pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        ledger.execute(parse(endpoint, &parameters).unwrap(), now)
    }

    fn authorise(ledger: &mut Ledger, method: &str) -> Answer {
        call(
            ledger,
            &Endpoint::CreateIntent,
            &[
                ("amount", "1999"),
                ("currency", "gbp"),
                ("payment_method", method),
                ("capture_method", "manual"),
                ("confirm", "true"),
                ("error_on_requires_action", "true"),
                ("expand[]", "latest_charge"),
            ],
            NOW,
        )
    }

    fn id(answer: &Answer) -> String {
        answer.body["id"].as_str().unwrap().to_owned()
    }

    fn code(answer: &Answer) -> &str {
        answer.body["error"]["code"].as_str().unwrap_or_default()
    }

    #[test]
    fn an_approved_card_is_held_for_seven_days() {
        let answer = authorise(&mut Ledger::default(), "pm_card_visa");
        assert_eq!(answer.status, 200);
        assert_eq!(answer.body["status"], "requires_capture");
        assert_eq!(answer.body["amount_capturable"], 1999);
        let card = &answer.body["latest_charge"]["payment_method_details"]["card"];
        assert_eq!(card["capture_before"], NOW + AUTHORISATION_SECONDS);
    }

    #[test]
    fn the_charge_is_an_id_unless_it_is_expanded() {
        let mut ledger = Ledger::default();
        let intent = id(&authorise(&mut ledger, "pm_card_visa"));
        let answer = call(&mut ledger, &Endpoint::RetrieveIntent(intent), &[], NOW);
        assert!(answer.body["latest_charge"].is_string());
    }

    #[test]
    fn a_declined_card_answers_402_with_the_payment_in_the_error() {
        let cases = [
            ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
            ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
            ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
            ("pm_card_authenticationRequired", "authentication_required", "authentication_required"),
        ];
        for (method, expected, decline_code) in cases {
            let mut ledger = Ledger::default();
            let answer = authorise(&mut ledger, method);
            assert_eq!((answer.status, code(&answer)), (402, expected), "{method}");
            let error = &answer.body["error"];
            assert_eq!((&error["type"], &error["decline_code"]), (&"card_error".into(), &decline_code.into()));
            assert_eq!(error["payment_intent"]["status"], "requires_payment_method");
            assert_eq!(error["payment_intent"]["last_payment_error"]["decline_code"], decline_code);
            assert_eq!(ledger.approved_charges(), 0);
        }
    }

    #[test]
    fn a_card_that_needs_authentication_waits_for_the_customer_unless_that_is_an_error() {
        let answer = call(
            &mut Ledger::default(),
            &Endpoint::CreateIntent,
            &[
                ("amount", "1999"),
                ("currency", "gbp"),
                ("payment_method", "pm_card_authenticationRequired"),
                ("confirm", "true"),
            ],
            NOW,
        );
        assert_eq!((answer.status, &answer.body["status"]), (200, &"requires_action".into()));
        assert!(answer.body["next_action"].is_object());
    }

    #[test]
    fn an_unknown_payment_method_is_refused_and_makes_no_payment() {
        let mut ledger = Ledger::default();
        let answer = authorise(&mut ledger, "pm_nonsense");
        assert_eq!((answer.status, code(&answer)), (400, "resource_missing"));
        assert_eq!(answer.body["error"]["param"], "payment_method");
        assert_eq!(ledger.intents().count(), 0);
    }

    #[test]
    fn a_partial_capture_releases_the_rest_and_can_be_refunded_once() {
        let mut ledger = Ledger::default();
        let intent = id(&authorise(&mut ledger, "pm_card_visa"));
        let capture = Endpoint::CaptureIntent(intent.clone());
        let answer = call(&mut ledger, &capture, &[("amount_to_capture", "1500")], NOW);
        assert_eq!((&answer.body["status"], &answer.body["amount_received"]), (&"succeeded".into(), &1500.into()));
        assert_eq!(answer.body["amount_capturable"], 0);

        let again = call(&mut ledger, &capture, &[], NOW);
        assert_eq!((again.status, code(&again)), (400, "payment_intent_unexpected_state"));

        let refund = [("payment_intent", intent.as_str()), ("amount", "1500")];
        let answer = call(&mut ledger, &Endpoint::CreateRefund, &refund, NOW);
        assert_eq!((answer.status, &answer.body["amount"]), (200, &Value::from(1500)));
        let again = call(&mut ledger, &Endpoint::CreateRefund, &refund, NOW);
        assert_eq!((again.status, code(&again)), (400, "charge_already_refunded"));
    }

    #[test]
    fn no_more_than_what_is_held_can_be_captured_and_no_more_than_what_was_taken_refunded() {
        let mut ledger = Ledger::default();
        let intent = id(&authorise(&mut ledger, "pm_card_visa"));
        let capture = Endpoint::CaptureIntent(intent.clone());
        assert_eq!(code(&call(&mut ledger, &capture, &[("amount_to_capture", "2000")], NOW)), "amount_too_large");
        call(&mut ledger, &capture, &[], NOW);
        let refund = [("payment_intent", intent.as_str()), ("amount", "2000")];
        assert_eq!(code(&call(&mut ledger, &Endpoint::CreateRefund, &refund, NOW)), "amount_too_large");
    }

    #[test]
    fn a_cancelled_payment_releases_the_money_and_can_no_longer_be_captured() {
        let mut ledger = Ledger::default();
        let intent = id(&authorise(&mut ledger, "pm_card_visa"));
        let answer = call(&mut ledger, &Endpoint::CancelIntent(intent.clone()), &[], NOW);
        assert_eq!((&answer.body["status"], &answer.body["amount_capturable"]), (&"canceled".into(), &0.into()));
        let late = call(&mut ledger, &Endpoint::CaptureIntent(intent), &[], NOW);
        assert_eq!(code(&late), "payment_intent_unexpected_state");
    }

    #[test]
    fn a_hold_that_has_run_out_is_cancelled_by_the_network() {
        let mut ledger = Ledger::default();
        let intent = id(&authorise(&mut ledger, "pm_card_visa"));
        let late = NOW + AUTHORISATION_SECONDS;
        let answer = call(&mut ledger, &Endpoint::RetrieveIntent(intent.clone()), &[], late);
        assert_eq!(answer.body["status"], "canceled");
        assert_eq!(answer.body["cancellation_reason"], "automatic");
        let capture = call(&mut ledger, &Endpoint::CaptureIntent(intent), &[], late);
        assert_eq!(code(&capture), "payment_intent_unexpected_state");
    }

    #[test]
    fn an_unknown_payment_is_404() {
        let answer = call(&mut Ledger::default(), &Endpoint::RetrieveIntent("pi_no".into()), &[], NOW);
        assert_eq!((answer.status, code(&answer)), (404, "resource_missing"));
    }
}
