//! Seeded mistakes: each is a bug that a stage or an adapter could have. It is made at the seam between the stages and the
//! world, and an invariant must catch it.

use serde::Serialize;

macro_rules! mutations {
    ($($(#[doc = $doc:literal])+ $name:ident),+ $(,)?) => {
        /// A mistake in the pipeline.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Mutation {
            $($(#[doc = $doc])+ $name),+
        }

        impl Mutation {
            /// Every mutation.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// What it stands for.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$name => concat!($($doc),+)),+
                }
            }
        }
    };
}

mutations! {
    /// A stage sends the next message before its own change is committed.
    ForwardBeforeCommit,
    /// The gateway is asked without an idempotency key.
    IdempotencyKeyMissing,
    /// The idempotency key contains the time, so that a retry has another.
    IdempotencyKeyUnstable,
    /// The order is written whatever version is stored.
    VersionConditionDropped,
    /// The order and its event are written whatever is stored.
    VersionAndEventConditionsDropped,
    /// Stock is taken whether there is any or not.
    StockConditionDropped,
    /// A stage answers that nothing failed.
    FailureListEmptied,
    /// A stage reports the first failure of a batch only.
    OnlyFirstFailureReported,
    /// A stage names the receipt handle where Lambda expects the message id.
    WrongItemIdentifier,
    /// A transaction conflict is taken for a failed condition.
    ConflictTakenForCondition,
    /// A failed condition is taken for a conflict that passes.
    ConditionTakenForConflict,
    /// A throttled write is taken for one that can never succeed.
    ThrottleTakenForPermanent,
    /// A stage ignores that the next queue did not take its message.
    ForwardFailureIgnored,
    /// A stage forwards only what it committed itself, so that a redelivery is not forwarded again.
    RedeliveryNotForwarded,
    /// A declined payment does not release the stock.
    DeclineKeepsStock,
    /// A cancellation releases the stock twice.
    StockReleasedTwice,
    /// A cancelled order's authorisation is recorded as voided, but the gateway is not asked.
    VoidSkipped,
    /// A dispatched order's money is recorded as captured, but the gateway is not asked.
    CaptureSkipped,
    /// An expired authorisation is taken for a capture.
    ExpiryTakenForCapture,
    /// A declined payment is retried instead of recorded.
    DeclineRetried,
    /// A sent notification is not recorded.
    SentRecordSkipped,
    /// A notification is recorded before it is sent.
    SentRecordedBeforeSending,
    /// A notification that SNS or SES did not take counts as sent.
    SendFailureIgnored,
    /// A message that failed for good is dropped instead of moved to the dead-letter queue.
    DeadLetterDropped,
    /// One order's panic ends the whole invocation.
    PanicNotContained,
    /// The stream's consumer reports its last failure where Lambda goes back to the first.
    StreamReportsLastFailure,
    /// The stream's consumer answers that nothing failed.
    StreamFailuresEmptied,
    /// A payment that the gateway's search does not show yet counts as not there.
    StaleSearchBelieved,
    /// The gateway is asked under the next key before its payments are checked.
    NextKeyWithoutLooking,
    /// A second authorisation of an order's money is left at the gateway.
    SurplusAuthorisationKept,
    /// A webhook is believed whoever signed it.
    SignatureUnchecked,
    /// The reconciler finds orders that stopped moving, and sends nothing.
    ReconcilerForwardsNothing,
    /// The reconciler does not write when it checks the order again.
    NotCheckedAgainLater,
    /// Of a line that was reserved from several shards, only the first shard's units are released.
    PartOfLineKept,
    /// The gateway's circuit breaker opens and never closes.
    BreakerNeverCloses,
    /// An authorisation that expired before the dispatch is taken for captured.
    ExpiredAuthorisationTakenForCaptured,
    /// An order does not say that its message went to the dead-letter queue.
    AttentionNotSet,
    /// One order that cannot be read fails all that are loaded with it.
    OneUnreadableFailsAll,
    /// The reconciler never checks an order again that it could not read.
    UnreadableForgotten,
    /// A record of the stream whose processing panics is delivered again instead of being moved to the dead-letter queue.
    PanickingRecordKept,
    /// A surplus authorisation is captured instead of cancelled.
    SurplusCaptured,
    /// A refund is recorded, but the gateway is not asked.
    RefundSkipped,
    /// Every price is doubled.
    PricesDoubled,
    /// Every return is refunded in full.
    ReturnsRefundedInFull,
}

impl std::fmt::Display for Mutation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self, formatter)
    }
}
