//! Reads a request's operation from its headers and form.

use axum::body::Bytes;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, Method};

/// A request, as rules match it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// HTTP method.
    pub method: String,
    /// Path without the query.
    pub path: String,
    /// AWS's signing name of the service, such as `dynamodb`; `None` if the request is not signed for AWS.
    pub service: Option<String>,
    /// AWS's action, such as `TransactWriteItems`; `None` if there is none.
    pub action: Option<String>,
    /// The service's protocol, for errors.
    pub protocol: Protocol,
    /// The request's body.
    pub body: Bytes,
}

/// The format of errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// AWS JSON: `X-Amz-Target`.
    AwsJson,
    /// AWS query: a form with `Action=`.
    AwsQuery,
    /// Stripe, and other services with JSON answers.
    Other,
}

impl Call {
    /// Reads a request.
    #[must_use]
    pub fn read(method: &Method, path: &str, headers: &HeaderMap, body: &Bytes) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        // `X-Amz-Target: DynamoDB_20120810.TransactWriteItems`
        let target = text("x-amz-target").and_then(|target| target.rsplit('.').next());
        let is_form =
            text(CONTENT_TYPE.as_str()).is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
        let form = target.is_none().then(|| form_action(body)).flatten().filter(|_| is_form);
        let protocol = match (target, &form) {
            (Some(_), _) => Protocol::AwsJson,
            (None, Some(_)) => Protocol::AwsQuery,
            (None, None) => Protocol::Other,
        };
        Self {
            method: method.as_str().to_owned(),
            path: path.to_owned(),
            service: text(AUTHORIZATION.as_str()).and_then(signed_for),
            action: target.or(form).map(str::to_owned),
            protocol,
            body: body.clone(),
        }
    }

    /// Whether the body contains this text, such as the name of a table or a queue.
    #[must_use]
    pub fn names(&self, text: &str) -> bool {
        self.body.windows(text.len().max(1)).any(|part| part == text.as_bytes())
    }

    /// Whether it is an admin request to a simulator or emulator, such as `/_simulator/…`.
    #[must_use]
    pub fn is_administration(&self) -> bool {
        self.path.starts_with("/_")
    }
}

/// The service in `AWS4-HMAC-SHA256 Credential=<key>/<date>/<region>/<service>/aws4_request, …`.
fn signed_for(authorization: &str) -> Option<String> {
    let scope = authorization.split_once("Credential=")?.1.split(',').next()?;
    scope.split('/').nth(3).map(str::to_owned)
}

/// The value of `Action` in a form. Actions have no characters that a form encodes.
fn form_action(body: &[u8]) -> Option<&str> {
    std::str::from_utf8(body).ok()?.split('&').find_map(|pair| pair.strip_prefix("Action="))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(headers: &[(&'static str, &str)], body: &str) -> Call {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        Call::read(&Method::POST, "/v1/refunds", &headers, &Bytes::copy_from_slice(body.as_bytes()))
    }

    #[test]
    fn a_call_of_each_protocol_is_known_by_its_service_and_action() {
        let signed = |service: &str| {
            format!("AWS4-HMAC-SHA256 Credential=A/20261124/eu-west-2/{service}/aws4_request, SignedHeaders=host")
        };
        let json = call(&[("authorization", &signed("dynamodb")), ("x-amz-target", "DynamoDB_20120810.GetItem")], "{}");
        assert_eq!((json.service.as_deref(), json.action.as_deref()), (Some("dynamodb"), Some("GetItem")));
        assert_eq!(json.protocol, Protocol::AwsJson);

        let form = ("content-type", "application/x-www-form-urlencoded");
        let query = call(&[("authorization", &signed("sns")), form], "Version=2010-03-31&Action=PublishBatch");
        assert_eq!((query.service.as_deref(), query.action.as_deref()), (Some("sns"), Some("PublishBatch")));
        assert_eq!(query.protocol, Protocol::AwsQuery);

        let stripe = call(&[("authorization", "Bearer sk_test"), form], "amount=5");
        assert_eq!((stripe.service, stripe.action, stripe.protocol), (None, None, Protocol::Other));
    }
}
