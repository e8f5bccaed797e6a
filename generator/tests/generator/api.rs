//! What the API answers, and to whom, as its Terraform says it.

use std::fs;

use generator::docs::openapi;
use serde_json::Value;

use crate::support::{of_type, repository, roots};

/// What the client of a route gets for a status of SQS: the response whose pattern is the status, or else the default.
#[track_caller]
fn answer(route: &str, sqs: &str) -> (String, String) {
    let responses = of_type("aws_api_gateway_integration_response");
    let of_route = || responses.iter().filter(|(name, _)| name.starts_with(&format!("{route}_")));
    let pattern = |body: &serde_json::Map<String, Value>| body.get("selection_pattern").cloned();
    let chosen = of_route()
        .find(|(_, response)| pattern(&response.body) == Some(sqs.into()))
        .or_else(|| of_route().find(|(_, response)| pattern(&response.body).is_none()));
    let (name, response) = chosen.unwrap_or_else(|| panic!("{route} answers nothing to {sqs}"));
    // The status is the method response's, which has the same name.
    let status = of_type("aws_api_gateway_method_response")[name].body["status_code"].as_str().unwrap().to_owned();
    let header = &response.body["response_parameters"]["method.response.header.Content-Type"];
    (status, header.as_str().unwrap_or_default().to_owned())
}

/// Anybody may send a webhook that the queue refuses: that must page nobody.
#[test]
fn a_webhook_that_the_queue_refuses_is_not_a_server_error() {
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

/// P13: the API is regional. An edge-optimised one, the default of other blocks, adds a distribution that nobody here asked
/// for, and cannot have its integration's timeout raised.
#[test]
fn the_api_is_regional() {
    let api = &of_type("aws_api_gateway_rest_api")["orders"];
    assert_eq!(api.body["endpoint_configuration"][0]["types"], serde_json::json!(["REGIONAL"]));
}

/// P4: what is claimed is let through. The README promises orders sent at once, and no rate; every environment's throttle
/// admits that many at the same moment, and none asks for more than an account has.
#[test]
fn every_environment_admits_the_orders_that_the_readme_sends_at_once() {
    const BURST_OF_AN_ACCOUNT: u64 = 5000;
    const RATE_OF_AN_ACCOUNT: u64 = 10_000;
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    let (before, _) =
        readme.split_once(" orders at once").expect("the README says how many orders the demo sends at once");
    let claimed: u64 = before.rsplit(' ').next().unwrap().parse().unwrap();
    assert!(claimed >= 100, "{claimed}");
    for root in roots() {
        let files = root.files().unwrap();
        let main = files.iter().find(|file| file.path.ends_with("main.tf.json")).unwrap();
        let given = &serde_json::from_str::<Value>(&main.content).unwrap()["module"]["api"];
        let burst = given["throttling_burst_limit"].as_u64().unwrap();
        assert!((claimed..=BURST_OF_AN_ACCOUNT).contains(&burst), "{}: {burst} for {claimed}", root.name());
        let rate = given["throttling_rate_limit"].as_u64().unwrap();
        assert!(rate <= RATE_OF_AN_ACCOUNT, "{}: {rate}", root.name());
    }
    // What the environment is given is what throttles every method.
    let settings = &of_type("aws_api_gateway_method_settings")["every_method"].body["settings"][0];
    assert_eq!(settings["throttling_burst_limit"], "${var.throttling_burst_limit}");
    assert_eq!(settings["throttling_rate_limit"], "${var.throttling_rate_limit}");
}
