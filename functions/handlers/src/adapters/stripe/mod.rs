//! The payment gateway: Stripe's API, v1 (docs.stripe.com/api/payment_intents).

mod authorise;
mod breaker;
mod find;
mod http;
mod idempotent_retry;
mod objects;
mod refusal;
mod transport;
pub mod webhook;

use aws_sdk_secretsmanager::Client as SecretsManager;
use order_contract::variable;
use order_domain::order::{Authorisation, Order};

pub use self::breaker::BreakerTransport;
pub use self::http::{GatewaySetupError, Http};
use self::objects::PaymentIntent;
pub use self::transport::{Reply, Transport, Unanswered};
use super::secret::Secret;
use super::settings;
use crate::circuit_breaker::{self, CircuitBreaker};
use crate::failure::{DeadLetterReason, Failure};
use crate::ports::{CancelAnswer, CaptureAnswer, Found, Gateway, GatewayAnswer, Inspection, Runtime};

/// The account at the gateway, for the lifetime of a process: the connections and the state of their circuit breaker.
#[derive(Debug)]
pub struct StripeAccount {
    http: Http,
    breaker: CircuitBreaker,
    environment: String,
}

impl StripeAccount {
    /// The account that the environment names.
    ///
    /// # Errors
    /// When a variable is missing or no HTTP client can be built.
    pub fn from_environment(secrets: SecretsManager) -> Result<Self, GatewaySetupError> {
        let arn = settings::text(variable::PAYMENT_SECRET_ARN)?;
        let key = Secret::new(secrets, arn, "the payment gateway's key");
        let http = Http::new(settings::text(variable::PAYMENT_GATEWAY_URL)?, key)?;
        let breaker = CircuitBreaker::new(circuit_breaker::PAYMENT_GATEWAY);
        Ok(Self { http, breaker, environment: settings::text(variable::ENVIRONMENT_SUFFIX)? })
    }

    /// The gateway for an invocation.
    pub fn gateway<R: Runtime>(&self, runtime: R) -> StripeGateway<BreakerTransport<'_, &Http, R>> {
        let transport = BreakerTransport { transport: &self.http, breaker: &self.breaker, runtime };
        StripeGateway::new(transport, self.environment.clone())
    }
}

/// A client of the gateway.
#[derive(Debug)]
pub struct StripeGateway<T> {
    transport: T,
    /// Several environments may share an account of the gateway's, and the same order be placed in each.
    environment: String,
}

impl<T> StripeGateway<T> {
    /// A client over a transport, for the environment with this suffix.
    pub const fn new(transport: T, environment: String) -> Self {
        Self { transport, environment }
    }
}

impl StripeGateway<Http> {
    /// A gateway at a base URL (without a trailing slash), with a key that is known and an environment's suffix: outside of
    /// Lambda.
    ///
    /// # Errors
    /// When no HTTP client can be built.
    pub fn at(url: &str, api_key: &str, environment: &str) -> Result<Self, GatewaySetupError> {
        Ok(Self::new(Http::new(url.to_owned(), Secret::given(api_key.to_owned()))?, environment.to_owned()))
    }
}

impl<T: Transport> Gateway for StripeGateway<T> {
    async fn authorise(&self, order: &Order, attempt: u32) -> Result<GatewayAnswer, Failure> {
        let what = format!("the payment of order {} could not be authorised", order.order_id);
        let key = match attempt {
            1 => self.key(order, "authorise"),
            later => self.key(order, &format!("authorise:{later}")),
        };
        let form = authorise::form(order, attempt, &self.environment);
        let reply = self.transport.post("/v1/payment_intents", &key, &form, &what).await?;
        match authorise::answer(&reply, attempt, &what)? {
            // This is the gateway's saved answer to the first request: the authorisation may have expired since.
            GatewayAnswer::Authorised(hold) if reply.replayed => match self.read(&hold.payment_intent, &what).await? {
                Inspection::Expired => {
                    Err(authorise::spent(format!("{what}: the authorisation under this key has expired")))
                }
                Inspection::Authorised | Inspection::Captured { .. } => Ok(GatewayAnswer::Authorised(hold)),
            },
            answer => Ok(answer),
        }
    }

    async fn find(&self, order: &Order) -> Result<Found, Failure> {
        let what = format!("the payments of order {} could not be looked up", order.order_id);
        let reply = self.transport.get(find::PATH, &find::query(order), &what).await?;
        let mut payments = find::payments(&reply, order, &self.environment, &what)?;
        for payment in payments.iter_mut().filter(|payment| payment.status == "requires_capture") {
            // The search may still show an authorisation that has expired, so the payment is read again.
            *payment = self.payment(&payment.id, &what).await?;
        }
        // The caller knows that the order's own authorisation has expired, even if the gateway has not cancelled it yet, so it
        // does not count as found.
        payments.retain(|payment| payment.status != "requires_capture" || !order.knows_payment(&payment.id));
        find::meaning(payments, &what)
    }

