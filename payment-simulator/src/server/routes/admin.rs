//! Admin routes, for tests and people. They need no API key, because the server listens on the loopback address only.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Json;
use axum::routing::{get, post, put};
use serde::{Deserialize, Serialize};

use crate::fault::Faults;
use crate::ledger::UnixSeconds;
use crate::server::clock;
use crate::server::request_log::LoggedRequest;
use crate::server::shared::{Gateway, Shared};
use crate::summary::LedgerSummary;
use crate::webhook::{WebhookSettings, WebhookSummary};

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/_simulator/faults", get(read_faults).post(replace_faults))
        .route("/_simulator/search", put(set_search))
        .route("/_simulator/webhooks", get(read_webhooks).put(set_webhooks).delete(remove_webhooks))
        .route("/_simulator/clock", get(read_clock))
        .route("/_simulator/clock/advance", post(advance_clock))
        .route("/_simulator/requests", get(read_requests).delete(clear_requests))
        .route("/_simulator/ledger", get(read_ledger))
        .route("/_simulator/health", get(|| async { StatusCode::NO_CONTENT }))
}

async fn read_faults(State(shared): Gateway) -> Json<Faults> {
    Json(shared.engine().faults().clone())
}

async fn replace_faults(State(shared): Gateway, Json(faults): Json<Faults>) -> StatusCode {
    shared.engine().set_faults(faults);
    StatusCode::NO_CONTENT
}

/// Settings of the search index.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SearchSettings {
    staleness_seconds: u32,
}

async fn set_search(State(shared): Gateway, Json(settings): Json<SearchSettings>) -> StatusCode {
    shared.engine().set_search_staleness(settings.staleness_seconds.into());
    StatusCode::NO_CONTENT
}

async fn read_webhooks(State(shared): Gateway) -> Json<WebhookSummary> {
    Json(shared.webhooks().summary())
}

async fn set_webhooks(State(shared): Gateway, Json(settings): Json<WebhookSettings>) -> StatusCode {
    shared.webhooks().set(Some(settings));
    StatusCode::NO_CONTENT
}

async fn remove_webhooks(State(shared): Gateway) -> StatusCode {
    shared.webhooks().set(None);
    StatusCode::NO_CONTENT
}

/// The gateway's time.
#[derive(Debug, Serialize)]
struct Clock {
    now: UnixSeconds,
}

async fn read_clock(State(shared): Gateway) -> Json<Clock> {
    Json(Clock { now: shared.engine().time(clock::now()) })
}

/// How far to advance the clock.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: u32,
}

async fn advance_clock(State(shared): Gateway, Json(advance): Json<Advance>) -> Json<Clock> {
    shared.engine().advance(advance.seconds, clock::now());
    shared.publish();
    read_clock(State(shared)).await
}

async fn read_requests(State(shared): Gateway) -> Json<Vec<LoggedRequest>> {
    Json(shared.log().all())
}

async fn clear_requests(State(shared): Gateway) -> StatusCode {
    shared.log().clear();
    StatusCode::NO_CONTENT
}

async fn read_ledger(State(shared): Gateway) -> Json<LedgerSummary> {
    Json(shared.engine().summary())
}
