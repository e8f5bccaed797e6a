//! Logs every request to Stripe's routes, even if the caller disconnects before the answer.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

use super::marks::{HungUp, IDEMPOTENCY_KEY, IDEMPOTENT_REPLAYED};
use crate::server::request_log::LoggedRequest;
use crate::server::shared::{Gateway, Shared};

/// Logs its request when it is dropped, so that every way to end is covered.
struct Entry {
    shared: Arc<Shared>,
    request: LoggedRequest,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.shared.log().add(self.request.clone());
    }
}

pub(super) async fn log(State(shared): Gateway, request: Request, next: Next) -> Response {
    let key = request.headers().get(IDEMPOTENCY_KEY);
    let logged = LoggedRequest {
        method: request.method().as_str().to_owned(),
        path: request.uri().path().to_owned(),
        idempotency_key: key.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()),
        status: None,
        replayed: false,
    };
    let mut entry = Entry { shared, request: logged };
    let response = next.run(request).await;
    if response.extensions().get::<HungUp>().is_none() {
        entry.request.status = Some(response.status().as_u16());
    }
    entry.request.replayed = response.headers().contains_key(IDEMPOTENT_REPLAYED);
    response
}
