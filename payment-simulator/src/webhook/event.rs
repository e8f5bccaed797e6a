//! What happened, as Stripe's event object (docs.stripe.com/api/events/object).

use serde_json::json;

use super::super::engine::PendingEvent;

/// The version whose object shapes the simulator follows: that of the OpenAPI document in the contract test.
const API_VERSION: &str = "2026-08-26.dahlia";

/// The event's body; a redelivery repeats it to the byte.
pub fn body(pending_events: &PendingEvent, number: u64) -> String {
    let PendingEvent { occurrence, idempotency_key } = pending_events;
    let request = idempotency_key.as_ref().map(|_| format!("req_simulated{number:010}"));
    json!({
        "id": format!("evt_simulated{number:010}"),
        "object": "event",
        "api_version": API_VERSION,
        "created": occurrence.at,
        "data": { "object": occurrence.object },
        "livemode": false,
        "pending_webhooks": 1,
        "request": { "id": request, "idempotency_key": idempotency_key },
        "type": occurrence.event_type.name(),
    })
    .to_string()
}
