//! What the simulator answers: a status and a JSON body, refusals in Stripe's error shape.

use serde_json::{Map, Value, json};

use super::payment_method::Decline;

/// An HTTP answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// JSON body.
    pub body: Value,
}

impl Answer {
    /// A success.
    #[must_use]
    pub const fn ok(body: Value) -> Self {
        Self { status: 200, body }
    }
}

/// A refusal, as Stripe words it: `{"error": {"type": …, "code": …, "message": …, "param": …}}`.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    status: u16,
    fields: Map<String, Value>,
}

impl Problem {
    fn new(status: u16, kind: &str, message: impl Into<String>) -> Self {
        let mut fields = Map::new();
        fields.insert("message".into(), Value::String(message.into()));
        fields.insert("type".into(), Value::String(kind.into()));
        Self { status, fields }
    }

    /// The caller's mistake: 400 `invalid_request_error`.
    #[must_use]
    pub fn invalid_request(message: impl Into<String>) -> Self {
        Self::new(400, "invalid_request_error", message)
    }

    /// A missing, wrong or unknown parameter.
    #[must_use]
    pub fn parameter(code: &str, parameter: &str, message: impl Into<String>) -> Self {
        Self::invalid_request(message).with("code", code).with("param", parameter)
    }

    /// 404: the object named in the path is not there.
    #[must_use]
    pub fn not_found(object: &str, id: &str, parameter: &str) -> Self {
        Self { status: 404, ..Self::no_such(object, id, parameter) }
    }

    /// 400 `resource_missing`: a parameter names an object that is not there.
    #[must_use]
    pub fn no_such(object: &str, id: &str, parameter: &str) -> Self {
        Self::parameter("resource_missing", parameter, format!("No such {object}: '{id}'"))
    }

    /// 404: the simulator has no such route.
    #[must_use]
    pub fn unknown_route(method: &str, path: &str) -> Self {
        Self {
            status: 404,
            ..Self::invalid_request(format!(
                "Unrecognized request URL ({method}: {path}): the simulator knows payment_intents and refunds only."
            ))
        }
    }

    /// 401: no API key, or the wrong one.
    #[must_use]
    pub fn unauthorised(presented: bool) -> Self {
        let message = if presented {
            "Invalid API Key provided."
        } else {
            "You did not provide an API key. Use 'Authorization: Bearer <key>', or HTTP basic authentication with the key as user name."
        };
        Self::new(401, "invalid_request_error", message)
    }

    /// 400: the idempotency key was used before with other parameters.
    #[must_use]
    pub fn other_parameters(key: &str) -> Self {
        Self::new(
            400,
            "idempotency_error",
            format!(
                "Keys for idempotent requests can only be used with the same parameters they were first used with. \
                 Try using a key other than '{key}' if you meant to execute a different request."
            ),
        )
    }

    /// 409: a request with this idempotency key is still running.
    #[must_use]
    pub fn key_in_use(key: &str) -> Self {
        let problem = Self::new(
            409,
            "idempotency_error",
            format!(
                "There is currently another in-progress request using this Idempotent Key '{key}'. Please try again later."
            ),
        );
        problem.with("code", "idempotency_key_in_use")
    }

    /// 402: the card was declined. `intent` and `charge` are what is left of the attempt.
    #[must_use]
    pub fn declined(decline: Decline, charge: &str, intent: Value) -> Self {
        Self::new(402, "card_error", decline.message)
            .with("code", decline.code)
            .with("decline_code", decline.decline_code)
            .with("charge", charge)
            .with("payment_intent", intent)
    }

    /// 400: the payment's state does not allow this.
    #[must_use]
    pub fn unexpected_state(message: impl Into<String>, intent: Value) -> Self {
        Self::invalid_request(message).with("code", "payment_intent_unexpected_state").with("payment_intent", intent)
    }

    /// A fault that was asked for.
    #[must_use]
    pub fn injected(status: u16) -> Self {
        let (kind, message) = if status == 429 {
            ("invalid_request_error", "Request rate limit exceeded.")
        } else {
            ("api_error", "An unknown error occurred (injected by the simulator's faults).")
        };
        let problem = Self::new(status, kind, message);
        if status == 429 { problem.with("code", "rate_limit") } else { problem }
    }

    fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(field.into(), value.into());
        self
    }
}

impl From<Problem> for Answer {
    fn from(problem: Problem) -> Self {
        Self { status: problem.status, body: json!({ "error": problem.fields }) }
    }
}
