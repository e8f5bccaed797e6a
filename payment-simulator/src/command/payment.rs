//! The parameters of a new payment.

use std::collections::BTreeMap;

use super::super::answer::Problem;
use super::fields::{Fields, missing};

/// When the money is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaptureMethod {
    /// With the authorisation.
    Automatic,
    /// Later, by a capture.
    Manual,
}

/// The parameters of a new payment.
#[derive(Debug, Clone, PartialEq)]
pub struct Create {
    /// Minor units.
    pub amount: u64,
    /// ISO 4217, lower case.
    pub currency: String,
    /// Test token of the card.
    pub payment_method: Option<String>,
    /// Whose the card is, where it is somebody's that the gateway knows.
    pub customer: Option<String>,
    /// Allowed kinds of payment method.
    pub payment_method_types: Vec<String>,
    /// When the money is taken.
    pub capture_method: CaptureMethod,
    /// Whether the issuer is asked at once.
    pub confirm: bool,
    /// Whether a card that needs 3-D Secure counts as declined.
    pub error_on_requires_action: bool,
    /// The caller's labels.
    pub metadata: BTreeMap<String, String>,
    /// The caller's description.
    pub description: Option<String>,
    /// Where Stripe would send a receipt.
    pub receipt_email: Option<String>,
    /// Whether `latest_charge` is answered as an object.
    pub expand_charge: bool,
}

/// Stripe's largest charge, in minor units.
const LARGEST_AMOUNT: u64 = 99_999_999;

/// Stripe's smallest charge in a currency, in minor units.
fn smallest_amount(currency: &str) -> Option<u64> {
    match currency {
        "gbp" => Some(30),
        "eur" | "usd" => Some(50),
        _ => None,
    }
}

/// Reads them.
pub(super) fn create(fields: &mut Fields, expand_charge: bool) -> Result<Create, Problem> {
    let amount = fields.amount("amount")?.ok_or_else(|| missing("amount"))?;
    let currency = fields.take("currency").ok_or_else(|| missing("currency"))?.to_ascii_lowercase();
    let smallest = smallest_amount(&currency).ok_or_else(|| {
        Problem::invalid_request(format!("Invalid currency: {currency}. The simulator supports eur, gbp and usd."))
    })?;
    if amount < smallest {
        let message = format!("Amount must be at least {smallest} minor units of {currency}.");
        return Err(Problem::parameter("amount_too_small", "amount", message));
    }
    if amount > LARGEST_AMOUNT {
        return Err(Problem::parameter("amount_too_large", "amount", "Amount must be no more than 99999999."));
    }
    let capture_method = match fields.choice("capture_method", &["automatic", "automatic_async", "manual"])? {
        Some(method) if method == "manual" => CaptureMethod::Manual,
        _ => CaptureMethod::Automatic,
    };
    let payment_method_types = match fields.take_list("payment_method_types") {
        types if types.is_empty() => vec!["card".to_owned()],
        types => types,
    };
    if let Some(other) = payment_method_types.iter().find(|kind| *kind != "card") {
        let message = format!("The payment method type \"{other}\" is invalid: the simulator knows card only.");
        return Err(Problem::parameter("parameter_invalid", "payment_method_types", message));
    }
    let confirm = fields.boolean("confirm")?.unwrap_or(false);
    let error_on_requires_action = fields.boolean("error_on_requires_action")?;
    if error_on_requires_action.is_some() && !confirm {
        let message = "The parameter `error_on_requires_action` may only be used with `confirm=true`.";
        return Err(Problem::parameter("parameter_invalid", "error_on_requires_action", message));
    }
    let payment_method = fields.take("payment_method");
    // Changes how the issuer sees the request, which no test card minds.
    if fields.boolean("off_session")?.is_some() && !confirm {
        let message = "The parameter `off_session` may only be used with `confirm=true`.";
        return Err(Problem::parameter("parameter_invalid", "off_session", message));
    }
    if confirm && payment_method.is_none() {
        let message = "You cannot confirm this PaymentIntent because it's missing a payment method.";
        return Err(Problem::parameter("parameter_missing", "payment_method", message));
    }
    Ok(Create {
        amount,
        currency,
        payment_method,
        customer: fields.take("customer"),
        payment_method_types,
        capture_method,
        confirm,
        error_on_requires_action: error_on_requires_action.unwrap_or(false),
        metadata: fields.take_map("metadata"),
        description: fields.take("description"),
        receipt_email: fields.take("receipt_email"),
        expand_charge,
    })
}
