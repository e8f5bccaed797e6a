//! An attempt to charge a card, and what became of it.

use super::super::payment_method::Decline;
use super::time::UnixSeconds;

/// What became of an attempt to charge a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChargeState {
    /// The issuer refused.
    Failed(Decline),
    /// The issuer holds the amount.
    Held {
        /// Until when the money can be taken, as far as the card network says.
        capture_before: Option<UnixSeconds>,
        /// From then on the money can no longer be taken.
        ends_at: UnixSeconds,
    },
    /// Money was captured; the rest of the authorisation was released.
    Captured {
        /// Minor units taken.
        amount: u64,
        /// Minor units of it that were refunded.
        refunded: u64,
    },
    /// The authorisation was released; nothing was captured.
    Released,
}

/// An attempt to charge a card.
#[derive(Debug, Clone)]
pub struct Charge {
    /// `ch_…`
    pub id: String,
    /// When the issuer was asked.
    pub created: UnixSeconds,
    /// What became of it.
    pub state: ChargeState,
}

impl Charge {
    /// Whether the issuer approved it, whatever became of the money since.
    #[must_use]
    pub const fn approved(&self) -> bool {
        !matches!(self.state, ChargeState::Failed(_))
    }
}
