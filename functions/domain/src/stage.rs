//! The stages of the pipeline.

/// A Lambda function's role in the pipeline: its handler name selects it in the one binary.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    strum::VariantArray,
    strum::IntoStaticStr,
    strum::EnumString,
)]
#[strum(serialize_all = "kebab-case")]
pub enum Stage {
    /// Parses an order, prices it from the catalogue, and stores it.
    Validate,
    /// Reserves every line of an order, or records that it is out of stock.
    Inventory,
    /// Authorises the payment at the gateway; confirms, or declines and releases the stock.
    Payment,
    /// Records shipments, returns and cancellations, and settles the money that they make due.
    Fulfilment,
    /// Publishes every committed event from the orders table's stream, and requests the notifications of the customer.
    Notify,
    /// Notifies customers of an event by e-mail, text message or push notification, and retries failed topics.
    Contact,
    /// Finds orders that stopped moving or that a webhook is about, and sends their messages to the right queue again.
    Reconcile,
    /// Answers the API's reads.
    Query,
}

impl Stage {
    /// All stages, in the sequence of the order flow.
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The stage's name: the Lambda handler, and the first part of its queue's and function's names.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The stage with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        name.parse().ok()
    }
}
