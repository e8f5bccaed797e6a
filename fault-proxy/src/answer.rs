//! The proxy's own answers.

use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::json;

use super::call::{Call, Protocol};

/// An error in the called service's format.
pub fn error(call: &Call, status: u16) -> Response {
    let (aws, stripe) = match status {
        503 => ("ServiceUnavailable", "api_error"),
        _ => ("InternalServerError", "api_error"),
    };
    written(call, status, aws, stripe)
}

/// Throttling in the called service's format. AWS's JSON services answer 400.
pub fn throttled(call: &Call) -> Response {
    let status = if call.protocol == Protocol::Other { 429 } else { 400 };
    written(call, status, "ThrottlingException", "invalid_request_error")
}

/// The upstream does not answer.
pub fn unreachable(call: &Call) -> Response {
    written(call, 502, "ServiceUnavailable", "api_error")
}

fn written(call: &Call, status: u16, aws_code: &str, stripe_type: &str) -> Response {
    let message = "injected by the fault proxy";
    let (content_type, body) = match call.protocol {
        Protocol::AwsJson => {
            ("application/x-amz-json-1.0", json!({ "__type": aws_code, "message": message }).to_string())
        }
        Protocol::AwsQuery => {
            let fault = if status >= 500 { "Receiver" } else { "Sender" };
            let error = format!("<Type>{fault}</Type><Code>{aws_code}</Code><Message>{message}</Message>");
            let body = format!("<ErrorResponse><Error>{error}</Error><RequestId>injected</RequestId></ErrorResponse>");
            ("text/xml", body)
        }
        Protocol::Other => {
            ("application/json", json!({ "error": { "type": stripe_type, "message": message } }).to_string())
        }
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// Closes the connection without an answer: a body that fails before the head is flushed takes the head with it.
#[must_use]
pub fn hang_up() -> Response {
    let broken = std::io::Error::new(std::io::ErrorKind::ConnectionReset, "hung up on purpose");
    let body = futures::stream::once(std::future::ready(Err::<Bytes, _>(broken)));
    Response::new(Body::from_stream(body))
}
