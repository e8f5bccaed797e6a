//! Payments, charges and refunds as Stripe's JSON objects, with the fields that its OpenAPI document requires.

use serde_json::{Value, json};

use super::command::CaptureMethod;
use super::ledger::{Charge, ChargeState, Intent, IntentStatus, Refund};
use super::payment_method::{Decline, TestCard};

/// A payment; its charge as an object with `expand_charge`, as an id otherwise.
#[must_use]
pub fn intent(intent: &Intent, expand_charge: bool) -> Value {
    let (capturable, received) = match intent.charge.as_ref().map(|charge| charge.state) {
        Some(ChargeState::Held { .. }) => (intent.amount, 0),
        Some(ChargeState::Captured { amount, .. }) => (0, amount),
        _ => (0, 0),
    };
    let latest_charge = match &intent.charge {
        None => Value::Null,
        Some(latest) if expand_charge => charge(intent, latest),
        Some(latest) => latest.id.clone().into(),
    };
    let next_action = (intent.status == IntentStatus::RequiresAction)
        .then(|| json!({ "type": "use_stripe_sdk", "use_stripe_sdk": { "type": "three_d_secure_redirect" } }));
    let last_payment_error = match intent.charge.as_ref() {
        Some(Charge { id, state: ChargeState::Failed(decline), .. }) => payment_error(*decline, id),
        _ => Value::Null,
    };
    let (canceled_at, cancellation_reason) = match &intent.cancelled {
        Some((when, reason)) => (Some(*when), reason.clone()),
        None => (None, None),
    };
    let mut object = json!({
        "id": intent.id,
        "object": "payment_intent",
        "amount": intent.amount,
        "amount_capturable": capturable,
        "amount_details": { "tip": {} },
        "amount_received": received,
        "canceled_at": canceled_at,
        "cancellation_reason": cancellation_reason,
        "capture_method": match intent.capture_method {
            CaptureMethod::Automatic => "automatic_async",
            CaptureMethod::Manual => "manual",
        },
        "client_secret": format!("{}_secret_simulated", intent.id),
        "confirmation_method": "automatic",
        "created": intent.created,
        "currency": intent.currency,
        "customer": intent.customer,
        "description": intent.description,
        "last_payment_error": last_payment_error,
        "latest_charge": latest_charge,
        "livemode": false,
        "metadata": intent.metadata,
        "next_action": next_action,
        "payment_method": intent.payment_method.map(|card| card.token),
        "payment_method_options": { "card": {
            "installments": null, "mandate_options": null, "network": null, "request_three_d_secure": "automatic",
        } },
        "payment_method_types": intent.payment_method_types,
        "receipt_email": intent.receipt_email,
        "status": intent.status.name(),
    });
    leave_empty(&mut object, &INTENT_FIELDS_WITHOUT_VALUE);
    object
}

/// Fields of a payment that Stripe always sends and that have no value here.
const INTENT_FIELDS_WITHOUT_VALUE: [&str; 16] = [
    "allowed_payment_method_types",
    "application",
    "application_fee_amount",
    "automatic_payment_methods",
    "customer_account",
    "excluded_payment_method_types",
    "on_behalf_of",
    "payment_method_configuration_details",
    "processing",
    "review",
    "setup_future_usage",
    "shipping",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_data",
    "transfer_group",
];

fn leave_empty(object: &mut Value, fields: &[&str]) {
    for field in fields {
        object[field] = Value::Null;
    }
}

/// A refund.
#[must_use]
pub fn refund(refund: &Refund) -> Value {
    json!({
        "id": refund.id,
        "object": "refund",
        "amount": refund.amount,
        "balance_transaction": null,
        "charge": refund.charge,
        "created": refund.created,
        "currency": refund.currency,
        "customer": null,
        "destination_details": { "card": { "type": "reversal" }, "type": "card" },
        "metadata": refund.metadata,
        "payment_intent": refund.intent,
        "payment_method": null,
        "reason": refund.reason,
        "receipt_number": null,
        "source_transfer_reversal": null,
        "status": "succeeded",
        "transfer_reversal": null,
    })
}

/// A refund whose money came back from the customer's bank.
#[must_use]
pub fn failed_refund(of: &Refund) -> Value {
    let mut object = refund(of);
    object["status"] = "failed".into();
    object["failure_reason"] = "expired_or_canceled_card".into();
    object["failure_balance_transaction"] = "txn_simulated".into();
    object
}

