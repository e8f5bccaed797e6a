//! An order as it is stored: customer, lines, amounts, and the states of its three machines (order, payment, shipment).

use std::collections::BTreeSet;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::charges::VatRate;
use crate::fingerprint::Fingerprint;
use crate::id::{CustomerId, OrderId, PaymentCustomerToken, PaymentMethodToken, Sku};
use crate::money::{Currency, Money};
use crate::request::{Address, Channel, Customer};
use crate::stock::StockPart;
use crate::time::Timestamp;

/// The order's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, strum::IntoStaticStr)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum OrderStatus {
    /// Accepted by the API, not yet stored as an order. No order is ever loaded in this state.
    Received,
    /// Priced from the catalogue.
    Validated,
    /// Every line's stock is reserved.
    Reserved,
    /// The payment is authorised.
    Confirmed,
    /// Delivered and paid.
    Completed,
    /// Cannot be sold as requested.
    Rejected,
    /// A line could not be reserved.
    OutOfStock,
    /// The gateway declined the payment.
    PaymentDeclined,
    /// Cancelled before dispatch.
    Cancelled,
}

impl OrderStatus {
    /// The name in documents, attributes and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Whether the inventory stage is done with the order: its stock is reserved, or it ended.
    #[must_use]
    pub const fn has_left_inventory(self) -> bool {
        match self {
            Self::Received | Self::Validated => false,
            Self::Reserved => true,
            other => other.has_left_payment(),
        }
    }

    /// Whether the payment stage is done with the order: it is confirmed, or it ended.
    #[must_use]
    pub const fn has_left_payment(self) -> bool {
        match self {
            Self::Received | Self::Validated | Self::Reserved => false,
            Self::Confirmed
            | Self::Completed
            | Self::Rejected
            | Self::OutOfStock
            | Self::PaymentDeclined
            | Self::Cancelled => true,
        }
    }

    /// Whether the order's parcel can still be dispatched, now or later.
    #[must_use]
    pub const fn may_still_be_dispatched(self) -> bool {
        match self {
            Self::Received | Self::Validated | Self::Reserved | Self::Confirmed => true,
            Self::Completed | Self::Rejected | Self::OutOfStock | Self::PaymentDeclined | Self::Cancelled => false,
        }
    }

    /// Whether the pipeline itself still has to move the order on. A confirmed order waits for the warehouse.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Received | Self::Validated | Self::Reserved)
    }
}

impl fmt::Display for OrderStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// The payment's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PaymentStatus {
    /// The gateway was not asked yet, or its answer is not known.
    None,
    /// The amount is authorised.
    Authorised,
    /// The amount was captured.
    Captured,
    /// The whole amount was refunded.
    Refunded,
    /// The gateway declined the payment.
    Declined,
    /// The authorisation was voided, or expired without another.
    Voided,
}

/// The shipment's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ShipmentStatus {
    /// Not dispatched.
    None,
    /// Handed to the carrier.
    Dispatched,
    /// Delivered to the customer.
    Delivered,
    /// Returned to the warehouse, or lost on its way.
    Returned,
}

/// One line of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// The product's SKU.
    pub sku: Sku,
    /// The product's display name when it was ordered.
    pub name: String,
    /// The number of units, at least 1.
    pub quantity: u32,
    /// The price of one unit, tax included, when it was ordered.
    pub unit_price: Money,
    /// The tax that the price includes.
    #[serde(default)]
    pub vat_rate: VatRate,
    /// The number of shards that the SKU's stock had when it was ordered.
    pub stock_shards: u16,
    /// The shards that the line's units were reserved from; empty before the reservation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reserved_from: Vec<StockPart>,
}

impl Line {
    /// The tax that the line's price includes, in minor units.
    #[must_use]
    pub const fn vat(&self) -> u64 {
        let price = Money::new(self.unit_price.amount.saturating_mul(self.quantity as u64), self.unit_price.currency);
        self.vat_rate.included_in(price)
    }
}

