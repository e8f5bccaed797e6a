//! What API Gateway puts around a document before it stores it in a queue.

/// What the API puts around the document of `POST /shipments` to make it a [`FulfilmentCommand`](crate::message::FulfilmentCommand).
pub const AROUND_A_SHIPMENT: [&str; 2] = [r#"{"command":"RECORD_SHIPMENT","shipment":"#, "}"];
/// What the API puts around the order's id and the document of `POST /orders/{orderId}/cancellation`.
///
/// The id comes from the path and is not escaped: whatever it holds, `FulfilmentCommand` takes no field twice, none that
/// it does not know, and no id of another shape.
pub const AROUND_A_CANCELLATION: [&str; 3] = [r#"{"command":"CANCEL_ORDER","orderId":""#, r#"","cancellation":"#, "}"];

/// The message attribute in which the API keeps the signature of what it took at `POST /webhooks/payment`. The message's
/// body is the request's, byte for byte: the signature is over those bytes.
pub const WEBHOOK_SIGNATURE_ATTRIBUTE: &str = "signature";
/// The spellings of the header that carries the signature, in the order in which the attribute has their values, with a
/// comma between them. API Gateway finds a header by its exact spelling, and HTTP/2 spells all in lower case: usually one
/// of the values is empty, and an empty element of the attribute means nothing.
pub const WEBHOOK_SIGNATURE_HEADERS: [&str; 2] = ["Stripe-Signature", "stripe-signature"];
