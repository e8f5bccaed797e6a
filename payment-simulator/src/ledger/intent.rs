//! A payment, and the changes of its state.

use std::collections::BTreeMap;

use super::super::command::CaptureMethod;
use super::super::payment_method::{Decline, TestCard};
use super::charge::{Charge, ChargeState};
use super::identifier::identifier;
use super::time::{AuthorisationTerms, UnixSeconds};

/// A payment's state, in Stripe's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
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
    /// Cancelled, or the authorisation expired.
    Canceled,
}

impl IntentStatus {
    /// Stripe's name of the state.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
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
    /// Whose it is, where the caller said so.
    pub customer: Option<String>,
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
    /// When and why it was cancelled.
    pub cancelled: Option<(UnixSeconds, Option<String>)>,
}

impl Intent {
    pub(super) fn approve(&mut self, number: u64, terms: AuthorisationTerms, now: UnixSeconds) {
        let (state, status) = match self.capture_method {
            CaptureMethod::Manual => {
                let capture_before = terms.promises.map(|seconds| now + seconds);
                (ChargeState::Held { capture_before, ends_at: now + terms.lasts }, IntentStatus::RequiresCapture)
            }
            CaptureMethod::Automatic => {
                (ChargeState::Captured { amount: self.amount, refunded: 0 }, IntentStatus::Succeeded)
            }
        };
        self.charge = Some(Charge { id: identifier("ch", number), created: now, state });
        self.status = status;
    }

    pub(super) fn decline(&mut self, number: u64, decline: Decline, now: UnixSeconds) -> String {
        let id = identifier("ch", number);
        self.charge = Some(Charge { id: id.clone(), created: now, state: ChargeState::Failed(decline) });
        self.status = IntentStatus::RequiresPaymentMethod;
        id
    }

    pub(super) fn release(&mut self, now: UnixSeconds, reason: Option<String>) {
        if let Some(charge) = self.charge.as_mut().filter(|charge| matches!(charge.state, ChargeState::Held { .. })) {
            charge.state = ChargeState::Released;
        }
        self.status = IntentStatus::Canceled;
        self.cancelled = Some((now, reason));
    }
}
