//! The HTTP routes. They are thin: the engine decides everything.

mod admin;
mod logging;
mod marks;
mod stripe;

use std::sync::Arc;

use axum::Router;

use super::shared::Shared;

pub(super) fn router(shared: Arc<Shared>) -> Router {
    stripe::routes(Arc::clone(&shared)).merge(admin::routes()).with_state(shared)
}
