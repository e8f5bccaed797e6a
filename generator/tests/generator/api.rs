//! What the API answers, and to whom, as its Terraform says it.

use generator::docs::openapi;
use serde_json::Value;

use crate::support::of_kind;

/// What the client of a route gets for a status of SQS: the response whose pattern is the status, or else the default.
#[track_caller]
fn answer(route: &str, sqs: &str) -> (String, String) {
    let responses = of_kind("aws_api_gateway_integration_response");
    let of_route = || responses.iter().filter(|(name, _)| name.starts_with(&format!("{route}_")));
    let pattern = |body: &serde_json::Map<String, Value>| body.get("selection_pattern").cloned();
    let chosen = of_route()
        .find(|(_, response)| pattern(&response.body) == Some(sqs.into()))
        .or_else(|| of_route().find(|(_, response)| pattern(&response.body).is_none()));
    let (name, response) = chosen.unwrap_or_else(|| panic!("{route} answers nothing to {sqs}"));
    // The status is the method response's, which has the same name.
    let status = of_kind("aws_api_gateway_method_response")[name].body["status_code"].as_str().unwrap().to_owned();
    let header = &response.body["response_parameters"]["method.response.header.Content-Type"];
    (status, header.as_str().unwrap_or_default().to_owned())
}

/// Anybody may send a webhook, also one that no queue takes: that is no fault of ours, and must wake nobody.
#[test]
fn a_webhook_that_the_queue_refuses_is_no_server_error() {
    assert_eq!(answer("payment_webhook", "400"), ("400".to_owned(), "'application/problem+json'".to_owned()));
    for broken in ["403", "500", "503"] {
        assert_eq!(answer("payment_webhook", broken).0, "503", "{broken}");
    }
    let document: Value = serde_json::from_str(&openapi::file().content).unwrap();
    let told = &document["paths"]["/webhooks/payment"]["post"]["responses"]["400"]["$ref"];
    assert_eq!(told, "#/components/responses/RefusedByQueue");
}

/// SQS throttles with 400 too, and a client takes a 400 as final: the order would be lost.
#[test]
fn an_order_that_the_queue_does_not_take_is_to_be_sent_again_whatever_sqs_says() {
    for route in ["place_order", "record_shipment", "cancel_order"] {
        for status in ["400", "403", "500", "503"] {
            assert_eq!(answer(route, status), ("503".to_owned(), "'application/problem+json'".to_owned()), "{route}");
        }
    }
}
