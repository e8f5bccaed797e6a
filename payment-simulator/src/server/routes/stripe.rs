//! Stripe's routes.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, FromRequest, Path, Query, Request as HttpRequest, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::middleware;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::logging;
use super::marks::{HungUp, IDEMPOTENCY_KEY, IDEMPOTENT_REPLAYED};
use crate::answer::{Answer, Problem};
use crate::command::{Endpoint, Parameters};
use crate::engine::{Admission, Request};
use crate::server::clock;
use crate::server::shared::{Gateway, Shared};

const SHOULD_RETRY: HeaderName = HeaderName::from_static("stripe-should-retry");

pub(super) fn routes(shared: Arc<Shared>) -> Router<Arc<Shared>> {
    Router::new()
        .route("/v1/payment_intents", post(create_intent))
        .route("/v1/payment_intents/search", get(search_intents))
        .route("/v1/payment_intents/{id}", get(retrieve_intent))
        .route("/v1/payment_intents/{id}/capture", post(capture_intent))
        .route("/v1/payment_intents/{id}/cancel", post(cancel_intent))
        .route("/v1/refunds", post(create_refund))
        .fallback(unknown_route)
        .method_not_allowed_fallback(unknown_route)
        .layer(middleware::from_fn_with_state(shared, logging::log))
}

async fn create_intent(State(shared): Gateway, request: HttpRequest) -> Response {
    serve_form(shared, Endpoint::CreateIntent, request).await
}

async fn capture_intent(State(shared): Gateway, Path(id): Path<String>, request: HttpRequest) -> Response {
    serve_form(shared, Endpoint::CaptureIntent(id), request).await
}

async fn cancel_intent(State(shared): Gateway, Path(id): Path<String>, request: HttpRequest) -> Response {
    serve_form(shared, Endpoint::CancelIntent(id), request).await
}

async fn create_refund(State(shared): Gateway, request: HttpRequest) -> Response {
    serve_form(shared, Endpoint::CreateRefund, request).await
}

async fn retrieve_intent(
    State(shared): Gateway,
    Path(id): Path<String>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
) -> Response {
    serve(shared, Endpoint::RetrieveIntent(id), &headers, parameters).await
}

async fn search_intents(State(shared): Gateway, Query(parameters): Query<Parameters>, headers: HeaderMap) -> Response {
    serve(shared, Endpoint::SearchIntents, &headers, parameters).await
}

async fn unknown_route(method: Method, uri: Uri) -> Response {
    respond(&Problem::unknown_route(method.as_str(), uri.path()).into())
}

async fn serve_form(shared: Arc<Shared>, endpoint: Endpoint, request: HttpRequest) -> Response {
    let headers = request.headers().clone();
    match form(request).await {
        Ok(parameters) => serve(shared, endpoint, &headers, parameters).await,
        Err(rejection) => {
            let message = format!("The request's body is not a form: {rejection}");
            respond(&Problem::invalid_request(message).into())
        }
    }
}

/// Reads a form. A request without a body, such as a full capture, has no content type.
async fn form(request: HttpRequest) -> Result<Parameters, FormRejection> {
    if request.headers().contains_key(CONTENT_TYPE) {
        Form::<Parameters>::from_request(request, &()).await.map(|Form(parameters)| parameters)
    } else {
        Ok(Parameters::new())
    }
}

async fn serve(shared: Arc<Shared>, endpoint: Endpoint, headers: &HeaderMap, parameters: Parameters) -> Response {
    let presented = presented_key(headers);
    if presented.as_deref() != Some(shared.api_key.as_str()) {
        return respond(&Problem::unauthorised(presented.is_some()).into());
    }
    let idempotency_key =
        headers.get(IDEMPOTENCY_KEY).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let admission = shared.engine().admit(Request { endpoint, parameters, idempotency_key }, clock::now());
    match admission {
        Admission::Refused(answer) => respond(&answer),
        Admission::Replayed(answer) => {
            let mut response = respond(&answer);
            response.headers_mut().insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
            response
        }
        Admission::Execute(execution) => {
            let fault = execution.fault().clone();
            // Its own task: the gateway charges even if the caller disconnects.
            let executed = tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(fault.latency_ms)).await;
                let answer = shared.engine().execute(execution, clock::now());
                shared.publish();
                answer
            });
            match executed.await {
                Ok(_) if fault.no_answer => hang_up(),
                Ok(answer) => respond(&answer),
                Err(failure) => {
                    tracing::error!(%failure, "the payment simulator failed to execute a request");
                    hang_up()
                }
            }
        }
    }
}

fn respond(answer: &Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, Json(&answer.body)).into_response();
    if status == StatusCode::CONFLICT {
        response.headers_mut().insert(SHOULD_RETRY, HeaderValue::from_static("true"));
    }
    response
}

/// Closes the connection without an answer.
fn hang_up() -> Response {
    let broken = std::io::Error::new(std::io::ErrorKind::ConnectionReset, "hung up on purpose");
    // A body that fails before the head is flushed takes the head with it.
    let body = futures::stream::once(std::future::ready(Err::<Bytes, _>(broken)));
    let mut response = Response::new(Body::from_stream(body));
    response.extensions_mut().insert(HungUp);
    response
}

/// The API key: of `Authorization: Bearer <key>`, or the user name of basic authentication.
fn presented_key(headers: &HeaderMap) -> Option<String> {
    let (scheme, credentials) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(credentials.trim().to_owned());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
    let key = decoded.split_once(':').map_or(decoded.as_str(), |(key, _)| key);
    Some(key.to_owned())
}
