//! The gateway of the tests: the shipped adapter over the payment simulator's engine, with faults on demand.

use order_domain::event::{Cause, CommandContext};
use order_domain::id::OrderId;
use order_domain::order::{CancellationReason, Order};
use order_domain::stage::Stage;
use order_domain::transition::Decision;
use order_handlers::adapters::stripe::{BreakerTransport, Reply, StripeGateway, Transport, Unanswered};
use order_handlers::circuit_breaker::CircuitBreaker;
use order_handlers::failure::Failure;
use order_handlers::ports::{Committed, Orders as _, Runtime as _};
use payment_simulator::{Endpoint, Faults, Parameters, Request};

use super::{Fault, Shop};

/// The environment that payments are labelled with.
const ENVIRONMENT: &str = "test";

impl Shop {
    /// The shipped gateway adapter.
    pub fn gateway(&self) -> StripeGateway<&Self> {
        StripeGateway::new(self, ENVIRONMENT.to_owned())
    }

    /// The same behind a circuit breaker.
    pub fn guarded<'a>(
        &'a self,
        breaker: &'a CircuitBreaker,
    ) -> StripeGateway<BreakerTransport<'a, &'a Self, &'a Self>> {
        StripeGateway::new(BreakerTransport { transport: self, breaker, runtime: self }, ENVIRONMENT.to_owned())
    }

    /// The number of authorisations of an order.
    pub fn authorisations(&self, order: &str) -> usize {
        self.engine.lock().unwrap().summary().orders.get(order).map_or(0, |payments| payments.charges)
    }

    /// The gateway's ids of an order's payments, oldest first.
    pub fn payments_of(&self, order: &str) -> Vec<String> {
        let engine = self.engine.lock().unwrap();
        let of = engine.intents().filter(|intent| intent.metadata.get("orderId").is_some_and(|label| label == order));
        of.map(|intent| intent.id.clone()).collect()
    }

    /// The card network ends an order's authorisations now.
    pub fn expire_authorisations(&self, order: &str) {
        for payment in self.payments_of(order) {
            self.engine.lock().unwrap().expire_authorisation(&payment, self.seconds());
        }
    }

    /// The gateway answers the next request with an error of its own, which it saves under the key.
    pub fn save_an_error(&self) {
        let faults = Faults { error_status: Some(500), remaining: Some(1), ..Faults::default() };
        self.engine.lock().unwrap().set_faults(faults);
    }

    /// Somebody else captures an order's money.
    pub fn capture_elsewhere(&self, order: &str) {
        let path = format!("/v1/payment_intents/{}/capture", self.payments_of(order)[0]);
        let captured = self.ask("POST", &path, Vec::new(), Some("by hand"));
        assert!(captured.status.is_success(), "{captured:?}");
    }

    fn seconds(&self) -> i64 {
        self.now().unix_milliseconds() / 1000
    }

    fn ask(&self, method: &str, path: &str, parameters: Parameters, key: Option<&str>) -> Reply {
        let endpoint = Endpoint::of(method, path).unwrap();
        let request = Request { endpoint, parameters, idempotency_key: key.map(str::to_owned) };
        let (answer, replayed) = self.engine.lock().unwrap().ask(request, self.seconds());
        Reply { status: answer.status.try_into().unwrap(), body: answer.body.to_string().into_bytes(), replayed }
    }

    /// Counts a call, and fails where it is to.
    async fn reach(&self, order: Option<&OrderId>) -> Result<(), Unanswered> {
        // A call takes time, and the rest of the batch goes on meanwhile.
        tokio::task::yield_now().await;
        *self.calls.lock().unwrap() += 1;
        if self.fails(Fault::Gateway, order) || *self.gateway_is_down.lock().unwrap() {
            return Err(no_reply("the gateway is down"));
        }
        Ok(())
    }

    /// The order of a payment or a request.
    fn order_of(&self, path: &str, parameters: &[(&str, String)]) -> Option<OrderId> {
        let given = |name| parameters.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone());
        let of_payment = |id: &str| Some(self.engine.lock().unwrap().intent(id)?.metadata.get("orderId")?.clone());
        let label = given("metadata[orderId]").or_else(|| of_payment(path.split('/').nth(3)?));
        OrderId::new(label?).ok()
    }

    async fn cancel_meanwhile(&self, order: &Order) {
        let context = CommandContext {
            at: self.now(),
            actor: Stage::Fulfilment,
            cause: Cause::SettleMoney,
            message_id: "m".into(),
        };
        let Decision::Apply(change) = order.cancelled(CancellationReason::CustomerRequest, &context) else {
            panic!("{order:?} cannot be cancelled")
        };
        assert_eq!((&self).commit(&change).await.unwrap(), Committed::Done);
    }

    /// Records the requests other than authorisations, in the words of the business.
    fn note(&self, path: &str, form: &[(&str, String)]) {
        let given = |name| form.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value);
        let attempt = || {
            let engine = self.engine.lock().unwrap();
            let intent = path.split('/').nth(3).and_then(|id| engine.intent(id));
            intent.and_then(|intent| intent.metadata.get("attempt").cloned()).unwrap_or_else(|| "1".to_owned())
        };
        let asked = match path.rsplit('/').next() {
            Some("capture") => format!("capture {}", given("amount_to_capture")),
            Some("cancel") => format!("cancel authorisation {}", attempt()),
            Some("refunds") => format!("refund {}", given("amount")),
            _ => return,
        };
        self.asked.lock().unwrap().push(asked);
    }
}

fn no_reply(what: &str) -> Unanswered {
    Unanswered::NoReply(Failure::transient_because(what))
}

impl Transport for Shop {
    async fn post(&self, path: &str, key: &str, form: &[(&str, String)], _: &str) -> Result<Reply, Unanswered> {
        let order_id = self.order_of(path, form);
        self.reach(order_id.as_ref()).await?;
        self.note(path, form);
        let declined = order_id.as_ref().is_some_and(|id| self.declines.lock().unwrap().contains(id));
        let parameters = form.iter().map(|(name, value)| match *name {
            "payment_method" if declined => ((*name).to_owned(), "pm_card_chargeDeclined".to_owned()),
            _ => ((*name).to_owned(), value.clone()),
        });
        let reply = self.ask("POST", path, parameters.collect(), Some(key));
        let authorises = path.ends_with("/payment_intents");
        if let Some(id) = order_id.as_ref().filter(|_| authorises)
            && self.cancel_during_authorisation.lock().unwrap().remove(id)
        {
            let order = self.orders.lock().unwrap()[id].clone();
            self.cancel_meanwhile(&order).await;
        }
        if self.fails(Fault::GatewayAnswer, order_id.as_ref()) {
            return Err(no_reply("the way back from the gateway is down"));
        }
        Ok(reply)
    }

    async fn get(&self, path: &str, query: &[(&str, String)], _: &str) -> Result<Reply, Unanswered> {
        self.reach(self.order_of(path, &[]).as_ref()).await?;
        let parameters = query.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        Ok(self.ask("GET", path, parameters, None))
    }
}
