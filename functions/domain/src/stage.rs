//! The stages of the pipeline: who changes an order, and who is asked to.

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
    /// Reserves every line of an order, or says that it is out of stock.
    Inventory,
    /// Authorises the payment at the gateway; confirms, or declines and releases the stock.
    Payment,
    /// Records shipments, returns and cancellations, and settles the money that they make due.
    Fulfilment,
    /// Publishes every committed event from the orders table's stream, and asks for the customer to be told.
    Notify,
    /// Tells customers of an event, by e-mail, text message or push notification; and topics that could not be told at once.
    Contact,
    /// Finds orders that stopped moving, or of which the gateway told, and puts them back on the right queue.
    Reconcile,
    /// Answers the API's reads.
    Query,
}

impl Stage {
    /// Every stage, in the order in which an order meets them.
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
