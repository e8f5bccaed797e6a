//! The pipeline's client of the gateway against the simulator: unclear answers, surplus authorisations, expired authorisations.

use std::time::Duration;

use order_domain::id::PaymentCustomerToken;
use order_domain::order::{Authorisation, Order};
use order_handlers::adapters::stripe::{Http, StripeGateway};
use order_handlers::failure::Failure;
use order_handlers::ports::{CaptureAnswer, Found, Gateway, GatewayAnswer};
use payment_simulator::Faults;
use payment_simulator::server::GatewaySimulator;

use super::order::{order, with};

const KEY: &str = "sk_test_simulated";

struct Shop {
    simulator: GatewaySimulator,
    gateway: StripeGateway<Http>,
}

impl Shop {
    async fn open() -> Self {
        let simulator = GatewaySimulator::start(KEY).await.unwrap();
        simulator.set_search_staleness(0);
        let gateway = StripeGateway::at(simulator.url(), KEY, "dev").unwrap();
        Self { simulator, gateway }
    }

    async fn held(&self, order: &Order, attempt: u32) -> Authorisation {
        match self.gateway.authorise(order, attempt).await.unwrap() {
            GatewayAnswer::Authorised(authorisation) => authorisation,
            declined @ GatewayAnswer::Declined(_) => panic!("{declined:?}"),
        }
    }

    fn once(&self, faults: Faults) {
        self.simulator.set_faults(Faults { remaining: Some(1), ..faults });
    }
}

fn is_transient<T>(result: &Result<T, Failure>) -> bool {
    matches!(result, Err(Failure::Transient { .. }))
}

#[tokio::test]
async fn an_authorisation_behind_a_server_error_that_is_repeated_for_ever_is_found() {
    let shop = Shop::open().await;
    let order = order("ord-1", "pm_card_visa");
    shop.once(Faults { charged_but_error: true, ..Faults::default() });
    assert!(is_transient(&shop.gateway.authorise(&order, 1).await));
    for _ in 0..2 {
        // The gateway is well and the key is spent: the order waits for the next one.
        let repeated = shop.gateway.authorise(&order, 1).await;
        assert!(matches!(repeated, Err(Failure::Waiting { .. })), "{repeated:?}");
    }
    let Found::Authorised { authorisation, surplus } = shop.gateway.find(&order).await.unwrap() else {
        panic!("the authorisation was not found")
    };
    assert_eq!((authorisation.attempt, surplus.len()), (1, 0));
    assert!(authorisation.capture_before.is_some());
    let order = with(&order, &authorisation);
    assert_eq!(shop.gateway.capture(&order).await.unwrap(), CaptureAnswer::Captured);
    assert_eq!(shop.simulator.ledger().orders["ord-1"].charges, 1);
}

/// An answer that is replayed under a key can be out of date. The simulation found an order that was confirmed on an
/// authorisation that had expired before its lost answer was replayed.
#[tokio::test]
async fn an_authorisation_that_expired_before_its_answer_is_replayed_is_not_accepted() {
    let shop = Shop::open().await;
    let order = order("ord-1", "pm_card_visa");
    let first = shop.held(&order, 1).await;
    assert_eq!(shop.held(&order, 1).await, first);
    shop.gateway.cancel_payment(&order, &first.payment_intent).await.unwrap();
    let repeated = shop.gateway.authorise(&order, 1).await;
    assert!(matches!(repeated, Err(Failure::Waiting { .. })), "{repeated:?}");
    assert_ne!(shop.held(&order, 2).await.payment_intent, first.payment_intent);
}

/// Stripe takes a card that was collected at a checkout once, unless it belongs to a customer.
#[tokio::test]
async fn a_card_is_used_a_second_time_only_where_it_belongs_to_a_customer() {
    let shop = Shop::open().await;
    let guest = order("ord-1", "pm_1Nx");
    let first = shop.held(&guest, 1).await;
    shop.gateway.cancel_payment(&guest, &first.payment_intent).await.unwrap();
    let again = shop.gateway.authorise(&guest, 2).await.unwrap();
    assert!(matches!(again, GatewayAnswer::Declined(_)), "{again:?}");

    let mut known = order("ord-2", "pm_1Ny");
    known.payment_customer = Some(PaymentCustomerToken::new("cus_1").unwrap());
    let first = shop.held(&known, 1).await;
    shop.gateway.cancel_payment(&known, &first.payment_intent).await.unwrap();
    assert_ne!(shop.held(&known, 2).await.payment_intent, first.payment_intent);
}