    async fn capture(&self, order: &Order) -> Result<CaptureAnswer, Failure> {
        let what = format!("the payment of order {} could not be captured", order.order_id);
        let intent = &authorisation(order)?.payment_intent;
        let path = format!("/v1/payment_intents/{intent}/capture");
        let key = self.key(order, &format!("capture:{intent}"));
        let form = [("amount_to_capture", order.total.amount.to_string())];
        let reply = self.post_until_not_repeated(&path, &key, &form, &what).await?;
        match refusal::state_after(&reply, &what)?.as_str() {
            "succeeded" => Ok(CaptureAnswer::Captured),
            // The card network ends an authorisation after some days, and the gateway cancels the payment then.
            "canceled" => Ok(CaptureAnswer::Expired),
            state => Err(refusal::unexpected(state, &what)),
        }
    }

    async fn inspect(&self, order: &Order) -> Result<Inspection, Failure> {
        let what = format!("the payment for order {} could not be read", order.order_id);
        self.read(&authorisation(order)?.payment_intent, &what).await
    }

    async fn cancel(&self, order: &Order) -> Result<CancelAnswer, Failure> {
        self.cancel_intent(order, &authorisation(order)?.payment_intent).await
    }

    async fn cancel_payment(&self, order: &Order, payment_intent: &str) -> Result<(), Failure> {
        let what = format!("payment {payment_intent} of order {} could not be cancelled", order.order_id);
        let payment = self.payment(payment_intent, &what).await?;
        if !find::is_of(&payment, order, &self.environment) || payment.status == "canceled" {
            return Ok(());
        }
        match self.cancel_intent(order, payment_intent).await? {
            CancelAnswer::Cancelled => Ok(()),
            CancelAnswer::AlreadyCaptured => Err(refusal::unexpected("succeeded", &what)),
        }
    }

    async fn refund(&self, order: &Order, amount: u64) -> Result<(), Failure> {
        let what = format!("order {} could not be refunded", order.order_id);
        self.refund_once(order, &authorisation(order)?.payment_intent, amount, &what).await
    }
}

impl<T: Transport> StripeGateway<T> {
    /// The idempotency key of an operation on an order.
    fn key(&self, order: &Order, operation: &str) -> String {
        format!("{}:{}:{operation}", self.environment, order.order_id)
    }

    /// A payment as it is. Reading one object is never stale, unlike the search and what is saved under a key.
    async fn payment(&self, payment_intent: &str, what: &str) -> Result<PaymentIntent, Failure> {
        let path = format!("/v1/payment_intents/{payment_intent}");
        let reply = self.transport.get(&path, &[("expand[]", "latest_charge".to_owned())], what).await?;
        if !reply.status.is_success() {
            return Err(refusal::refusal(&reply, what));
        }
        PaymentIntent::of(&reply, what)
    }

    /// The state of a payment.
    async fn read(&self, payment_intent: &str, what: &str) -> Result<Inspection, Failure> {
        let intent = self.payment(payment_intent, what).await?;
        match (intent.status.as_str(), intent.refunded()) {
            ("requires_capture", _) => Ok(Inspection::Authorised),
            ("canceled", _) => Ok(Inspection::Expired),
            ("succeeded", Some(refunded)) => Ok(Inspection::Captured { refunded }),
            (state, _) => Err(refusal::unexpected(state, what)),
        }
    }

    async fn cancel_intent(&self, order: &Order, payment_intent: &str) -> Result<CancelAnswer, Failure> {
        let what = format!("payment {payment_intent} of order {} could not be voided", order.order_id);
        let path = format!("/v1/payment_intents/{payment_intent}/cancel");
        let key = self.key(order, &format!("void:{payment_intent}"));
        let form = [("cancellation_reason", "requested_by_customer".to_owned())];
        let reply = self.post_until_not_repeated(&path, &key, &form, &what).await?;
        match refusal::state_after(&reply, &what)?.as_str() {
            "canceled" => Ok(CancelAnswer::Cancelled),
            "succeeded" => Ok(CancelAnswer::AlreadyCaptured),
            state => Err(refusal::unexpected(state, &what)),
        }
    }
}

fn authorisation(order: &Order) -> Result<&Authorisation, Failure> {
    order.authorisation.as_ref().ok_or_else(|| Failure::Permanent {
        what: format!("order {} has no authorisation", order.order_id),
        reason: DeadLetterReason::IllegalCommand,
        cause: None,
    })
}
