//! Orders that need a person's review.

use crate::event::{CommandContext, EventType};
use crate::order::{Attention, Order};
use crate::transition::{Decision, StockEffect, apply};

impl Order {
    /// A message about the order can never be processed and goes to a dead-letter queue: the order says so until it
    /// changes again.
    #[must_use]
    pub fn needs_attention(&self, reason: &str, context: &CommandContext) -> Decision {
        let stage = context.actor.name();
        if self.attention.as_ref().is_some_and(|known| known.reason == reason && known.stage == stage) {
            return Decision::NoOp;
        }
        let attention = Attention { reason: reason.to_owned(), stage: stage.to_owned(), since: context.at };
        apply(Self { attention: Some(attention), ..self.clone() }.transition(
            EventType::OrderNeedsAttention,
            self.status,
            StockEffect::None,
            context,
        ))
    }
}
