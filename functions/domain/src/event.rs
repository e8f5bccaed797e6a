//! Events: one for each transition of an order, immutable, numbered without gaps.
//!
//! An event holds no personal data, so it can go to other systems as it is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{CustomerId, OrderId};
use crate::money::Money;
use crate::order::{CancellationReason, OrderStatus, PaymentStatus, RejectionReason, Shipment, ShipmentStatus};
use crate::stage::Stage;
use crate::time::Timestamp;

/// What happened to an order.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    strum::VariantArray,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum EventType {
    /// The order was priced and stored.
    OrderValidated,
    /// The order cannot be sold as requested, e.g. with an unknown product.
    OrderRejected,
    /// Every line's stock was reserved.
    StockReserved,
    /// The stock of a line was too small; nothing was reserved.
    OrderOutOfStock,
    /// The payment was authorised.
    OrderConfirmed,
    /// The gateway declined the payment; the stock was released.
    PaymentDeclined,
    /// Another request used the same order id; nothing else changed.
    OrderConflict,
    /// The order was cancelled before its dispatch; the stock was released.
    OrderCancelled,
    /// A cancellation came after the dispatch and was refused; nothing else changed.
    CancellationRefused,
    /// The parcel was handed to the carrier; the stock is sold.
    ShipmentDispatched,
    /// The customer has the parcel.
    ShipmentDelivered,
    /// The parcel came back.
    ShipmentReturned,
    /// A later report says that a larger refund is due.
    RefundRaised,
    /// The payment was re-authorised after the first authorisation expired, or authorised for an order that was cancelled meanwhile.
    PaymentAuthorised,
    /// The amount was captured.
    PaymentCaptured,
    /// The authorisation was voided.
    PaymentVoided,
    /// Money was refunded.
    PaymentRefunded,
    /// A message about the order was dead-lettered, so a person has to review it; nothing else changed.
    OrderNeedsAttention,
}

impl EventType {
    /// All event types.
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The name in documents and message attributes.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// One change of an order: what happened, when, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// The order.
    pub order_id: OrderId,
    /// The customer who placed the order.
    pub customer_id: CustomerId,
    /// Number of the event in the order's history, from 1, without gaps: the order's version after it.
    pub sequence: u64,
    /// What happened.
    pub event_type: EventType,
    /// The time of the change.
    pub at: Timestamp,
    /// The name of the stage that made the change.
    pub actor: String,
    /// The kind of command that led to the change.
    pub cause: Cause,
    /// The id of the message that carried the command.
    pub message_id: String,
    /// The order's status after the change.
    pub status: OrderStatus,
    /// The payment's status after the change.
    pub payment_status: PaymentStatus,
    /// The shipment's status after the change.
    pub shipment_status: ShipmentStatus,
    /// The order's total, with delivery and tax.
    pub total: Money,
    /// Why the order was rejected or cancelled by the pipeline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<RejectionReason>,
    /// The reason that was given for a cancellation, if one was requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "CancellationReason")]
    pub cancellation: Option<CancellationReason>,
    /// Why a person has to review the order: the reason of its dead-lettered message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attention: Option<String>,
    /// The carrier and its tracking number, from the dispatch on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipment: Option<Shipment>,
    /// The sum of all refunds due to the customer after a return, in minor units.
    #[serde(default)]
    pub refund_due: u64,
    /// The sum that was refunded to the customer so far, in minor units.
    #[serde(default)]
    pub refunded: u64,
}

/// The kind of command that can change an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Cause {
    /// The client places the order.
    PlaceOrder,
    /// Reserve the order's stock.
    ReserveStock,
    /// Authorise the payment.
    AuthorisePayment,
    /// The warehouse or the carrier reports on the parcel.
    RecordShipment,
    /// The customer cancels the order.
    CancelOrder,
    /// Settle the money that is due.
    SettleMoney,
    /// Cancel the order, because its reservation expired without a payment.
    ExpireReservation,
    /// Re-authorise the payment, because the authorisation expired.
    Reauthorise,
    /// Cancel a payment at the gateway that the order does not need.
    CancelPayment,
    /// The gateway reports that a refund did not reach the customer.
    ReportFailedRefund,
}

/// Which stage changes an order, when, and because of which message.
#[derive(Debug, Clone)]
pub struct CommandContext {
    /// The time of the change.
    pub at: Timestamp,
    /// The stage that makes the change.
    pub actor: Stage,
    /// The kind of command.
    pub cause: Cause,
    /// The id of the message that carries the command.
    pub message_id: String,
}
