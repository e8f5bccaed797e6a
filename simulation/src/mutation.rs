//! Seeded mistakes: what the stages and adapters would do if somebody had got them wrong. Each is made at the seam between
//! the stages and the world, and each must be caught by an invariant.

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
    /// The idempotency key holds the time, so that a retry has another.
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
    /// A stage does not look whether its message was taken by the next queue.
    ForwardFailureIgnored,
    /// A stage forwards only what it committed itself, so that a redelivery is not forwarded again.
    RedeliveryNotForwarded,
    /// A declined payment does not release the stock.
    DeclineKeepsStock,
    /// A cancellation releases the stock twice.
    StockReleasedTwice,
    /// A cancelled order's hold is recorded as given up, but the gateway is not asked.
    VoidSkipped,
    /// A dispatched order's money is recorded as taken, but the gateway is not asked.
    CaptureSkipped,
    /// A lapsed hold is taken for a capture.
    LapseTakenForCapture,
    /// A declined payment is retried instead of recorded.
    DeclineRetried,
    /// What was sent is not recorded.
    SentRecordSkipped,
    /// What is to be sent is recorded before it is sent.
    SentRecordedBeforeSending,
    /// A notification that was not taken is taken for sent.
    SendFailureIgnored,
    /// A dead letter is dropped instead of put into the dead-letter queue.
    DeadLetterDropped,
    /// One order's panic ends the whole invocation.
    PanicNotContained,
    /// The stream's consumer reports its last failure where Lambda goes back to the first.
    StreamReportsLastFailure,
    /// The stream's consumer answers that nothing failed.
    StreamFailuresEmptied,
    /// What the gateway's search does not show yet is taken for not there.
    StaleSearchBelieved,
    /// The gateway is asked under the next key without a look at what it holds.
    NextKeyWithoutLooking,
    /// A second hold on an order's money is left at the gateway.
    SurplusHoldKept,
    /// A webhook is believed whoever signed it.
    SignatureUnchecked,
    /// The reconciler finds orders that stopped moving, and sends nothing.
    ReconcilerForwardsNothing,
    /// The reconciler does not write down when to look again.
    NotCheckedAgainLater,
    /// Of a line that was reserved from several shards, only the first gets its units back.
    PartOfLineKept,
    /// The gateway's circuit breaker opens and never closes.
    BreakerNeverCloses,
    /// A hold that has lapsed before the dispatch is taken for captured.
    LapsedHoldTakenForCaptured,
    /// An order does not say that its message went to the dead-letter queue.
    AttentionNotSet,
    /// One order that cannot be read fails all that are loaded with it.
    OneUnreadableFailsAll,
    /// The reconciler never looks again at an order that it could not read.
    UnreadableForgotten,
    /// A record of the stream whose work panics is delivered again instead of being moved to the dead-letter queue.
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