/// The gateway reports every payment in its account: a payment of another order or of another system stays.
#[tokio::test]
async fn a_payment_of_another_order_is_not_cancelled() {
    let shop = Shop::open().await;
    let (one, other) = (order("ord-1", "pm_card_visa"), order("ord-2", "pm_card_visa"));
    let held = shop.held(&other, 1).await;
    shop.gateway.cancel_payment(&one, &held.payment_intent).await.unwrap();
    assert_eq!(shop.simulator.ledger().orders["ord-2"].totals.held, 1999);
    shop.gateway.cancel_payment(&other, &held.payment_intent).await.unwrap();
    assert_eq!(shop.simulator.ledger().orders["ord-2"].totals.held, 0);
    // It is cancelled; to cancel it again changes nothing.
    shop.gateway.cancel_payment(&other, &held.payment_intent).await.unwrap();
}

/// A caller that searches for another authorisation knows that the order's own has expired, even before the gateway cancels it.
#[tokio::test]
async fn the_orders_own_authorisation_is_not_found_again() {
    let shop = Shop::open().await;
    let order = order("ord-1", "pm_card_visa");
    let order = with(&order, &shop.held(&order, 1).await);
    assert_eq!(shop.gateway.find(&order).await.unwrap(), Found::Nothing);
}

#[tokio::test]
async fn an_order_behind_a_server_error_without_effect_goes_on_with_another_attempt() {
    let shop = Shop::open().await;
    let order = order("ord-1", "pm_card_visa");
    shop.once(Faults { error_status: Some(500), ..Faults::default() });
    assert!(is_transient(&shop.gateway.authorise(&order, 1).await));
    assert_eq!(shop.gateway.find(&order).await.unwrap(), Found::Nothing);
    let second = shop.held(&order, 2).await;
    let found = shop.gateway.find(&order).await.unwrap();
    assert_eq!(found, Found::Authorised { authorisation: second, surplus: Vec::new() });
}

#[tokio::test]
async fn of_several_authorisations_the_oldest_stays_and_the_others_are_surplus() {
    let shop = Shop::open().await;
    let order = order("ord-1", "pm_card_visa");
    let first = shop.held(&order, 1).await;
    let second = shop.held(&order, 2).await;
    let found = shop.gateway.find(&order).await.unwrap();
    assert_eq!(found, Found::Authorised { authorisation: first.clone(), surplus: vec![second.payment_intent.clone()] });
    for _ in 0..2 {
        shop.gateway.cancel_payment(&order, &second.payment_intent).await.unwrap();
    }
    assert_eq!(
        shop.gateway.find(&order).await.unwrap(),
        Found::Authorised { authorisation: first, surplus: Vec::new() }
    );
    let totals = shop.simulator.ledger().orders["ord-1"].totals;
    assert_eq!((totals.held, totals.voided), (1999, 1999));
}

#[tokio::test]
async fn each_payment_is_found_as_what_became_of_it() {
    let shop = Shop::open().await;
    let declined = order("ord-1", "pm_card_chargeDeclined");
    assert!(matches!(shop.gateway.authorise(&declined, 1).await, Ok(GatewayAnswer::Declined(_))));
    assert_eq!(shop.gateway.find(&declined).await.unwrap(), Found::Nothing);

    let voided = order("ord-2", "pm_card_visa");
    let voided = with(&voided, &shop.held(&voided, 1).await);
    shop.gateway.cancel(&voided).await.unwrap();
    assert_eq!(shop.gateway.find(&voided).await.unwrap(), Found::Nothing);

    let taken = order("ord-3", "pm_card_visa");
    let taken = with(&taken, &shop.held(&taken, 1).await);
    shop.gateway.capture(&taken).await.unwrap();
    let found = shop.gateway.find(&taken).await.unwrap();
    assert!(matches!(found, Found::Captured { .. }), "{found:?}");

    shop.gateway.refund(&taken, 1999).await.unwrap();
    let found = shop.gateway.find(&taken).await.unwrap();
    assert!(matches!(found, Found::Captured { .. }), "{found:?}");
}

#[tokio::test]
async fn a_search_that_lags_behind_finds_nothing_yet() {
    let shop = Shop::open().await;
    shop.simulator.set_search_staleness(3600);
    let order = order("ord-1", "pm_card_visa");
    shop.held(&order, 1).await;
    assert_eq!(shop.gateway.find(&order).await.unwrap(), Found::Nothing);
}

