//! A request's way through the gateway, whatever its client does.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

const NOW: UnixSeconds = 1_800_000_000;

fn payment(amount: u64, method: &str, key: Option<&str>) -> Request {
    let parameters = [
        ("amount", amount.to_string()),
        ("currency", "gbp".into()),
        ("payment_method", method.into()),
        ("capture_method", "manual".into()),
        ("confirm", "true".into()),
        ("metadata[order_id]", "ord-1".into()),
    ];
    Request {
        endpoint: Endpoint::CreateIntent,
        parameters: parameters.map(|(name, value)| (name.to_owned(), value)).to_vec(),
        idempotency_key: key.map(str::to_owned),
    }
}

/// The answer, and whether it was a replay.
fn call(engine: &mut Engine, request: Request) -> (Answer, bool) {
    match engine.admit(request, NOW) {
        Admission::Execute(execution) => (engine.execute(execution, NOW), false),
        Admission::Replayed(answer) => (answer, true),
        Admission::Refused(answer) => (answer, false),
    }
}

fn charges(engine: &Engine) -> usize {
    engine.summary().orders.values().map(|order| order.charges).sum()
}

#[test]
fn a_retry_with_the_same_key_gets_the_first_answer_and_charges_nothing() {
    let mut engine = Engine::default();
    let (first, _) = call(&mut engine, payment(1999, "pm_card_visa", Some("k")));
    let (second, replayed) = call(&mut engine, payment(1999, "pm_card_visa", Some("k")));
    assert!(replayed);
    assert_eq!(first, second);
    assert_eq!(charges(&engine), 1);
    assert_eq!(engine.summary().charges_by_idempotency_key["k"], 1);
}

#[test]
fn a_decline_is_a_result_and_is_replayed() {
    let mut engine = Engine::default();
    let (first, _) = call(&mut engine, payment(1999, "pm_card_chargeDeclined", Some("k")));
    let (second, replayed) = call(&mut engine, payment(1999, "pm_card_chargeDeclined", Some("k")));
    assert!(replayed);
    assert_eq!((first.status, second), (402, first));
}

#[test]
fn the_same_key_with_another_amount_is_an_idempotency_error() {
    let mut engine = Engine::default();
    call(&mut engine, payment(1999, "pm_card_visa", Some("k")));
    let (answer, _) = call(&mut engine, payment(2999, "pm_card_visa", Some("k")));
    assert_eq!((answer.status, &answer.body["error"]["type"]), (400, &"idempotency_error".into()));
    assert_eq!(charges(&engine), 1);
}

#[test]
fn two_requests_without_a_key_charge_twice() {
    let mut engine = Engine::default();
    for _ in 0..2 {
        call(&mut engine, payment(1999, "pm_card_visa", None));
    }
    assert_eq!(engine.summary().orders["ord-1"].charges, 2);
}

#[test]
fn a_validation_failure_leaves_the_key_free() {
    let mut engine = Engine::default();
    assert_eq!(call(&mut engine, payment(1, "pm_card_visa", Some("k"))).0.status, 400);
    assert_eq!(call(&mut engine, payment(1999, "pm_card_visa", Some("k"))).0.status, 200);
}

#[test]
fn a_request_that_is_still_running_refuses_its_twin() {
    let mut engine = Engine::default();
    let Admission::Execute(running) = engine.admit(payment(1999, "pm_card_visa", Some("k")), NOW) else {
        panic!("the first request is executed")
    };
    let (twin, _) = call(&mut engine, payment(1999, "pm_card_visa", Some("k")));
    assert_eq!((twin.status, &twin.body["error"]["code"]), (409, &"idempotency_key_in_use".into()));
    let first = engine.execute(running, NOW);
    assert_eq!(call(&mut engine, payment(1999, "pm_card_visa", Some("k"))), (first, true));
    assert_eq!(charges(&engine), 1);
}

