//! The branches that only a race or a fault reaches. A campaign counts each; one that misses some tests less than it seems
//! to, and fails.

use order_domain::stage::Stage;

macro_rules! sometimes {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal),+ $(,)?) => {
        $($(#[doc = $doc])+ pub(crate) const $name: &str = $text;)+

        /// The branches that a campaign has to reach.
        pub const SOMETIMES: &[&str] = &[$($text),+];
    };
}

sometimes! {
    /// Another writer was faster than validate.
    STALE_IN_VALIDATE = "stale in validate",
    /// Another writer was faster than inventory.
    STALE_IN_INVENTORY = "stale in inventory",
    /// Another writer was faster than payment.
    STALE_IN_PAYMENT = "stale in payment",
    /// Another writer was faster than fulfilment.
    STALE_IN_FULFILMENT = "stale in fulfilment",
    /// The first shard has too few units of a line.
    STOCK_SHORT = "stock short",
    /// A redelivery to validate changed nothing.
    REPEATED_VALIDATE = "redelivery to validate changed nothing",
    /// A redelivery to inventory changed nothing.
    REPEATED_INVENTORY = "redelivery to inventory changed nothing",
    /// A redelivery to payment changed nothing.
    REPEATED_PAYMENT = "redelivery to payment changed nothing",
    /// A redelivery to fulfilment changed nothing.
    REPEATED_FULFILMENT = "redelivery to fulfilment changed nothing",
    /// A later authorisation was declined.
    REAUTHORISE_DECLINED = "a later authorisation was declined",
    /// A later authorisation succeeded.
    REAUTHORISED = "a later authorisation succeeded",
    /// The search finds an authorisation that the order does not know.
    FOUND_AUTHORISED = "the search found an authorisation",
    /// The search finds nothing.
    FOUND_NOTHING = "the search found nothing",
    /// The search finds more than one authorisation.
    FOUND_SURPLUS = "the search found a surplus authorisation",
    /// The order's authorisation has expired when its money is captured.
    CAPTURE_EXPIRED = "capture of an expired authorisation",
    /// The order's authorisation has expired before the dispatch.
    INSPECTED_EXPIRED = "an authorisation expired before the dispatch",
    /// A refund is found to be done already.
    REFUND_DONE = "a refund was already done",
    /// The money that is to be voided was captured before.
    ALREADY_CAPTURED = "cancel of a captured payment",
    /// A payment that its order does not know is cancelled.
    PAYMENT_CANCELLED = "a payment that its order does not know was cancelled",
    /// One order's panic stayed with its order.
    PANIC_CONTAINED = "a panic was contained",
    /// A circuit opened.
    CIRCUIT_OPENED = "a circuit opened",
    /// An open circuit refused a call.
    CIRCUIT_REFUSED = "an open circuit refused a call",
    /// A service of AWS was down.
    AWS_DOWN = "a service of AWS was down",
    /// A batch was read in parts.
    READ_IN_PARTS = "a batch was read in parts",
    /// An item could not be read.
    UNREADABLE = "an item could not be read",
    /// One sweep had several orders.
    SWEEP_OF_MANY = "a sweep of several orders",
}

/// Another writer was faster than the stage.
pub(crate) const fn stale_in(stage: Stage) -> Option<&'static str> {
    match stage {
        Stage::Validate => Some(STALE_IN_VALIDATE),
        Stage::Inventory => Some(STALE_IN_INVENTORY),
        Stage::Payment => Some(STALE_IN_PAYMENT),
        Stage::Fulfilment => Some(STALE_IN_FULFILMENT),
        Stage::Notify | Stage::Contact | Stage::Reconcile | Stage::Query => None,
    }
}

/// A redelivery to the stage changed nothing.
pub(crate) const fn repeated(stage: Stage) -> Option<&'static str> {
    match stage {
        Stage::Validate => Some(REPEATED_VALIDATE),
        Stage::Inventory => Some(REPEATED_INVENTORY),
        Stage::Payment => Some(REPEATED_PAYMENT),
        Stage::Fulfilment => Some(REPEATED_FULFILMENT),
        Stage::Notify | Stage::Contact | Stage::Reconcile | Stage::Query => None,
    }
}
