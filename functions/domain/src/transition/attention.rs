//! What only a person can bring on.

use crate::event::{EventType, Occasion};
use crate::order::{Attention, Order};
use crate::transition::{Step, StockEffect, take};

impl Order {
    /// A message about the order can never be processed and goes to a dead-letter queue: the order says so until it
    /// changes again.
    #[must_use]
    pub fn needs_attention(&self, reason: &str, occasion: &Occasion) -> Step {
        let stage = occasion.actor.name();
        if self.attention.as_ref().is_some_and(|known| known.reason == reason && known.stage == stage) {
            return Step::Already;
        }
        let attention = Attention { reason: reason.to_owned(), stage: stage.to_owned(), since: occasion.at };
        take(Self { attention: Some(attention), ..self.clone() }.moved(
            EventType::OrderNeedsAttention,
            self.status,
            StockEffect::None,
            occasion,
        ))
    }
}