fn payment_error(decline: Decline, charge: &str) -> Value {
    json!({
        "type": "card_error",
        "code": decline.code,
        "decline_code": decline.decline_code,
        "message": decline.message,
        "charge": charge,
    })
}

/// A charge of a payment.
#[must_use]
pub fn charge(intent: &Intent, charge: &Charge) -> Value {
    let (captured, refunded) = match charge.state {
        ChargeState::Captured { amount, refunded } => (amount, refunded),
        // Stripe shows a released hold as a charge that was refunded in full.
        ChargeState::Released => (0, intent.amount),
        ChargeState::Held { .. } | ChargeState::Failed(_) => (0, 0),
    };
    let taken = matches!(charge.state, ChargeState::Captured { .. });
    let failure = match charge.state {
        ChargeState::Failed(decline) => Some(decline),
        _ => None,
    };
    let mut object = json!({
        "id": charge.id,
        "object": "charge",
        "amount": intent.amount,
        "amount_captured": captured,
        "amount_refunded": refunded,
        "billing_details": billing_details(),
        "captured": taken,
        "created": charge.created,
        "currency": intent.currency,
        "description": intent.description,
        "disputed": false,
        "failure_code": failure.map(|decline| decline.code),
        "failure_message": failure.map(|decline| decline.message),
        "fraud_details": {},
        "livemode": false,
        "metadata": intent.metadata,
        "outcome": outcome(failure),
        "paid": failure.is_none(),
        "payment_intent": intent.id,
        "payment_method": intent.payment_method.map(|card| card.token),
        "payment_method_details": intent.payment_method.map(|card| payment_method_details(intent, charge, card)),
        "receipt_email": intent.receipt_email,
        "refunded": refunded > 0 && (refunded == captured || !taken),
        "status": if failure.is_some() { "failed" } else { "succeeded" },
    });
    leave_empty(&mut object, &CHARGE_FIELDS_WITHOUT_VALUE);
    object
}

/// Fields of a charge that Stripe always sends and that have no value here.
const CHARGE_FIELDS_WITHOUT_VALUE: [&str; 17] = [
    "application",
    "application_fee",
    "application_fee_amount",
    "balance_transaction",
    "calculated_statement_descriptor",
    "customer",
    "failure_balance_transaction",
    "on_behalf_of",
    "receipt_number",
    "receipt_url",
    "review",
    "shipping",
    "source_transfer",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_data",
    "transfer_group",
];

fn billing_details() -> Value {
    let address = json!({
        "city": null, "country": null, "line1": null, "line2": null, "postal_code": null, "state": null,
    });
    json!({ "address": address, "email": null, "name": null, "phone": null, "tax_id": null })
}

fn outcome(failure: Option<Decline>) -> Value {
    let (network_status, message, kind) = if failure.is_some() {
        ("declined_by_network", "The bank did not return any further details.", "issuer_declined")
    } else {
        ("approved_by_network", "Payment complete.", "authorized")
    };
    json!({
        "advice_code": null,
        "network_advice_code": null,
        "network_decline_code": null,
        "network_status": network_status,
        "reason": failure.map(|decline| decline.decline_code),
        "risk_level": "normal",
        "seller_message": message,
        "type": kind,
    })
}

fn payment_method_details(intent: &Intent, charge: &Charge, card: TestCard) -> Value {
    let mut details = json!({
        "amount_authorized": intent.amount,
        "authorization_code": null,
        "brand": card.brand,
        "checks": { "address_line1_check": null, "address_postal_code_check": null, "cvc_check": "pass" },
        "country": "GB",
        "exp_month": 12,
        "exp_year": 2034,
        "extended_authorization": { "status": "disabled" },
        "fingerprint": format!("simulated{}", card.last4),
        "funding": "credit",
        "incremental_authorization": { "status": "unavailable" },
        "installments": null,
        "last4": card.last4,
        "mandate": null,
        "multicapture": { "status": "unavailable" },
        "network": card.brand,
        "network_transaction_id": null,
        "network_token": { "used": false },
        "overcapture": { "maximum_amount_capturable": intent.amount, "status": "unavailable" },
        "regulated_status": "unregulated",
        "three_d_secure": null,
        "wallet": null,
    });
    if let ChargeState::Held { capture_before: Some(capture_before), .. } = charge.state {
        details["capture_before"] = capture_before.into();
    }
    json!({ "type": "card", "card": details })
}