#[test]
fn a_500_is_the_keys_result_and_a_503_is_not() {
    for (status, second) in [(500, 500), (503, 200), (429, 200)] {
        let mut engine = Engine::default();
        engine.set_faults(Faults { error_status: Some(status), remaining: Some(1), ..Faults::default() });
        assert_eq!(call(&mut engine, payment(1999, "pm_card_visa", Some("k"))).0.status, status);
        assert_eq!(call(&mut engine, payment(1999, "pm_card_visa", Some("k"))).0.status, second);
    }
}

#[test]
fn a_request_that_took_effect_and_failed_says_so_for_ever_under_its_key() {
    let mut engine = Engine::default();
    engine.set_faults(Faults { charged_but_error: true, remaining: Some(1), ..Faults::default() });
    let (first, _) = call(&mut engine, payment(1999, "pm_card_visa", Some("k")));
    assert_eq!((first.status, charges(&engine)), (500, 1));
    assert_eq!(call(&mut engine, payment(1999, "pm_card_visa", Some("k"))), (first, true));
    assert_eq!(charges(&engine), 1);
}

#[test]
fn a_clock_that_is_moved_ahead_ends_holds_and_forgets_keys() {
    let mut engine = Engine::default();
    call(&mut engine, payment(1999, "pm_card_visa", Some("k")));
    engine.take_pending_events();
    engine.advance(8 * 24 * 60 * 60, NOW);
    let told: Vec<_> =
        engine.take_pending_events().iter().map(|pending_events| pending_events.occurrence.event_type.name()).collect();
    assert_eq!(told, ["payment_intent.canceled"]);
    assert_eq!(engine.summary().totals["gbp"].held, 0);
    let (answer, replayed) = call(&mut engine, payment(1999, "pm_card_visa", Some("k")));
    assert_eq!((answer.status, replayed, charges(&engine)), (200, false, 2));
}

/// One request of a client that retries at will, reuses keys, and changes its mind about amounts.
fn request() -> impl Strategy<Value = Request> {
    let method = prop::sample::select(vec!["pm_card_visa", "pm_card_chargeDeclined", "pm_unknown"]);
    (prop::sample::select(vec!["a", "b", "c"]), prop::sample::select(vec![1_u64, 1999, 2999]), method)
        .prop_map(|(key, amount, method)| payment(amount, method, Some(key)))
}

proptest! {
    #[test]
    fn whatever_is_retried_no_key_charges_twice_and_no_result_changes(
        requests in prop::collection::vec((request(), prop::option::of(prop::sample::select(vec![429_u16, 500, 503]))), 1..60)
    ) {
        let mut engine = Engine::default();
        let mut results: HashMap<String, Answer> = HashMap::new();
        for (request, error_status) in requests {
            engine.set_faults(Faults { error_status, ..Faults::default() });
            let key = request.idempotency_key.clone().unwrap();
            let before = charges(&engine);
            let (answer, replayed) = call(&mut engine, request);
            if replayed {
                prop_assert_eq!(Some(&answer), results.get(&key));
                prop_assert_eq!(charges(&engine), before);
            } else if answer.status == 200 || answer.status == 402 {
                prop_assert!(results.insert(key, answer).is_none(), "a key got a second result");
            } else if answer.status == 500 || answer.body["error"]["code"] == "resource_missing" {
                results.insert(key, answer);
            }
        }
        let summary = engine.summary();
        prop_assert!(summary.charges_by_idempotency_key.values().all(|charges| *charges <= 1));
        prop_assert_eq!(summary.charges_by_idempotency_key.values().sum::<usize>(), charges(&engine));
        let held: u64 = summary.totals.values().map(|totals| totals.held).sum();
        let answered: u64 = results.values().filter(|answer| answer.status == 200)
            .map(|answer| answer.body["amount"].as_u64().unwrap()).sum();
        prop_assert_eq!(held, answered);
    }
}
