//! Form parameters become a typed command here, or a refusal. A parameter that the simulator does not know is refused
//! rather than ignored: a caller must not believe that it had an effect.

mod fields;
mod payment;
mod search;

use std::collections::BTreeMap;

pub use fields::Parameters;
use fields::{Fields, missing};
pub use payment::{CaptureMethod, Create};
pub use search::{Clause, Search};

use super::answer::Problem;

/// An endpoint, and the object that its path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// `POST /v1/payment_intents`
    CreateIntent,
    /// `GET /v1/payment_intents/search`
    SearchIntents,
    /// `GET /v1/payment_intents/{id}`
    RetrieveIntent(String),
    /// `POST /v1/payment_intents/{id}/capture`
    CaptureIntent(String),
    /// `POST /v1/payment_intents/{id}/cancel`
    CancelIntent(String),
    /// `POST /v1/refunds`
    CreateRefund,
}

impl Endpoint {
    /// The endpoint behind a method and a path; `None` where the simulator has no such route.
    #[must_use]
    pub fn of(method: &str, path: &str) -> Option<Self> {
        let rest = path.strip_prefix("/v1/")?;
        let segments: Vec<&str> = rest.split('/').collect();
        match (method, segments.as_slice()) {
            ("POST", ["payment_intents"]) => Some(Self::CreateIntent),
            ("GET", ["payment_intents", "search"]) => Some(Self::SearchIntents),
            ("GET", ["payment_intents", id]) => Some(Self::RetrieveIntent((*id).to_owned())),
            ("POST", ["payment_intents", id, "capture"]) => Some(Self::CaptureIntent((*id).to_owned())),
            ("POST", ["payment_intents", id, "cancel"]) => Some(Self::CancelIntent((*id).to_owned())),
            ("POST", ["refunds"]) => Some(Self::CreateRefund),
            _ => None,
        }
    }

    /// The request as idempotency compares it: equal text is an equal request.
    #[must_use]
    pub fn describe(&self, parameters: &Parameters) -> String {
        let mut sorted: Vec<_> = parameters.iter().collect();
        sorted.sort();
        format!("{self:?} {sorted:?}")
    }

    /// Whether it changes nothing; Stripe ignores the idempotency key of such a request.
    #[must_use]
    pub const fn only_reads(&self) -> bool {
        matches!(self, Self::RetrieveIntent(_) | Self::SearchIntents)
    }
}

/// A request whose parameters are sound.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Makes a payment, and with `confirm` asks the card's issuer.
    Create(Create),
    /// Finds payments.
    Search(Search),
    /// Reads a payment.
    Retrieve {
        /// Payment intent's id.
        intent: String,
        /// Whether `latest_charge` is answered as an object.
        expand_charge: bool,
    },
    /// Takes money that is held.
    Capture {
        /// Payment intent's id.
        intent: String,
        /// Minor units; all that is held when absent.
        amount: Option<u64>,
        /// Whether `latest_charge` is answered as an object.
        expand_charge: bool,
    },
    /// Cancels a payment and releases the authorised amount.
    Cancel {
        /// Payment intent's id.
        intent: String,
        /// Stripe's reason.
        reason: Option<String>,
        /// Whether `latest_charge` is answered as an object.
        expand_charge: bool,
    },
    /// Refunds captured money.
    Refund {
        /// What to refund.
        target: RefundTarget,
        /// Minor units; all that is left when absent.
        amount: Option<u64>,
        /// Stripe's reason.
        reason: Option<String>,
        /// The caller's labels.
        metadata: BTreeMap<String, String>,
    },
}

/// What a refund names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefundTarget {
    /// A payment intent's id.
    Intent(String),
    /// A charge's id.
    Charge(String),
}

/// Reads an endpoint's parameters.
///
/// # Errors
///
/// A [`Problem`] in Stripe's words for the first parameter that is missing, wrong or unknown.
pub fn parse(endpoint: &Endpoint, parameters: &Parameters) -> Result<Command, Problem> {
    let mut fields = Fields::read(parameters)?;
    let expandable = if *endpoint == Endpoint::SearchIntents { "data.latest_charge" } else { "latest_charge" };
    let expand_charge = fields.expands(expandable)?;
    let command = match endpoint {
        Endpoint::CreateIntent => Command::Create(payment::create(&mut fields, expand_charge)?),
        Endpoint::SearchIntents => Command::Search(search(&mut fields, expand_charge)?),
        Endpoint::RetrieveIntent(intent) => Command::Retrieve { intent: intent.clone(), expand_charge },
        Endpoint::CaptureIntent(intent) => {
            Command::Capture { intent: intent.clone(), amount: fields.amount("amount_to_capture")?, expand_charge }
        }
        Endpoint::CancelIntent(intent) => Command::Cancel {
            intent: intent.clone(),
            reason: fields
                .choice("cancellation_reason", &["duplicate", "fraudulent", "requested_by_customer", "abandoned"])?,
            expand_charge,
        },
        Endpoint::CreateRefund => refund(&mut fields)?,
    };
    fields.nothing_left()?;
    Ok(command)
}

