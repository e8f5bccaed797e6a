//! The HTTP side of the simulator: as thin as it can be, everything is decided in the engine.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_smithy_types::base64;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, FromRequest, Path, Query, Request as HttpRequest, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post, put};

use serde::Deserialize;

use super::answer::{Answer, Problem};
use super::command::{Endpoint, Parameters};
use super::engine::{Admission, Engine, Request};
use super::fault::Faults;
use super::ledger::UnixSeconds;
use super::summary::LedgerSummary;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const SHOULD_RETRY: HeaderName = HeaderName::from_static("stripe-should-retry");

/// What every request shares.
pub(super) struct Shared {
    engine: Mutex<Engine>,
    api_key: String,
}

impl fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Shared").field("engine", &self.engine).finish_non_exhaustive()
    }
}

impl Shared {
    pub(super) fn new(api_key: String) -> Self {
        Self { engine: Mutex::default(), api_key }
    }

    /// The engine. Its state is sound after every step, so that a panic elsewhere does not spoil it.
    pub(super) fn engine(&self) -> MutexGuard<'_, Engine> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/v1/payment_intents", post(create_intent))
        .route("/v1/payment_intents/search", get(search_intents))
        .route("/v1/payment_intents/{id}", get(retrieve_intent))
        .route("/v1/payment_intents/{id}/capture", post(capture_intent))
        .route("/v1/payment_intents/{id}/cancel", post(cancel_intent))
        .route("/v1/refunds", post(create_refund))
        .route("/_simulator/faults", get(read_faults).post(replace_faults))
        .route("/_simulator/search", put(set_search))
        .route("/_simulator/ledger", get(read_ledger))
        .route("/_simulator/health", get(|| async { StatusCode::NO_CONTENT }))
        .fallback(unknown_route)
        .method_not_allowed_fallback(unknown_route)
        .with_state(shared)
}

type Gateway = State<Arc<Shared>>;

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

/// How stale the search is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SearchSettings {
    staleness_seconds: u32,
}

async fn set_search(State(shared): Gateway, Json(settings): Json<SearchSettings>) -> StatusCode {
    shared.engine().set_search_staleness(settings.staleness_seconds.into());
    StatusCode::NO_CONTENT
}

async fn read_faults(State(shared): Gateway) -> Json<Faults> {
    Json(shared.engine().faults().clone())
}

async fn replace_faults(State(shared): Gateway, Json(faults): Json<Faults>) -> StatusCode {
    shared.engine().set_faults(faults);
    StatusCode::NO_CONTENT
}

async fn read_ledger(State(shared): Gateway) -> Json<LedgerSummary> {
    Json(shared.engine().summary())
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

/// Reads a form; a request without a body needs no content type, as a capture in full has neither.
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
    let admission = shared.engine().admit(Request { endpoint, parameters, idempotency_key });
    match admission {
        Admission::Refused(answer) => respond(&answer),
        Admission::Replayed(answer) => {
            let mut response = respond(&answer);
            response.headers_mut().insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
            response
        }
        Admission::Execute(execution) => {
            let fault = execution.fault().clone();
            // A task of its own: a caller that hangs up does not stop the gateway from charging.
            let executed = tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(fault.latency_ms)).await;
                shared.engine().execute(execution, now())
            });
            match executed.await {
                Ok(_) if fault.no_answer => hang_up(),
                Ok(answer) => respond(&answer),
                Err(failure) => {
                    tracing::error!(%failure, "the payment gateway simulator failed to execute a request");
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

/// Closes the connection without an answer: a body that fails before the head is flushed takes the head with it.
fn hang_up() -> Response {
    let broken = std::io::Error::new(std::io::ErrorKind::ConnectionReset, "hung up on purpose");
    let body = futures::stream::once(std::future::ready(Err::<Bytes, _>(broken)));
    Response::new(Body::from_stream(body))
}

/// The API key of `Authorization: Bearer <key>` or of basic authentication, where it is the user name.
fn presented_key(headers: &HeaderMap) -> Option<String> {
    let (scheme, credentials) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(credentials.trim().to_owned());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(base64::decode(credentials.trim()).ok()?).ok()?;
    let key = decoded.split_once(':').map_or(decoded.as_str(), |(key, _)| key);
    Some(key.to_owned())
}

fn now() -> UnixSeconds {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixSeconds::try_from(elapsed.as_secs()).unwrap_or(UnixSeconds::MAX)
}