#[tokio::test]
async fn a_capture_a_void_and_a_refund_go_on_behind_a_server_error_that_was_saved() {
    for took_effect in [true, false] {
        let error = || Faults {
            charged_but_error: took_effect,
            error_status: (!took_effect).then_some(500),
            ..Faults::default()
        };
        let shop = Shop::open().await;
        let taken = order("ord-1", "pm_card_visa");
        let mut taken = with(&taken, &shop.held(&taken, 1).await);
        shop.once(error());
        assert!(is_transient(&shop.gateway.capture(&taken).await));
        assert_eq!(shop.gateway.capture(&taken).await.unwrap(), CaptureAnswer::Captured);

        shop.once(error());
        assert!(is_transient(&shop.gateway.refund(&taken, 500).await));
        shop.gateway.refund(&taken, 500).await.unwrap();
        taken.refunded = 500;
        shop.gateway.refund(&taken, 500).await.unwrap();

        let voided = order("ord-2", "pm_card_visa");
        let voided = with(&voided, &shop.held(&voided, 1).await);
        shop.once(error());
        assert!(is_transient(&shop.gateway.cancel(&voided).await));
        shop.gateway.cancel(&voided).await.unwrap();

        let ledger = shop.simulator.ledger();
        let totals = ledger.orders["ord-1"].totals;
        assert_eq!((totals.captured, totals.refunded), (1999, 1000), "took effect: {took_effect}");
        assert_eq!(ledger.orders["ord-2"].totals.held, 0);
    }
}

#[tokio::test]
async fn an_expired_authorisation_is_reported_at_the_capture_and_can_be_replaced() {
    let shop = Shop::open().await;
    let order = order("ord-1", "pm_card_visa");
    let expired = with(&order, &shop.held(&order, 1).await);
    shop.simulator.advance_clock(Duration::from_secs(8 * 24 * 60 * 60));
    assert_eq!(shop.gateway.find(&expired).await.unwrap(), Found::Nothing);
    assert_eq!(shop.gateway.capture(&expired).await.unwrap(), CaptureAnswer::Expired);
    let replacement = with(&order, &shop.held(&order, 2).await);
    assert_eq!(shop.gateway.capture(&replacement).await.unwrap(), CaptureAnswer::Captured);
}

#[tokio::test]
async fn a_forgotten_key_holds_the_money_twice_which_is_why_find_comes_first() {
    let shop = Shop::open().await;
    let order = order("ord-1", "pm_card_visa");
    let first = shop.held(&order, 1).await;
    shop.simulator.advance_clock(Duration::from_secs(25 * 60 * 60));
    let found = shop.gateway.find(&order).await.unwrap();
    assert_eq!(found, Found::Authorised { authorisation: first, surplus: Vec::new() });
    shop.held(&order, 1).await;
    assert_eq!(shop.simulator.ledger().orders["ord-1"].charges, 2);
}

#[tokio::test]
async fn a_card_that_needs_the_customer_is_a_decline() {
    let shop = Shop::open().await;
    let order = order("ord-1", "pm_card_authenticationRequired");
    let answer = shop.gateway.authorise(&order, 1).await.unwrap();
    assert_eq!(answer, GatewayAnswer::Declined("authentication_required".into()));
    assert_eq!(shop.gateway.find(&order).await.unwrap(), Found::Nothing);
}

#[tokio::test]
async fn every_request_that_changes_something_has_a_key_that_names_the_order_and_the_payment() {
    let shop = Shop::open().await;
    let order = order("ord-1", "pm_card_visa");
    let first = shop.held(&order, 1).await;
    let second = shop.held(&order, 2).await;
    shop.gateway.find(&order).await.unwrap();
    shop.gateway.capture(&with(&order, &first)).await.unwrap();
    shop.gateway.refund(&with(&order, &first), 5).await.unwrap();
    shop.gateway.cancel_payment(&order, &second.payment_intent).await.unwrap();
    let requests = shop.simulator.requests();
    let keys: Vec<_> = requests.iter().map(|request| request.idempotency_key.as_deref().unwrap_or("-")).collect();
    let (capture, void) =
        (format!("dev:ord-1:capture:{}", first.payment_intent), format!("dev:ord-1:void:{}", second.payment_intent));
    assert_eq!(
        keys,
        ["dev:ord-1:authorise", "dev:ord-1:authorise:2", "-", "-", "-", &capture, "dev:ord-1:refund:0", "-", &void]
    );
    assert!(requests.iter().all(|request| request.status == Some(200) && !request.replayed), "{requests:?}");
}