fn search(fields: &mut Fields, expand_charge: bool) -> Result<Search, Problem> {
    let query = fields.take("query").ok_or_else(|| missing("query"))?;
    let limit = fields.amount("limit")?.unwrap_or(10);
    let limit = usize::try_from(limit).ok().filter(|limit| *limit <= 100).ok_or_else(|| {
        Problem::parameter("parameter_invalid_integer", "limit", "This value must be less than or equal to 100.")
    })?;
    Ok(Search { clauses: search::clauses(&query)?, limit, expand_charge })
}

fn refund(fields: &mut Fields) -> Result<Command, Problem> {
    let target = match (fields.take("payment_intent"), fields.take("charge")) {
        (Some(intent), None) => RefundTarget::Intent(intent),
        (None, Some(charge)) => RefundTarget::Charge(charge),
        _ => {
            return Err(Problem::invalid_request(
                "One of the following params should be provided: payment_intent or charge.",
            ));
        }
    };
    Ok(Command::Refund {
        target,
        amount: fields.amount("amount")?,
        reason: fields.choice("reason", &["duplicate", "fraudulent", "requested_by_customer"])?,
        metadata: fields.take_map("metadata"),
    })
}

#[cfg(test)]
mod tests {
    use super::super::answer::Answer;
    use super::*;

    fn parameters(pairs: &[(&str, &str)]) -> Parameters {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn refusal(endpoint: &Endpoint, pairs: &[(&str, &str)]) -> (String, String) {
        let answer = Answer::from(parse(endpoint, &parameters(pairs)).unwrap_err());
        assert_eq!(answer.status, 400);
        let error = &answer.body["error"];
        (error["code"].as_str().unwrap_or_default().into(), error["param"].as_str().unwrap_or_default().into())
    }

    #[test]
    fn a_manual_capture_payment_is_read() {
        let command = parse(
            &Endpoint::CreateIntent,
            &parameters(&[
                ("amount", "1999"),
                ("currency", "GBP"),
                ("payment_method", "pm_card_visa"),
                ("payment_method_types[]", "card"),
                ("capture_method", "manual"),
                ("confirm", "true"),
                ("error_on_requires_action", "true"),
                ("metadata[order_id]", "ord-1"),
                ("expand[0]", "latest_charge"),
            ]),
        )
        .unwrap();
        let Command::Create(create) = command else { panic!("{command:?}") };
        assert_eq!((create.amount, create.currency.as_str()), (1999, "gbp"));
        assert_eq!(create.capture_method, CaptureMethod::Manual);
        assert_eq!(create.metadata["order_id"], "ord-1");
        assert!(create.confirm && create.error_on_requires_action && create.expand_charge);
    }

    type Pairs = &'static [(&'static str, &'static str)];

    #[test]
    fn a_bad_parameter_is_refused_with_its_name_and_stripes_code() {
        let create = Endpoint::CreateIntent;
        let cases: &[(Pairs, &str, &str)] = &[
            (&[("currency", "gbp")], "parameter_missing", "amount"),
            (&[("amount", "100")], "parameter_missing", "currency"),
            (&[("amount", "ten"), ("currency", "gbp")], "parameter_invalid_integer", "amount"),
            (&[("amount", "0"), ("currency", "gbp")], "parameter_invalid_integer", "amount"),
            (&[("amount", "29"), ("currency", "gbp")], "amount_too_small", "amount"),
            (&[("amount", "100000000"), ("currency", "gbp")], "amount_too_large", "amount"),
            (&[("amount", "100"), ("currency", "gbp"), ("confirm", "true")], "parameter_missing", "payment_method"),
            (&[("amount", "100"), ("currency", "gbp"), ("confirm", "yes")], "parameter_invalid_boolean", "confirm"),
            (&[("amount", "100"), ("currency", "gbp"), ("colour", "red")], "parameter_unknown", "colour"),
        ];
        for (pairs, code, parameter) in cases {
            assert_eq!(refusal(&create, pairs), ((*code).to_owned(), (*parameter).to_owned()), "{pairs:?}");
        }
    }

    #[test]
    fn equal_requests_are_equal_whatever_the_order_of_their_parameters() {
        let one = parameters(&[("amount", "100"), ("currency", "gbp")]);
        let other = parameters(&[("currency", "gbp"), ("amount", "100")]);
        assert_eq!(Endpoint::CreateIntent.describe(&one), Endpoint::CreateIntent.describe(&other));
        assert_ne!(Endpoint::CreateIntent.describe(&one), Endpoint::CreateRefund.describe(&one));
    }
}
