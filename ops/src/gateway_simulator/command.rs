//! Form parameters become a typed command here, or a refusal. A parameter that the simulator does not know is refused
//! rather than ignored: a caller must not believe that it had an effect.

use std::collections::BTreeMap;

use super::answer::Problem;

/// Form parameters in the order in which they were sent.
pub type Parameters = Vec<(String, String)>;

/// An endpoint, and the object that its path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// `POST /v1/payment_intents`
    CreateIntent,
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
    /// The request as idempotency compares it: equal text is an equal request.
    #[must_use]
    pub fn describe(&self, parameters: &Parameters) -> String {
        let mut sorted: Vec<_> = parameters.iter().collect();
        sorted.sort();
        format!("{self:?} {sorted:?}")
    }
}

/// When the money is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaptureMethod {
    /// With the authorisation.
    Automatic,
    /// Later, by a capture.
    Manual,
}

/// A request whose parameters are sound.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Makes a payment, and with `confirm` asks the card's issuer.
    Create(Create),
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
    /// Gives up a payment and releases what is held.
    Cancel {
        /// Payment intent's id.
        intent: String,
        /// Stripe's reason.
        reason: Option<String>,
        /// Whether `latest_charge` is answered as an object.
        expand_charge: bool,
    },
    /// Gives captured money back.
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

/// The parameters of a new payment.
#[derive(Debug, Clone, PartialEq)]
pub struct Create {
    /// Minor units.
    pub amount: u64,
    /// ISO 4217, lower case.
    pub currency: String,
    /// Test token of the card.
    pub payment_method: Option<String>,
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

/// Reads an endpoint's parameters.
///
/// # Errors
///
/// A [`Problem`] in Stripe's words for the first parameter that is missing, wrong or unknown.
pub fn parse(endpoint: &Endpoint, parameters: &Parameters) -> Result<Command, Problem> {
    let mut fields = Fields::read(parameters)?;
    let expand_charge = fields.expands_charge()?;
    let command = match endpoint {
        Endpoint::CreateIntent => Command::Create(create(&mut fields, expand_charge)?),
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

fn create(fields: &mut Fields, expand_charge: bool) -> Result<Create, Problem> {
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
    if confirm && payment_method.is_none() {
        let message = "You cannot confirm this PaymentIntent because it's missing a payment method.";
        return Err(Problem::parameter("parameter_missing", "payment_method", message));
    }
    Ok(Create {
        amount,
        currency,
        payment_method,
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

const LARGEST_AMOUNT: u64 = 99_999_999;

/// Stripe's smallest charge in a currency, in minor units.
fn smallest_amount(currency: &str) -> Option<u64> {
    match currency {
        "gbp" => Some(30),
        "eur" | "usd" => Some(50),
        _ => None,
    }
}

fn missing(parameter: &str) -> Problem {
    Problem::parameter("parameter_missing", parameter, format!("Missing required param: {parameter}."))
}

/// Parameters by their base name: `a`, `a[b]`, `a[]` and `a[0]`.
struct Fields {
    scalars: BTreeMap<String, String>,
    maps: BTreeMap<String, BTreeMap<String, String>>,
    lists: BTreeMap<String, Vec<String>>,
}

impl Fields {
    fn read(parameters: &Parameters) -> Result<Self, Problem> {
        let mut fields = Self { scalars: BTreeMap::new(), maps: BTreeMap::new(), lists: BTreeMap::new() };
        for (name, value) in parameters {
            match name.split_once('[') {
                None => {
                    fields.scalars.insert(name.clone(), value.clone());
                }
                Some((base, rest)) => {
                    let Some(inner) = rest.strip_suffix(']').filter(|inner| !inner.contains(['[', ']'])) else {
                        return Err(unknown(name));
                    };
                    if inner.bytes().all(|byte| byte.is_ascii_digit()) {
                        fields.lists.entry(base.to_owned()).or_default().push(value.clone());
                    } else {
                        fields.maps.entry(base.to_owned()).or_default().insert(inner.to_owned(), value.clone());
                    }
                }
            }
        }
        Ok(fields)
    }

    /// A parameter's value; Stripe treats an empty one as absent.
    fn take(&mut self, name: &str) -> Option<String> {
        self.scalars.remove(name).filter(|value| !value.is_empty())
    }

    fn take_list(&mut self, name: &str) -> Vec<String> {
        self.lists.remove(name).unwrap_or_default()
    }

    fn take_map(&mut self, name: &str) -> BTreeMap<String, String> {
        self.maps.remove(name).unwrap_or_default()
    }

    fn amount(&mut self, name: &str) -> Result<Option<u64>, Problem> {
        let Some(text) = self.take(name) else { return Ok(None) };
        match text.parse::<u64>() {
            Ok(amount) if amount > 0 => Ok(Some(amount)),
            Ok(_) => {
                let message = "This value must be greater than or equal to 1.";
                Err(Problem::parameter("parameter_invalid_integer", name, message))
            }
            Err(_) => Err(Problem::parameter("parameter_invalid_integer", name, format!("Invalid integer: {text}"))),
        }
    }

    fn boolean(&mut self, name: &str) -> Result<Option<bool>, Problem> {
        match self.take(name).as_deref() {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(text) => {
                Err(Problem::parameter("parameter_invalid_boolean", name, format!("Invalid boolean: {text}")))
            }
        }
    }

    fn choice(&mut self, name: &str, allowed: &[&str]) -> Result<Option<String>, Problem> {
        match self.take(name) {
            Some(value) if !allowed.contains(&value.as_str()) => {
                let message = format!("Invalid {name}: must be one of {}", allowed.join(", "));
                Err(Problem::parameter("parameter_invalid", name, message))
            }
            value => Ok(value),
        }
    }

    fn expands_charge(&mut self) -> Result<bool, Problem> {
        let expanded = self.take_list("expand");
        match expanded.iter().find(|field| *field != "latest_charge") {
            Some(other) => Err(Problem::invalid_request(format!(
                "This property cannot be expanded ({other}): the simulator expands latest_charge only."
            ))),
            None => Ok(!expanded.is_empty()),
        }
    }

    fn nothing_left(&self) -> Result<(), Problem> {
        let first = self.scalars.keys().chain(self.maps.keys()).chain(self.lists.keys()).next();
        first.map_or(Ok(()), |name| Err(unknown(name)))
    }
}

fn unknown(name: &str) -> Problem {
    Problem::parameter("parameter_unknown", name, format!("Received unknown parameter: {name}"))
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
