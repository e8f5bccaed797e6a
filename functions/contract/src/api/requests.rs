//! What clients send, beside [`order_domain::request::PlaceOrder`].

use order_domain::id::OrderId;
use order_domain::order::{CancellationReason, Shipment};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The document of `POST /shipments`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "update", rename_all = "SCREAMING_SNAKE_CASE", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum ShipmentUpdate {
    /// Handed to the carrier.
    Dispatched {
        /// The order.
        order_id: OrderId,
        /// Who carries it.
        shipment: Shipment,
    },
    /// With the customer.
    Delivered {
        /// The order.
        order_id: OrderId,
    },
    /// Sent back.
    Returned {
        /// The order.
        order_id: OrderId,
        /// What the customer gets back, in minor units; everything where it is not said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "u64", range(min = 1, max = 99_999_999))]
        refund: Option<u64>,
    },
}

impl ShipmentUpdate {
    /// The order that it is about.
    #[must_use]
    pub const fn order_id(&self) -> &OrderId {
        match self {
            Self::Dispatched { order_id, .. } | Self::Delivered { order_id } | Self::Returned { order_id, .. } => {
                order_id
            }
        }
    }
}

/// The document of `POST /orders/{orderId}/cancellation`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cancellation {
    /// Why.
    pub reason: CancellationReason,
}
