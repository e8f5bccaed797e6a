//! An order as it is stored: who, what, how much, and the states of its three machines.

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

/// Where the order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, strum::IntoStaticStr)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum OrderStatus {
    /// Accepted by the API, not yet stored as an order. Nobody ever loads an order in this state.
    Received,
    /// Priced from the catalogue.
    Validated,
    /// Every line's stock is reserved.
    Reserved,
    /// The payment is authorised.
    Confirmed,
    /// Delivered and paid.
    Completed,
    /// Cannot be sold as it was asked for.
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

    /// Whether a parcel of the order may still leave, now or later.
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

/// Where the order's payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PaymentStatus {
    /// Nothing was asked of the gateway, or its answer is not known.
    None,
    /// The amount is held.
    Authorised,
    /// The amount was taken.
    Captured,
    /// The amount was given back.
    Refunded,
    /// The gateway refused.
    Declined,
    /// The authorisation was given up.
    Voided,
}

/// Where the order's parcel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ShipmentStatus {
    /// Not sent.
    None,
    /// Handed to the carrier.
    Dispatched,
    /// With the customer.
    Delivered,
    /// Sent back.
    Returned,
}

/// One line of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// What.
    pub sku: Sku,
    /// Its name for people when it was ordered.
    pub name: String,
    /// How many.
    pub quantity: u32,
    /// The price of one when it was ordered.
    pub unit_price: Money,
    /// The tax that the price includes.
    #[serde(default)]
    pub vat_rate: VatRate,
    /// Over how many items the SKU's stock was spread when it was ordered.
    pub stock_shards: u16,
    /// The stock items that the line was reserved from.
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

/// Why an order that was understood cannot be sold.
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
    /// The client showed another total than the catalogue's.
    PriceMismatch {
        /// What the client expected, in minor units.
        expected: u64,
        /// What the catalogue says, in minor units.
        actual: u64,
    },
    /// The total is beyond what can be charged at once.
    TotalTooLarge,
    /// Not enough stock of a line.
    OutOfStock {
        /// The line's SKU.
        sku: Sku,
    },
    /// The gateway declined the payment.
    PaymentDeclined {
        /// The gateway's reason, such as `insufficient_funds`.
        decline_code: String,
    },
    /// The stock was held as long as it may be, and no payment came.
    ReservationExpired,
}

/// What the gateway holds for an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Authorisation {
    /// The gateway's id of the payment.
    pub payment_intent: String,
    /// Which authorisation of the order this is, from 1: a lapsed one is made anew under another idempotency key.
    #[serde(default = "first")]
    pub attempt: u32,
    /// Until when the amount can be captured: what the gateway says; where it does not, the shortest time that it may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture_before: Option<Timestamp>,
}

/// Orders that were stored before authorisations were counted hold their first.
const fn first() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(amount: &u64) -> bool {
    *amount == 0
}

/// A parcel on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Shipment {
    /// Who carries it.
    #[schemars(length(min = 1, max = 60))]
    pub carrier: String,
    /// The carrier's number for it.
    #[schemars(length(min = 1, max = 60))]
    pub tracking_number: String,
}

/// A person has to look at the order: a message about it could not be processed and lies in a dead-letter queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Attention {
    /// The reason by which its dead letter is found.
    pub reason: String,
    /// The stage that gave up.
    pub stage: String,
    /// When.
    pub since: Timestamp,
}

/// Why an order was cancelled.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::VariantArray, strum::IntoStaticStr, JsonSchema,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum CancellationReason {
    /// The customer does not want it any more.
    CustomerRequest,
    /// It was ordered by mistake.
    OrderedByMistake,
    /// It takes too long.
    TooLate,
    /// Customer service or a fraud check stopped it.
    StoppedByRetailer,
}

impl CancellationReason {
    /// Every reason.
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
    /// The client's id.
    pub order_id: OrderId,
    /// Who ordered.
    pub customer_id: CustomerId,
    /// How to reach the customer.
    pub customer: Customer,
    /// Which channels the customer wants to hear on.
    pub notify: BTreeSet<Channel>,
    /// Where it goes.
    pub shipping_address: Address,
    /// How it is paid.
    pub payment_method: PaymentMethodToken,
    /// Whose means of payment it is at the gateway, where the client said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_customer: Option<PaymentCustomerToken>,
    /// What is ordered; empty where the order was rejected before it could be priced.
    pub lines: Vec<Line>,
    /// What delivery costs.
    pub delivery: Money,
    /// What it costs, delivery included.
    pub total: Money,
    /// The tax that the total includes, in minor units.
    #[serde(default)]
    pub vat: u64,
    /// Where the order stands.
    pub status: OrderStatus,
    /// Where the payment stands.
    pub payment_status: PaymentStatus,
    /// Where the parcel is.
    pub shipment_status: ShipmentStatus,
    /// Why it ended, where it ended badly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<RejectionReason>,
    /// What the gateway holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorisation: Option<Authorisation>,
    /// Who carries it, from its dispatch on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipment: Option<Shipment>,
    /// Why it was to be cancelled, where somebody asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancellation: Option<CancellationReason>,
    /// What is owed to the customer after a return, in minor units.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub refund_due: u64,
    /// What was given back to the customer, in minor units.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub refunded: u64,
    /// Rises by one with every change; every write is conditional on it. Equals the last event's sequence number.
    pub version: u64,
    /// The fingerprint of the request that placed it.
    pub fingerprint: Fingerprint,
    /// Fingerprints of other requests under the same id, which changed nothing.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub conflicts: BTreeSet<Fingerprint>,
    /// When the API accepted it.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
    /// When its stock was reserved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserved_at: Option<Timestamp>,
    /// When it was confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_at: Option<Timestamp>,
    /// Why a person has to look at it, until it changes again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attention: Option<Attention>,
}
