//! Stripe's objects, as far as they are used.

use std::collections::BTreeMap;

use order_domain::order::Authorisation;
use order_domain::time::Timestamp;
use serde::Deserialize;

use super::transport::Reply;
use crate::failure::Failure;

/// The label of a payment that names its order.
pub const ORDER_LABEL: &str = "orderId";

/// The parameter that sets it.
pub const ORDER_METADATA: &str = "metadata[orderId]";

/// The label of a payment that names the environment of its order, and the parameter that sets it.
pub const ENVIRONMENT_LABEL: &str = "environment";
/// As [`ORDER_METADATA`].
pub const ENVIRONMENT_METADATA: &str = "metadata[environment]";

/// The label of a payment that says which attempt of its order it is.
pub const ATTEMPT_LABEL: &str = "attempt";

/// A payment.
#[derive(Debug, Deserialize)]
pub struct PaymentIntent {
    /// `pi_…`
    pub id: String,
    /// Its state, in Stripe's words.
    pub status: String,
    /// Minor units.
    #[serde(default)]
    pub amount: u64,
    /// ISO 4217, lower case.
    #[serde(default)]
    pub currency: String,
    /// When it was made, in seconds since 1970.
    #[serde(default)]
    pub created: i64,
    /// Our labels.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
    latest_charge: Option<Charge>,
}

/// A charge, where it is expanded.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Charge {
    Expanded {
        payment_method_details: Option<Details>,
        #[serde(default)]
        amount_refunded: u64,
    },
    // Only its id: the answer was not expanded, so it says nothing of `capture_before`.
    Id(#[expect(dead_code, reason = "names the form of the answer")] String),
}

#[derive(Debug, Deserialize)]
struct Details {
    card: Option<Card>,
}

#[derive(Debug, Deserialize)]
struct Card {
    capture_before: Option<i64>,
}

/// A refund.
#[derive(Debug, Deserialize)]
pub struct Refund {
    /// Its state, in Stripe's words.
    pub status: Option<String>,
}

/// Stripe's error, instead of an object.
#[derive(Debug, Default, Deserialize)]
pub struct StripeError {
    /// Its class, such as `card_error`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// The error's code.
    pub code: Option<String>,
    /// The issuer's reason.
    pub decline_code: Option<String>,
    /// The error's text for people. It can have personal data, so it is only compared.
    pub message: Option<String>,
    /// The parameter that is wrong.
    pub param: Option<String>,
    /// The payment that it is about.
    pub payment_intent: Option<PaymentIntent>,
}

#[derive(Debug, Deserialize)]
struct ErrorBody {
    error: StripeError,
}

impl PaymentIntent {
    /// The payment of a success.
    pub fn of(reply: &Reply, what: &str) -> Result<Self, Failure> {
        serde_json::from_slice(&reply.body).map_err(|error| Failure::transient(what, error))
    }

    /// The authorisation of an attempt, in the form that an order stores.
    pub fn into_authorisation(self, attempt: u32) -> Authorisation {
        let card = match self.latest_charge {
            Some(Charge::Expanded { payment_method_details: Some(details), .. }) => details.card,
            _ => None,
        };
        let capture_before =
            card.and_then(|card| card.capture_before).and_then(|seconds| Timestamp::from_unix_seconds(seconds).ok());
        Authorisation { payment_intent: self.id, attempt, capture_before }
    }

    /// The refunded sum in minor units; 0 if the charge is not expanded.
    pub const fn refunded(&self) -> Option<u64> {
        match &self.latest_charge {
            Some(Charge::Expanded { amount_refunded, .. }) => Some(*amount_refunded),
            _ => None,
        }
    }

    /// Which attempt of its order it is; the first has no label.
    pub fn attempt(&self) -> u32 {
        self.metadata.get(ATTEMPT_LABEL).and_then(|attempt| attempt.parse().ok()).unwrap_or(1)
    }
}

impl StripeError {
    /// The error of a reply; without any code where it is none of Stripe's.
    pub fn of(reply: &Reply) -> Self {
        serde_json::from_slice::<ErrorBody>(&reply.body).map(|body| body.error).unwrap_or_default()
    }
}
