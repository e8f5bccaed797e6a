//! Serves a request: decides its fault, forwards it, answers.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State as Extract};
use axum::http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use axum::http::{HeaderMap, HeaderName, Method, Uri};
use axum::response::Response;

use super::answer;
use super::call::Call;
use super::fault::Fault;
use super::state::State;

/// Maximum wait for the upstream: longer than SQS's long polls (20 s) and than any client's timeout.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Headers of the connection, not of the message. The length follows from the body.
const OF_THE_CONNECTION: [HeaderName; 3] = [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING];

/// A client without redirects and without the system's proxy.
pub fn client() -> reqwest::Result<reqwest::Client> {
    // An error means that a provider is already installed, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().timeout(TIMEOUT).redirect(reqwest::redirect::Policy::none());
    client.no_proxy().build()
}

pub fn router(state: Arc<State>) -> Router {
    Router::new().fallback(serve).layer(DefaultBodyLimit::disable()).with_state(state)
}

async fn serve(
    Extract(state): Extract<Arc<State>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let call = Call::read(&method, uri.path(), &headers, &body);
    let fault = state.decide(&call);
    match fault {
        Some(Fault::Error { status }) => return answer::error(&call, status),
        Some(Fault::Throttled) => return answer::throttled(&call),
        Some(Fault::Slow { .. } | Fault::LostAnswer) | None => {}
    }
    // Its own task: the request takes effect even if the caller disconnects.
    let forwarded = tokio::spawn(async move {
        if let Some(Fault::Slow { by }) = fault {
            tokio::time::sleep(by).await;
        }
        forward(&state, &call, method, &uri, headers, body).await
    });
    match forwarded.await {
        Ok(_) if fault == Some(Fault::LostAnswer) => answer::hang_up(),
        Ok(response) => response,
        Err(failure) => {
            tracing::error!(%failure, "the fault proxy failed to forward a request");
            answer::hang_up()
        }
    }
}

async fn forward(state: &State, call: &Call, method: Method, uri: &Uri, headers: HeaderMap, body: Bytes) -> Response {
    let sent = async {
        let upstream = state.upstream()?;
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        let request = state.http().request(method, format!("{upstream}{target}"));
        // Including the `Host` header, which AWS's signature covers.
        let answer = request.headers(of_the_message(headers)).body(body).send().await.ok()?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.bytes().await.ok()?;
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        *response.headers_mut() = of_the_message(headers);
        Some(response)
    };
    match sent.await {
        Some(response) => response,
        None => {
            state.count_unreachable();
            answer::unreachable(call)
        }
    }
}

fn of_the_message(mut headers: HeaderMap) -> HeaderMap {
    for name in OF_THE_CONNECTION {
        headers.remove(name);
    }
    headers
}
