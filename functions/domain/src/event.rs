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
    /// It was stored and priced.
    OrderValidated,
    /// It cannot be sold as it was asked for.
    OrderRejected,
    /// Every line's stock was reserved.
    StockReserved,
    /// A line could not be reserved.
    OrderOutOfStock,
    /// The payment was authorised.
    OrderConfirmed,
    /// The gateway declined the payment; the stock was released.
    PaymentDeclined,
    /// Another request came under the same id; nothing else changed.
    OrderConflict,
    /// It was cancelled before dispatch; the stock was released.
    OrderCancelled,
    /// It was to be cancelled when it was already on its way; nothing else changed.
    CancellationRefused,
    /// The parcel was handed to the carrier; the stock is sold.
    ShipmentDispatched,
    /// The customer has the parcel.
    ShipmentDelivered,
    /// The parcel came back.
    ShipmentReturned,
    /// More is to be given back than was reported before.
    RefundRaised,
    /// The amount is held: for an order that was cancelled meanwhile, or anew after the first hold lapsed.
    PaymentAuthorised,
    /// The amount was taken.
    PaymentCaptured,
    /// The hold was given up.
    PaymentVoided,
    /// Money was given back.
    PaymentRefunded,
    /// A message about it could not be processed: a person has to look; nothing else changed.
    OrderNeedsAttention,
}

impl EventType {
    /// Every type.
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The name in documents and message attributes.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// What happened to an order, when, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// The order.
    pub order_id: OrderId,
    /// Its customer.
    pub customer_id: CustomerId,
    /// Number of the event in the order's history, from 1, without gaps: the order's version after it.
    pub sequence: u64,
    /// What happened.
    pub event_type: EventType,
    /// When.
    pub at: Timestamp,
    /// Who did it: a stage's name.
    pub actor: String,
    /// What was asked for that led to it.
    pub cause: Cause,
    /// The id of the message that asked for it.
    pub message_id: String,
    /// Where the order stands after it.
    pub status: OrderStatus,
    /// Where the payment stands after it.
    pub payment_status: PaymentStatus,
    /// Where the parcel is after it.
    pub shipment_status: ShipmentStatus,
    /// What the order costs.
    pub total: Money,
    /// Why, where it ended badly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<RejectionReason>,
    /// Why the order was to be cancelled, once somebody asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "CancellationReason")]
    pub cancellation: Option<CancellationReason>,
    /// Why a person has to look at the order, by the reason of its dead letter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attention: Option<String>,
    /// Who carries the parcel, from its dispatch on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipment: Option<Shipment>,
    /// What is owed to the customer in all after a return, in minor units.
    #[serde(default)]
    pub refund_due: u64,
    /// What was given back to the customer so far, in minor units.
    #[serde(default)]
    pub refunded: u64,
}

/// What is asked for that can change an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Cause {
    /// The client places it.
    PlaceOrder,
    /// Its stock is to be reserved.
    ReserveStock,
    /// Its payment is to be authorised.
    AuthorisePayment,
    /// The warehouse or the carrier reports on its parcel.
    RecordShipment,
    /// The customer wants it cancelled.
    CancelOrder,
    /// Its money is to be settled.
    SettleMoney,
    /// Its reservation has lasted long enough.
    ExpireReservation,
    /// Its hold has lapsed.
    Reauthorise,
    /// A hold that it has no use for is to go back.
    CancelPayment,
    /// Money that was given back did not reach the customer.
    ReportFailedRefund,
}

/// Who changes an order, when, and on which message's account.
#[derive(Debug, Clone)]
pub struct CommandContext {
    /// The time of the change.
    pub at: Timestamp,
    /// The stage.
    pub actor: Stage,
    /// What is asked for.
    pub cause: Cause,
    /// The id of the message that asks for it.
    pub message_id: String,
}