/// Why a valid order cannot be sold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "code", rename_all = "SCREAMING_SNAKE_CASE", rename_all_fields = "camelCase")]
pub enum RejectionReason {
    /// The catalogue does not know the SKU.
    UnknownSku {
        /// The SKU.
        sku: Sku,
    },
    /// The product has no price in the currency.
    CurrencyNotSold {
        /// The currency.
        currency: Currency,
    },
    /// The client's expected total differs from the catalogue's.
    PriceMismatch {
        /// The client's expected total, in minor units.
        expected: u64,
        /// The total by the catalogue, in minor units.
        actual: u64,
    },
    /// The total is above [`Money::MAX_AMOUNT`].
    TotalTooLarge,
    /// The stock of a line is too small.
    OutOfStock {
        /// The line's SKU.
        sku: Sku,
    },
    /// The gateway declined the payment.
    PaymentDeclined {
        /// The gateway's reason, such as `insufficient_funds`.
        decline_code: String,
    },
    /// The reservation expired before the payment was authorised.
    ReservationExpired,
}

/// The authorisation of an order's payment at the gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Authorisation {
    /// The gateway's id of the payment.
    pub payment_intent: String,
    /// The number of the authorisation, from 1: a new one, after one expired, has another idempotency key.
    #[serde(default = "first")]
    pub attempt: u32,
    /// The time until which the amount can be captured: the gateway's answer, or by default the shortest possible time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture_before: Option<Timestamp>,
}

/// Orders that were stored before authorisations were numbered have their first one.
const fn first() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(amount: &u64) -> bool {
    *amount == 0
}

/// A dispatched parcel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Shipment {
    /// The carrier's name.
    #[schemars(length(min = 1, max = 60))]
    pub carrier: String,
    /// The carrier's tracking number.
    #[schemars(length(min = 1, max = 60))]
    pub tracking_number: String,
}

/// A mark on an order that a person has to review, because a message about it was dead-lettered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Attention {
    /// The reason of the dead-lettered message; operators search by it.
    pub reason: String,
    /// The stage that dead-lettered the message.
    pub stage: String,
    /// The time when the message was dead-lettered.
    pub since: Timestamp,
}

/// Why an order was cancelled.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::VariantArray, strum::IntoStaticStr, JsonSchema,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum CancellationReason {
    /// The customer changed their mind.
    CustomerRequest,
    /// The order was placed by mistake.
    OrderedByMistake,
    /// The delivery takes too long.
    TooLate,
    /// Customer service or a fraud check stopped the order.
    StoppedByRetailer,
}

impl CancellationReason {
    /// All reasons.
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The name in documents.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// The order's id, chosen by the client.
    pub order_id: OrderId,
    /// The customer's id.
    pub customer_id: CustomerId,
    /// How to reach the customer.
    pub customer: Customer,
    /// The channels on which the customer wants to be notified.
    pub notify: BTreeSet<Channel>,
    /// The delivery address.
    pub shipping_address: Address,
    /// The gateway's token of the payment method.
    pub payment_method: PaymentMethodToken,
    /// The gateway's id of the customer whom the payment method belongs to, if the client sent one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_customer: Option<PaymentCustomerToken>,
    /// The ordered lines; empty if the order was rejected before it was priced.
    pub lines: Vec<Line>,
    /// The delivery charge.
    pub delivery: Money,
    /// The order's total, with delivery and tax.
    pub total: Money,
    /// The tax that the total includes, in minor units.
    #[serde(default)]
    pub vat: u64,
    /// The order's status.
    pub status: OrderStatus,
    /// The payment's status.
    pub payment_status: PaymentStatus,
    /// The shipment's status.
    pub shipment_status: ShipmentStatus,
    /// Why the order was rejected or cancelled by the pipeline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<RejectionReason>,
    /// The payment's latest authorisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorisation: Option<Authorisation>,
    /// The carrier and its tracking number, from the dispatch on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipment: Option<Shipment>,
    /// The reason that was given for a cancellation, if one was requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancellation: Option<CancellationReason>,
    /// The sum of all refunds due to the customer after a return, in minor units.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub refund_due: u64,
    /// The sum that was refunded to the customer so far, in minor units.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub refunded: u64,
    /// The number of changes, equal to the last event's sequence. Every write is conditional on it.
    pub version: u64,
    /// The fingerprint of the request that placed the order.
    pub fingerprint: Fingerprint,
    /// Fingerprints of other requests with the same order id, which changed nothing.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub conflicts: BTreeSet<Fingerprint>,
    /// The time when the API accepted the order.
    pub created_at: Timestamp,
    /// The time of the last change.
    pub updated_at: Timestamp,
    /// The time when the stock was reserved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserved_at: Option<Timestamp>,
    /// The time when the order was confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_at: Option<Timestamp>,
    /// Why a person has to review the order; cleared by the next change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attention: Option<Attention>,
}
