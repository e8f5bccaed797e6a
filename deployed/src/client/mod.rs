//! A client of the order API: signed requests, typed answers, time limits, and retries where they are safe.

mod answer;
mod aws;
mod error;
mod http;
pub mod signature;

use std::time::{Duration, SystemTime};

pub use order_contract::api::answers::{Accepted, CustomerOrders, History, OrderView};
use rand::Rng;
use reqwest::{Method, StatusCode, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use answer::{Found, Placed, Problem};
pub use aws::aws_configuration;
pub use error::ApiError;
pub use http::http_client;

use crate::Connection;
use signature::Signer;

/// Chooses the TLS of every HTTP client of this process, which has to be done before the first is made.
pub fn use_tls() {
    // Another part of the process may have chosen the same provider already; then there is nothing to do.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How often a request is sent at most.
const ATTEMPTS: u32 = 4;
/// Longest wait before the first retry; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// A client of one environment's order API. Clones share its connections.
#[derive(Debug, Clone)]
pub struct ApiClient {
    http: reqwest::Client,
    base: Url,
    signer: Option<Signer>,
    attempts: u32,
}

impl ApiClient {
    /// A client that signs with the connection's keys.
    ///
    /// # Errors
    ///
    /// [`ApiError::Client`] when no HTTP client can be made, [`ApiError::Sign`] when the connection's URL is none.
    pub fn new(connection: &Connection) -> Result<Self, ApiError> {
        let signer = Signer::new(&connection.access_key_id, &connection.secret_access_key, &connection.region);
        Ok(Self { signer: Some(signer), ..Self::unsigned(connection)? })
    }

    /// A client that does not sign: every request is refused by an API that asks for IAM authorisation.
    ///
    /// # Errors
    ///
    /// As [`ApiClient::new`].
    pub fn unsigned(connection: &Connection) -> Result<Self, ApiError> {
        let base = Url::parse(&connection.api_url)
            .map_err(|error| ApiError::Sign { url: connection.api_url.clone(), source: error.into() })?;
        Ok(Self { http: http_client(TIMEOUT)?, base, signer: None, attempts: ATTEMPTS })
    }

    /// The same, but every request is sent once, for those who want to see what the API answers at first.
    #[must_use]
    pub fn without_retries(self) -> Self {
        Self { attempts: 1, ..self }
    }

    /// Sends an order. It is sent again when no answer came or the API was busy: the order's id makes that safe.
    ///
    /// # Errors
    ///
    /// [`ApiError`] when no answer came, or one that is not the API's.
    pub async fn place(&self, order: &Value) -> Result<Placed, ApiError> {
        self.place_body(order.to_string().into_bytes()).await
    }

    /// Sends any bytes as an order, for those who want to see what the API refuses.
    ///
    /// # Errors
    ///
    /// As [`ApiClient::place`].
    pub async fn place_body(&self, body: Vec<u8>) -> Result<Placed, ApiError> {
        self.post(&["orders"], body).await
    }

    /// Reports on a parcel as the warehouse or the carrier does: `update` is DISPATCHED, DELIVERED or RETURNED. It is sent
    /// again when no answer came: a report that was recorded changes nothing the second time.
    ///
    /// # Errors
    ///
    /// As [`ApiClient::place`].
    pub async fn report_shipment(&self, update: &Value) -> Result<Placed, ApiError> {
        self.post(&["shipments"], update.to_string().into_bytes()).await
    }

    /// Asks for an order to be cancelled, for a reason such as CUSTOMER_REQUEST.
    ///
    /// # Errors
    ///
    /// As [`ApiClient::place`].
    pub async fn cancel(&self, order_id: &str, reason: &str) -> Result<Placed, ApiError> {
        let body = serde_json::json!({ "reason": reason }).to_string().into_bytes();
        self.post(&["orders", order_id, "cancellation"], body).await
    }

    async fn post(&self, path: &[&str], body: Vec<u8>) -> Result<Placed, ApiError> {
        let answer = self.send(Method::POST, self.url(path), body).await?;
        if answer.status == StatusCode::ACCEPTED {
            return answer.read().map(Placed::Accepted);
        }
        Ok(Placed::Refused(answer.problem()))
    }

    /// One order.
    ///
    /// # Errors
    ///
    /// As [`ApiClient::place`].
    pub async fn order(&self, id: &str) -> Result<Found<OrderView>, ApiError> {
        self.get(self.url(&["orders", id])).await
    }

    /// An order's events.
    ///
    /// # Errors
    ///
    /// As [`ApiClient::place`].
    pub async fn history(&self, id: &str) -> Result<Found<History>, ApiError> {
        self.get(self.url(&["orders", id, "history"])).await
    }

    /// One page of a customer's orders, newest first; the first page without a cursor.
    ///
    /// # Errors
    ///
    /// As [`ApiClient::place`].
    pub async fn customer_orders(
        &self,
        id: &str,
        limit: Option<u16>,
        cursor: Option<&str>,
    ) -> Result<Found<CustomerOrders>, ApiError> {
        let mut url = self.url(&["customers", id, "orders"]);
        let limit = limit.map(|limit| limit.to_string());
        for (name, value) in [("limit", limit.as_deref()), ("cursor", cursor)] {
            if let Some(value) = value {
                url.query_pairs_mut().append_pair(name, value);
            }
        }
        self.get(url).await
    }

    async fn get<T: DeserializeOwned>(&self, url: Url) -> Result<Found<T>, ApiError> {
        let answer = self.send(Method::GET, url, Vec::new()).await?;
        if answer.status.is_success() { answer.read().map(Found::Found) } else { Ok(Found::Problem(answer.problem())) }
    }

    fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        // Fails for URLs such as `mailto:` only, which the environment never has; then the request fails with its URL.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    async fn send(&self, method: Method, url: Url, body: Vec<u8>) -> Result<Answer, ApiError> {
        let name = if method == Method::GET { "GET" } else { "POST" };
        let mut attempt = 1;
        loop {
            let sent = self.send_once(&method, &url, body.clone()).await?;
            let wait = match &sent {
                Ok(answer) if busy(answer.status) => answer.retry_after,
                Ok(_) => None,
                Err(_) => Some(Duration::ZERO),
            };
            let retry =
                attempt < self.attempts && (sent.is_err() || sent.as_ref().is_ok_and(|answer| busy(answer.status)));
            match sent {
                Ok(answer) if !retry => return Ok(Answer { method: name, url: url.into(), ..answer }),
                Err(source) if !retry => {
                    return Err(ApiError::NoAnswer { method: name, url: url.into(), attempts: attempt, source });
                }
                _ => tokio::time::sleep(wait.unwrap_or_default().max(full_jitter(attempt))).await,
            }
            attempt += 1;
        }
    }

    async fn send_once(
        &self,
        method: &Method,
        url: &Url,
        body: Vec<u8>,
    ) -> Result<Result<Answer, reqwest::Error>, ApiError> {
        let mut request = self.http.request(method.clone(), url.clone());
        if let Some(signer) = &self.signer {
            let headers = signer
                .headers("execute-api", method.as_str(), url.as_str(), &[], &body, SystemTime::now())
                .map_err(|source| ApiError::Sign { url: url.to_string(), source })?;
            request = headers.into_iter().fold(request, |request, (name, value)| request.header(name, value));
        }
        if *method == Method::POST {
            request = request.header(reqwest::header::CONTENT_TYPE, "application/json").body(body);
        }
        Ok(Answer::receive(request).await)
    }
}

/// Whether the API asks to be called again later, having done nothing.
fn busy(status: StatusCode) -> bool {
    matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
}

/// A wait before the next attempt, anywhere between nothing and the most, so that clients do not retry in step.
fn full_jitter(attempt: u32) -> Duration {
    rand::rng().random_range(Duration::ZERO..=FIRST_WAIT * 2_u32.saturating_pow(attempt - 1))
}

/// An answer as it came.
struct Answer {
    method: &'static str,
    url: String,
    status: StatusCode,
    retry_after: Option<Duration>,
    body: String,
}

impl Answer {
    async fn receive(request: reqwest::RequestBuilder) -> Result<Self, reqwest::Error> {
        let response = request.send().await?;
        let status = response.status();
        let retry_after = response
            .headers()
            .get(reqwest::header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .map(Duration::from_secs);
        let body = response.text().await?;
        Ok(Self { method: "", url: String::new(), status, retry_after, body })
    }

    fn read<T: DeserializeOwned>(self) -> Result<T, ApiError> {
        serde_json::from_str(&self.body).map_err(|source| ApiError::UnexpectedBody {
            method: self.method,
            url: self.url,
            status: self.status.as_u16(),
            body: self.body.chars().take(300).collect(),
            source,
        })
    }

    fn problem(self) -> Problem {
        Problem::read(self.status.as_u16(), self.retry_after, self.body)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use axum::Router;
    use axum::http::HeaderMap;
    use axum::response::IntoResponse;
    use axum::routing::{get, post};
    use order_contract::api::answers::ReceiptStatus;
    use serde_json::json;

    use super::*;

    async fn connection(router: Router) -> Connection {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Connection {
            api_url: format!("{endpoint}/restapis/api/stage/_user_request_"),
            endpoint,
            region: "eu-west-2".into(),
            access_key_id: "test".into(),
            secret_access_key: "test".into(),
            orders_table: String::new(),
            inventory_table: String::new(),
            queues: BTreeMap::new(),
            topics: BTreeMap::new(),
            functions: BTreeMap::new(),
            log_groups: BTreeMap::new(),
        }
    }

    const ORDERS: &str = "/restapis/api/stage/_user_request_/orders";

    #[tokio::test]
    async fn an_order_is_signed_and_its_receipt_read() {
        let accept = |headers: HeaderMap| async move {
            assert!(headers["authorization"].to_str().unwrap().contains("/execute-api/aws4_request"));
            (StatusCode::ACCEPTED, r#"{"status":"RECEIVED","receipt":"m-1"}"#)
        };
        let client = ApiClient::new(&connection(Router::new().route(ORDERS, post(accept))).await).unwrap();
        let placed = client.place(&json!({ "orderId": "ord-1" })).await.unwrap();
        assert_eq!(placed, Placed::Accepted(Accepted { status: ReceiptStatus::Received, receipt: "m-1".into() }));
    }

    #[tokio::test]
    async fn an_unsigned_client_sends_no_signature_and_gets_the_refusal_as_an_answer() {
        let refuse = |headers: HeaderMap| async move {
            assert!(!headers.contains_key("authorization"));
            (StatusCode::FORBIDDEN, r#"{"title":"Forbidden"}"#)
        };
        let client = ApiClient::unsigned(&connection(Router::new().route(ORDERS, post(refuse))).await).unwrap();
        let Placed::Refused(problem) = client.place(&json!({})).await.unwrap() else { panic!("it was accepted") };
        assert_eq!((problem.status, problem.title.as_deref()), (403, Some("Forbidden")));
    }

    #[tokio::test]
    async fn a_busy_api_is_asked_again_and_a_refusal_is_not() {
        let calls = Arc::new(AtomicU32::new(0));
        let counter = Arc::clone(&calls);
        let busy_once = move || async move {
            match counter.fetch_add(1, Ordering::SeqCst) {
                0 => StatusCode::TOO_MANY_REQUESTS.into_response(),
                _ => StatusCode::BAD_REQUEST.into_response(),
            }
        };
        let client = ApiClient::new(&connection(Router::new().route(ORDERS, post(busy_once))).await).unwrap();
        let Placed::Refused(problem) = client.place(&json!({})).await.unwrap() else { panic!("it was accepted") };
        assert_eq!((problem.status, calls.load(Ordering::SeqCst)), (400, 2));
    }

    #[tokio::test]
    async fn a_client_without_retries_shows_the_first_answer() {
        let busy = || async { StatusCode::SERVICE_UNAVAILABLE };
        let client = ApiClient::new(&connection(Router::new().route(ORDERS, post(busy))).await).unwrap();
        let placed = client.without_retries().place(&json!({})).await.unwrap();
        assert!(matches!(&placed, Placed::Refused(problem) if problem.status == 503), "{placed:?}");
    }

    #[tokio::test]
    async fn a_page_is_asked_for_with_its_cursor() {
        let route = "/restapis/api/stage/_user_request_/customers/cus-1/orders";
        let page = |uri: axum::http::Uri| async move {
            assert_eq!(uri.query(), Some("limit=2&cursor=a%2Bb"));
            r#"{"orders":[],"next":null}"#
        };
        let client = ApiClient::new(&connection(Router::new().route(route, get(page))).await).unwrap();
        let page = client.customer_orders("cus-1", Some(2), Some("a+b")).await.unwrap().found().unwrap();
        assert_eq!(page, CustomerOrders::default());
    }

    #[tokio::test]
    async fn an_api_that_is_not_there_is_named_in_the_error() {
        let mut connection = connection(Router::new()).await;
        connection.api_url = "http://127.0.0.1:1".into();
        let error = ApiClient::new(&connection).unwrap().order("ord-1").await.unwrap_err();
        assert!(error.to_string().contains("GET http://127.0.0.1:1/orders/ord-1"), "{error}");
    }
}
