//! Webhooks: the event document, its signature, and where it goes (docs.stripe.com/webhooks).

mod event;
mod settings;
mod signature;

pub use event::body as event_body;
pub use settings::{WebhookFaults, WebhookSettings, WebhookSummary};
pub use signature::header as signature_header;
