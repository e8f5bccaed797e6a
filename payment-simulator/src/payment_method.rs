//! Stripe's test payment methods: the token decides how the card's issuer answers.

/// What the issuer of a test card answers to an authorisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IssuerAnswer {
    /// The amount is held.
    Approved,
    /// The amount is refused.
    Declined(Decline),
    /// The customer has to prove who they are (3-D Secure) before the amount can be held.
    AuthenticationRequired,
}

/// A refusal, in Stripe's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decline {
    /// Stripe's error code.
    pub code: &'static str,
    /// The issuer's reason.
    pub decline_code: &'static str,
    /// What Stripe tells the cardholder.
    pub message: &'static str,
}

/// A test card, as far as a charge shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TestCard {
    /// The token: `pm_card_…`.
    pub token: &'static str,
    /// Card network.
    pub brand: &'static str,
    /// Last four digits of the card number.
    pub last4: &'static str,
    /// What its issuer answers.
    pub answer: IssuerAnswer,
    /// Whether its bank sends back what is refunded, after the refund was said to have succeeded.
    pub refunds_come_back: bool,
}

/// The refusal of a payment that needs 3-D Secure, when the caller cannot offer it.
pub const AUTHENTICATION_REQUIRED: Decline = Decline {
    code: "authentication_required",
    decline_code: "authentication_required",
    message: "Your card was declined. This transaction requires authentication.",
};

const GENERIC: Decline =
    Decline { code: "card_declined", decline_code: "generic_decline", message: "Your card was declined." };

const fn approved(token: &'static str, brand: &'static str, last4: &'static str) -> TestCard {
    TestCard { token, brand, last4, answer: IssuerAnswer::Approved, refunds_come_back: false }
}

const fn declined(token: &'static str, last4: &'static str, decline: Decline) -> TestCard {
    TestCard { answer: IssuerAnswer::Declined(decline), ..approved(token, "visa", last4) }
}

const CARDS: &[TestCard] = &[
    approved("pm_card_visa", "visa", "4242"),
    approved("pm_card_visa_debit", "visa", "5556"),
    approved("pm_card_mastercard", "mastercard", "4444"),
    approved("pm_card_amex", "amex", "8431"),
    declined("pm_card_chargeDeclined", "0002", GENERIC),
    declined("pm_card_visa_chargeDeclined", "0002", GENERIC),
    declined(
        "pm_card_chargeDeclinedInsufficientFunds",
        "9995",
        Decline { decline_code: "insufficient_funds", message: "Your card has insufficient funds.", ..GENERIC },
    ),
    declined("pm_card_chargeDeclinedLostCard", "9987", Decline { decline_code: "lost_card", ..GENERIC }),
    declined("pm_card_chargeDeclinedStolenCard", "9979", Decline { decline_code: "stolen_card", ..GENERIC }),
    declined(
        "pm_card_chargeDeclinedExpiredCard",
        "0069",
        Decline { code: "expired_card", decline_code: "expired_card", message: "Your card has expired." },
    ),
    declined(
        "pm_card_chargeDeclinedProcessingError",
        "0119",
        Decline {
            code: "processing_error",
            decline_code: "processing_error",
            message: "An error occurred while processing your card. Try again in a little bit.",
        },
    ),
    TestCard {
        answer: IssuerAnswer::AuthenticationRequired,
        ..approved("pm_card_authenticationRequired", "visa", "3184")
    },
    TestCard { refunds_come_back: true, ..approved("pm_card_refundFail", "visa", "5126") },
];

/// What Stripe says to a second use of a card that belongs to no customer. The error has no code.
pub const USED_UP: &str = "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment. \
    It may not be used again. To use a PaymentMethod multiple times, you must attach it to a Customer first.";

/// Whether a token is of a card that was collected at a checkout, `pm_1…`: such a one can be used once, unless it belongs to
/// a customer. Stripe's test tokens are not used up.
#[must_use]
pub fn is_single_use(token: &str) -> bool {
    token.starts_with("pm_1")
}

/// The test card behind a token, where there is one.
#[must_use]
pub fn find(token: &str) -> Option<TestCard> {
    let token = if is_single_use(token) { "pm_card_visa" } else { token };
    CARDS.iter().copied().find(|card| card.token == token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_token_is_listed_once() {
        for card in CARDS {
            assert_eq!(CARDS.iter().filter(|other| other.token == card.token).count(), 1, "{}", card.token);
        }
    }

    #[test]
    fn an_unknown_token_has_no_card() {
        assert_eq!(find("pm_card_unheard_of"), None);
    }
}
