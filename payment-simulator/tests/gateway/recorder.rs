//! A proxy that writes down what passes through it.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, Method, Uri};
use axum::response::Response;
use serde_json::Value;

/// A request and its answer.
#[derive(Debug, Clone)]
pub struct Exchange {
    pub method: Method,
    /// Path and query.
    pub target: String,
    pub body: Bytes,
    pub status: u16,
    pub answer: Value,
}

/// The proxy.
pub struct Recorder {
    pub url: String,
    shared: Arc<Shared>,
}

struct Shared {
    upstream: String,
    http: reqwest::Client,
    exchanges: Mutex<Vec<Exchange>>,
}

impl Recorder {
    pub async fn start(upstream: &str, http: reqwest::Client) -> Self {
        let shared = Arc::new(Shared { upstream: upstream.to_owned(), http, exchanges: Mutex::default() });
        let router = Router::new().fallback(pass_on).with_state(Arc::clone(&shared));
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, shared }
    }

    pub fn exchanges(&self) -> Vec<Exchange> {
        self.shared.exchanges.lock().unwrap().clone()
    }
}

async fn pass_on(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let target = uri.path_and_query().unwrap().as_str().to_owned();
    let mut request = shared.http.request(method.clone(), format!("{}{target}", shared.upstream)).body(body.clone());
    for name in [AUTHORIZATION.as_str(), CONTENT_TYPE.as_str(), "idempotency-key", "stripe-signature"] {
        if let Some(value) = headers.get(name) {
            request = request.header(name, value);
        }
    }
    let answer = request.send().await.unwrap();
    let (status, replayed) = (answer.status(), answer.headers().get("idempotent-replayed").cloned());
    let bytes = answer.bytes().await.unwrap();
    let exchange = Exchange {
        method,
        target,
        body,
        status: status.as_u16(),
        answer: serde_json::from_slice(&bytes).unwrap_or_default(),
    };
    shared.exchanges.lock().unwrap().push(exchange);
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    if let Some(replayed) = replayed {
        response.headers_mut().insert("idempotent-replayed", replayed);
    }
    response
}
