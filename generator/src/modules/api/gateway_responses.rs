//! What API Gateway answers by itself, in the same shape as our own errors.

use super::parts::Parts;
use super::problem::{PROBLEM_JSON, problem};
use crate::aws::ApiGatewayGatewayResponse;
use crate::terraform::{Dependable, Module};

/// API Gateway's own message as a JSON string. `validationErrorString` would say more, but it holds bare quotes: it
/// cannot be put into JSON, since no function of the template language works here.
const OWN_MESSAGE: &str = "$context.error.messageString";
/// Seconds after which a throttled client tries again.
const RETRY_AFTER: &str = "'1'";

/// A kind of error that API Gateway answers by itself.
struct Refusal {
    response_type: &'static str,
    /// The status; `None` for a default, which stands for several.
    status: Option<u16>,
    title: &'static str,
    retry: bool,
}

const fn refusal(response_type: &'static str, status: u16, title: &'static str) -> Refusal {
    Refusal { response_type, status: Some(status), title, retry: false }
}

const REFUSALS: [Refusal; 15] = [
    refusal("BAD_REQUEST_BODY", 400, "Bad Request"),
    refusal("BAD_REQUEST_PARAMETERS", 400, "Bad Request"),
    refusal("ACCESS_DENIED", 403, "Forbidden"),
    refusal("MISSING_AUTHENTICATION_TOKEN", 403, "Forbidden"),
    refusal("INVALID_SIGNATURE", 403, "Forbidden"),
    refusal("EXPIRED_TOKEN", 403, "Forbidden"),
    refusal("RESOURCE_NOT_FOUND", 404, "Not Found"),
    refusal("REQUEST_TOO_LARGE", 413, "Content Too Large"),
    refusal("UNSUPPORTED_MEDIA_TYPE", 415, "Unsupported Media Type"),
    Refusal { response_type: "THROTTLED", status: Some(429), title: "Too Many Requests", retry: true },
    refusal("API_CONFIGURATION_ERROR", 500, "Internal Server Error"),
    refusal("INTEGRATION_FAILURE", 504, "Gateway Timeout"),
    refusal("INTEGRATION_TIMEOUT", 504, "Gateway Timeout"),
    Refusal { response_type: "DEFAULT_4XX", status: None, title: "Request Refused", retry: false },
    Refusal { response_type: "DEFAULT_5XX", status: None, title: "Request Failed", retry: false },
];

/// Adds a gateway response for each of them.
pub(super) fn add(module: &mut Module, parts: &mut Parts) {
    for refusal in REFUSALS {
        let mut headers = vec![("gatewayresponse.header.Content-Type", PROBLEM_JSON)];
        if refusal.retry {
            headers.push(("gatewayresponse.header.Retry-After", RETRY_AFTER));
        }
        let mut response =
            ApiGatewayGatewayResponse { rest_api_id: parts.api.id(), response_type: refusal.response_type }
                .response_parameters(headers)
                .response_templates([("application/json", problem(refusal.title, refusal.status, OWN_MESSAGE))]);
        if let Some(status) = refusal.status {
            response = response.status_code(status.to_string());
        }
        let added = module.add(&refusal.response_type.to_lowercase(), response);
        parts.deployed.push(added.dependency());
    }
}
