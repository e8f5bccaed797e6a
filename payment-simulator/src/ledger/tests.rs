//! What may happen to a payment, and what may not.

use serde_json::Value;

use super::super::command::{Endpoint, parse};
use super::time::AUTHORISATION_SECONDS;
use super::*;

const NOW: UnixSeconds = 1_800_000_000;

fn call(ledger: &mut Ledger, endpoint: &Endpoint, pairs: &[(&str, &str)], now: UnixSeconds) -> Answer {
    let parameters = pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    ledger.execute(parse(endpoint, &parameters).unwrap(), now)
}

fn authorise(ledger: &mut Ledger, method: &str) -> Answer {
    call(
        ledger,
        &Endpoint::CreateIntent,
        &[
            ("amount", "1999"),
            ("currency", "gbp"),
            ("payment_method", method),
            ("capture_method", "manual"),
            ("confirm", "true"),
            ("error_on_requires_action", "true"),
            ("expand[]", "latest_charge"),
        ],
        NOW,
    )
}

fn id(answer: &Answer) -> String {
    answer.body["id"].as_str().unwrap().to_owned()
}

fn code(answer: &Answer) -> &str {
    answer.body["error"]["code"].as_str().unwrap_or_default()
}

#[test]
fn an_approved_card_is_held_for_seven_days() {
    let answer = authorise(&mut Ledger::default(), "pm_card_visa");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body["status"], "requires_capture");
    assert_eq!(answer.body["amount_capturable"], 1999);
    let card = &answer.body["latest_charge"]["payment_method_details"]["card"];
    assert_eq!(card["capture_before"], NOW + AUTHORISATION_SECONDS);
}

#[test]
fn the_charge_is_an_id_unless_it_is_expanded() {
    let mut ledger = Ledger::default();
    let intent = id(&authorise(&mut ledger, "pm_card_visa"));
    let answer = call(&mut ledger, &Endpoint::RetrieveIntent(intent), &[], NOW);
    assert!(answer.body["latest_charge"].is_string());
}

#[test]
fn a_declined_card_answers_402_with_the_payment_in_the_error() {
    let cases = [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_authenticationRequired", "authentication_required", "authentication_required"),
    ];
    for (method, expected, decline_code) in cases {
        let mut ledger = Ledger::default();
        let answer = authorise(&mut ledger, method);
        assert_eq!((answer.status, code(&answer)), (402, expected), "{method}");
        let error = &answer.body["error"];
        assert_eq!((&error["type"], &error["decline_code"]), (&"card_error".into(), &decline_code.into()));
        assert_eq!(error["payment_intent"]["status"], "requires_payment_method");
        assert_eq!(error["payment_intent"]["last_payment_error"]["decline_code"], decline_code);
        assert_eq!(ledger.approved_charges(), 0);
    }
}

#[test]
fn a_card_that_needs_authentication_waits_for_the_customer_unless_that_is_an_error() {
    let answer = call(
        &mut Ledger::default(),
        &Endpoint::CreateIntent,
        &[
            ("amount", "1999"),
            ("currency", "gbp"),
            ("payment_method", "pm_card_authenticationRequired"),
            ("confirm", "true"),
        ],
        NOW,
    );
    assert_eq!((answer.status, &answer.body["status"]), (200, &"requires_action".into()));
    assert!(answer.body["next_action"].is_object());
}

#[test]
fn an_unknown_payment_method_is_refused_and_makes_no_payment() {
    let mut ledger = Ledger::default();
    let answer = authorise(&mut ledger, "pm_nonsense");
    assert_eq!((answer.status, code(&answer)), (400, "resource_missing"));
    assert_eq!(answer.body["error"]["param"], "payment_method");
    assert_eq!(ledger.intents().count(), 0);
}

#[test]
fn a_partial_capture_releases_the_rest_and_can_be_refunded_once() {
    let mut ledger = Ledger::default();
    let intent = id(&authorise(&mut ledger, "pm_card_visa"));
    let capture = Endpoint::CaptureIntent(intent.clone());
    let answer = call(&mut ledger, &capture, &[("amount_to_capture", "1500")], NOW);
    assert_eq!((&answer.body["status"], &answer.body["amount_received"]), (&"succeeded".into(), &1500.into()));
    assert_eq!(answer.body["amount_capturable"], 0);

    let again = call(&mut ledger, &capture, &[], NOW);
    assert_eq!((again.status, code(&again)), (400, "payment_intent_unexpected_state"));

    let refund = [("payment_intent", intent.as_str()), ("amount", "1500")];
    let answer = call(&mut ledger, &Endpoint::CreateRefund, &refund, NOW);
    assert_eq!((answer.status, &answer.body["amount"]), (200, &Value::from(1500)));
    let again = call(&mut ledger, &Endpoint::CreateRefund, &refund, NOW);
    assert_eq!((again.status, code(&again)), (400, "charge_already_refunded"));
}

