//! The simulator's webhooks, received and verified as the pipeline does it.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use order_domain::order::Order;
use order_domain::time::Timestamp;
use order_handlers::adapters::stripe::webhook::{
    GatewayEvent, Kind, SIGNATURE_HEADER, TOLERANCE, WebhookError, verify,
};
use order_handlers::adapters::stripe::{Http, StripeGateway};
use order_handlers::ports::{Gateway, GatewayAnswer};
use payment_simulator::server::GatewaySimulator;
use payment_simulator::{WebhookFaults, WebhookSettings};

use super::order::{order, with};

const KEY: &str = "sk_test_simulated";
const SECRET: &str = "whsec_simulated";

/// An endpoint that keeps what it is told, and refuses the first few deliveries.
#[derive(Debug, Default)]
struct Received {
    deliveries: Mutex<Vec<(String, Bytes)>>,
    refuse: Mutex<usize>,
}

async fn receive(State(received): State<Arc<Received>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let mut refuse = received.refuse.lock().unwrap();
    if *refuse > 0 {
        *refuse -= 1;
        return StatusCode::INTERNAL_SERVER_ERROR;
    }
    let signature = headers[SIGNATURE_HEADER].to_str().unwrap().to_owned();
    received.deliveries.lock().unwrap().push((signature, body));
    StatusCode::OK
}

struct Shop {
    simulator: GatewaySimulator,
    gateway: StripeGateway<Http>,
    received: Arc<Received>,
    settings: WebhookSettings,
}

impl Shop {
    async fn open() -> Self {
        let received = Arc::new(Received::default());
        let router = Router::new().route("/webhooks", post(receive)).with_state(Arc::clone(&received));
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}/webhooks", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let simulator = GatewaySimulator::start(KEY).await.unwrap();
        let gateway = StripeGateway::at(simulator.url(), KEY, "dev").unwrap();
        let settings = WebhookSettings { first_retry_ms: 5, ..WebhookSettings::new(url, SECRET) };
        simulator.set_webhooks(Some(settings.clone()));
        Self { simulator, gateway, received, settings }
    }

    fn with_faults(&self, faults: WebhookFaults) {
        self.simulator.set_webhooks(Some(WebhookSettings { faults, ..self.settings.clone() }));
    }

    async fn held(&self, id: &str) -> Order {
        let order = order(id, "pm_card_visa");
        let GatewayAnswer::Authorised(authorisation) = self.gateway.authorise(&order, 1).await.unwrap() else {
            panic!("declined")
        };
        with(&order, &authorisation)
    }

    /// Every delivery, once there are so many.
    async fn deliveries(&self, count: usize) -> Vec<(String, Bytes)> {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let deliveries = self.received.deliveries.lock().unwrap().clone();
            if deliveries.len() >= count {
                return deliveries;
            }
            assert!(Instant::now() < deadline, "{} of {count}; {:?}", deliveries.len(), self.simulator.webhooks());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn events(&self, count: usize) -> Vec<GatewayEvent> {
        let deliveries = self.deliveries(count).await;
        deliveries.iter().map(|delivery| verified(delivery).unwrap()).collect()
    }
}

fn verified((signature, body): &(String, Bytes)) -> Result<GatewayEvent, WebhookError> {
    verify(body, signature, &[SECRET], Timestamp::now(), TOLERANCE)
}

#[tokio::test]
async fn a_payments_whole_life_is_told_and_believed() {
    let shop = Shop::open().await;
    let taken = shop.held("ord-1").await;
    shop.gateway.capture(&taken).await.unwrap();
    shop.gateway.refund(&taken, 999).await.unwrap();
    let voided = shop.held("ord-2").await;
    shop.gateway.cancel(&voided).await.unwrap();
    shop.gateway.authorise(&order("ord-3", "pm_card_chargeDeclined"), 1).await.unwrap();

    let events = shop.events(6).await;
    let of = |id: &str| {
        let events = events.iter().filter(|event| event.order_id.as_ref().is_some_and(|order| order.as_str() == id));
        let mut kinds: Vec<_> = events.clone().map(|event| format!("{:?}", event.kind)).collect();
        kinds.sort();
        assert!(events.clone().all(|event| event.payment_intent.is_some()));
        kinds
    };
    assert_eq!(of("ord-1"), ["Authorised", "Captured", "Refunded"]);
    assert_eq!(of("ord-2"), ["Authorised", "Cancelled"]);
    assert_eq!(of("ord-3"), ["Failed"]);
}

#[tokio::test]
async fn a_refused_webhook_comes_again_until_it_is_taken() {
    let shop = Shop::open().await;
    *shop.received.refuse.lock().unwrap() = 3;
    shop.held("ord-1").await;
    assert_eq!(shop.events(1).await[0].kind, Kind::Authorised);
    let deadline = Instant::now() + Duration::from_secs(10);
    while shop.simulator.webhooks().pending > 0 && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let summary = shop.simulator.webhooks();
    assert_eq!((summary.events, summary.refused, summary.delivered, summary.pending), (1, 3, 1, 0));
}

#[tokio::test]
async fn events_can_come_twice_and_out_of_order_and_keep_their_ids() {
    let shop = Shop::open().await;
    shop.with_faults(WebhookFaults { copies: 2, shuffle_within_ms: 200, seed: 7, ..WebhookFaults::default() });
    for number in 0..8 {
        shop.held(&format!("ord-{number}")).await;
    }
    let ids: Vec<String> = shop.events(16).await.into_iter().map(|event| event.id).collect();
    assert!(!ids.is_sorted(), "in order: {ids:?}");
    let mut distinct = ids.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), 8, "{ids:?}");
}

#[tokio::test]
async fn a_webhook_of_somebody_else_is_not_believed() {
    let shop = Shop::open().await;
    shop.with_faults(WebhookFaults { wrong_signature: true, ..WebhookFaults::default() });
    shop.held("ord-1").await;
    assert_eq!(verified(&shop.deliveries(1).await[0]), Err(WebhookError::WrongSignature));
}

#[tokio::test]
async fn while_the_secret_is_changed_both_sign() {
    let shop = Shop::open().await;
    let secrets = vec!["whsec_new".to_owned(), SECRET.to_owned()];
    shop.simulator.set_webhooks(Some(WebhookSettings { secrets, ..shop.settings.clone() }));
    shop.held("ord-1").await;
    let delivery = &shop.deliveries(1).await[0];
    assert!(verified(delivery).is_ok());
    assert!(verify(&delivery.1, &delivery.0, &["whsec_new"], Timestamp::now(), TOLERANCE).is_ok());
}

#[tokio::test]
async fn an_event_before_the_endpoint_was_registered_is_not_delivered() {
    let shop = Shop::open().await;
    shop.simulator.set_webhooks(None);
    shop.held("ord-1").await;
    shop.simulator.set_webhooks(Some(shop.settings.clone()));
    shop.held("ord-2").await;
    assert_eq!(shop.events(1).await[0].order_id.as_ref().map(|id| id.as_str()), Some("ord-2"));
}

#[tokio::test]
async fn an_expired_authorisation_is_published() {
    let shop = Shop::open().await;
    shop.held("ord-1").await;
    shop.simulator.advance_clock(Duration::from_secs(8 * 24 * 60 * 60));
    let kinds: Vec<_> = shop.events(2).await.into_iter().map(|event| event.kind).collect();
    assert!(kinds.contains(&Kind::Cancelled), "{kinds:?}");
}
