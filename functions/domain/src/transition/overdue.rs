//! What brings an order on that stopped moving.
//!
//! Every open order says when somebody should look at it again; the reconciler does, and puts it back on the queue that it
//! left. Whatever was already done is a no-op there, so looking twice, or beside a live worker, makes nothing worse.

use std::time::Duration;

use crate::event::{CommandContext, EventType};
use crate::order::{Authorisation, Order, OrderStatus, RejectionReason};
use crate::time::Timestamp;
use crate::transition::{Decision, StockEffect, apply};

/// After this long without a change the reconciler looks at an open order.
pub const CHECK_AFTER: Duration = Duration::from_secs(5 * 60);
/// However long an order stood still, it is looked at this often.
pub const CHECK_AT_LEAST_EVERY: Duration = Duration::from_secs(2 * 60 * 60);
/// How long stock is held for an order that is not paid: the gateway may be down for hours, and nobody waits for days.
pub const RESERVATION_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
/// How long an amount is held where the gateway does not say it: Visa's shortest
/// (docs.stripe.com/payments/place-a-hold-on-a-payment-method). What became of it, the gateway is asked.
pub const SHORTEST_AUTHORISATION: Duration = Duration::from_secs(5 * 24 * 60 * 60);

/// What moves an order on that stopped moving.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecoveryCommand {
    /// Reserve the stock of every line.
    ReserveStock,
    /// Authorise the payment.
    AuthorisePayment,
    /// Settle the money that its states make due.
    SettleMoney,
    /// Authorise again: the authorisation expired before the dispatch.
    Reauthorise,
    /// Release the stock of an order that could not be paid for too long.
    ExpireReservation,
}

impl Authorisation {
    /// With an end that does not move, whatever else happens to the order.
    pub(super) fn with_an_end(self, authorised_at: Timestamp) -> Self {
        let capture_before = self.capture_before.or_else(|| Some(authorised_at.after(SHORTEST_AUTHORISATION)));
        Self { capture_before, ..self }
    }
}

impl Order {
    /// Whether the pipeline itself still has to do something: move the order on, find out about its money, or settle it.
    /// An order that waits for the warehouse or the carrier is not open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.status.is_open() || self.money_due().is_some() || self.may_have_unknown_authorisation()
    }

    /// When to look at the order if nothing happens until then; `None` when there is nothing to look for.
    #[must_use]
    pub fn next_check_at(&self) -> Option<Timestamp> {
        match &self.attention {
            // A person brings it on, by redriving its message; only its stock is not held for ever.
            Some(_) => self.reservation_expires_at(),
            None if self.is_open() => Some(self.updated_at.after(CHECK_AFTER)),
            None => self.authorisation_expires_at(),
        }
    }

    /// When to look again after the reconciler looked: an order that stands still is looked at less and less often, so
    /// that an outage does not fill the queues with repetitions.
    #[must_use]
    pub fn next_check_after(&self, now: Timestamp) -> Timestamp {
        now.after(now.since(self.updated_at).clamp(CHECK_AFTER, CHECK_AT_LEAST_EVERY))
    }

    /// What to ask for so that the order moves on; `None` where it waits for somebody else, or is done.
    #[must_use]
    pub fn recovery_command(&self, now: Timestamp) -> Option<RecoveryCommand> {
        match self.status {
            OrderStatus::Reserved if self.reservation_has_expired(now) => Some(RecoveryCommand::ExpireReservation),
            _ if self.attention.is_some() => None,
            OrderStatus::Validated => Some(RecoveryCommand::ReserveStock),
            OrderStatus::Reserved => Some(RecoveryCommand::AuthorisePayment),
            _ if self.may_have_unknown_authorisation() => Some(RecoveryCommand::AuthorisePayment),
            _ if self.money_due().is_some() => Some(RecoveryCommand::SettleMoney),
            _ if self.authorisation_has_expired(now) => Some(RecoveryCommand::Reauthorise),
            _ => None,
        }
    }

    /// Whether the time is over for which the gateway promised to hold the money of an order that is not dispatched yet.
    #[must_use]
    pub fn authorisation_has_expired(&self, now: Timestamp) -> bool {
        self.authorisation_expires_at().is_some_and(|lapses| lapses <= now)
    }

    fn authorisation_expires_at(&self) -> Option<Timestamp> {
        let hold = self.authorisation.as_ref().filter(|_| self.is_authorised_for_dispatch())?;
        // Orders that were stored before a hold always had an end.
        Some(hold.capture_before.unwrap_or_else(|| self.updated_at.after(SHORTEST_AUTHORISATION)))
    }

    fn reservation_has_expired(&self, now: Timestamp) -> bool {
        self.reserved_at.is_some_and(|reserved| now.since(reserved) >= RESERVATION_LIFETIME)
    }

    fn reservation_expires_at(&self) -> Option<Timestamp> {
        let reserved = self.reserved_at.filter(|_| self.status == OrderStatus::Reserved)?;
        Some(reserved.after(RESERVATION_LIFETIME))
    }

    /// The stock was held as long as it may be, and no payment came: it goes back, and the order ends.
    #[must_use]
    pub fn expired(&self, context: &CommandContext) -> Decision {
        match self.status {
            OrderStatus::Reserved if self.reservation_has_expired(context.at) => {
                apply(Self { reason: Some(RejectionReason::ReservationExpired), ..self.clone() }.transition(
                    EventType::OrderCancelled,
                    OrderStatus::Cancelled,
                    StockEffect::Release,
                    context,
                ))
            }
            OrderStatus::Reserved => Decision::Defer(self.refusal("give up its stock")),
            _ => self.no_op_if(OrderStatus::has_left_payment, "give up its stock"),
        }
    }
}