#[test]
fn no_more_than_what_is_held_can_be_captured_and_no_more_than_what_was_taken_refunded() {
    let mut ledger = Ledger::default();
    let intent = id(&authorise(&mut ledger, "pm_card_visa"));
    let capture = Endpoint::CaptureIntent(intent.clone());
    assert_eq!(code(&call(&mut ledger, &capture, &[("amount_to_capture", "2000")], NOW)), "amount_too_large");
    call(&mut ledger, &capture, &[], NOW);
    let refund = [("payment_intent", intent.as_str()), ("amount", "2000")];
    assert_eq!(code(&call(&mut ledger, &Endpoint::CreateRefund, &refund, NOW)), "amount_too_large");
}

#[test]
fn a_cancelled_payment_releases_the_money_and_can_no_longer_be_captured() {
    let mut ledger = Ledger::default();
    let intent = id(&authorise(&mut ledger, "pm_card_visa"));
    let answer = call(&mut ledger, &Endpoint::CancelIntent(intent.clone()), &[], NOW);
    assert_eq!((&answer.body["status"], &answer.body["amount_capturable"]), (&"canceled".into(), &0.into()));
    let late = call(&mut ledger, &Endpoint::CaptureIntent(intent), &[], NOW);
    assert_eq!(code(&late), "payment_intent_unexpected_state");
}

#[test]
fn an_expired_authorisation_is_cancelled_by_the_network() {
    let mut ledger = Ledger::default();
    let intent = id(&authorise(&mut ledger, "pm_card_visa"));
    let late = NOW + AUTHORISATION_SECONDS;
    let answer = call(&mut ledger, &Endpoint::RetrieveIntent(intent.clone()), &[], late);
    assert_eq!(answer.body["status"], "canceled");
    assert_eq!(answer.body["cancellation_reason"], "automatic");
    let capture = call(&mut ledger, &Endpoint::CaptureIntent(intent), &[], late);
    assert_eq!(code(&capture), "payment_intent_unexpected_state");
}

#[test]
fn a_search_sees_a_payment_and_its_changes_when_its_index_has_them() {
    let mut ledger = Ledger::default();
    ledger.set_search_staleness(60);
    let labelled = [
        ("amount", "1999"),
        ("currency", "gbp"),
        ("payment_method", "pm_card_visa"),
        ("capture_method", "manual"),
        ("confirm", "true"),
        ("metadata[orderId]", "ord-1"),
    ];
    let intent = id(&call(&mut ledger, &Endpoint::CreateIntent, &labelled, NOW));
    authorise(&mut ledger, "pm_card_visa");
    let mut states = |now| {
        let query = [("query", "metadata['orderId']:'ord-1'"), ("expand[]", "data.latest_charge")];
        let answer = call(&mut ledger, &Endpoint::SearchIntents, &query, now);
        assert_eq!((answer.status, &answer.body["object"]), (200, &"search_result".into()));
        let found = answer.body["data"].as_array().unwrap().clone();
        assert!(found.iter().all(|intent| intent["latest_charge"].is_object()));
        found.iter().map(|intent| intent["status"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(states(NOW + 59), Vec::<String>::new());
    assert_eq!(states(NOW + 60), ["requires_capture"]);
    call(&mut ledger, &Endpoint::CancelIntent(intent), &[], NOW + 60);
    let mut states = |now| {
        let query = [("query", "metadata['orderId']:'ORD-1'")];
        call(&mut ledger, &Endpoint::SearchIntents, &query, now).body["data"][0]["status"].clone()
    };
    assert_eq!(states(NOW + 119), "requires_capture");
    assert_eq!(states(NOW + 120), "canceled");
}

#[test]
fn an_unknown_payment_is_404() {
    let answer = call(&mut Ledger::default(), &Endpoint::RetrieveIntent("pi_no".into()), &[], NOW);
    assert_eq!((answer.status, code(&answer)), (404, "resource_missing"));
}
