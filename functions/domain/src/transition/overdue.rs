//! The recovery of orders that stopped moving.
//!
//! Every open order has the time of its next check. The reconciler checks it then and sends its message to its queue again.
//! A stage does nothing for work that is already done, so a repeated check is harmless, even beside a live worker.

use std::time::Duration;

use crate::event::{CommandContext, EventType};
use crate::order::{Authorisation, Order, OrderStatus, RejectionReason};
use crate::time::Timestamp;
use crate::transition::{Decision, StockEffect, apply};

/// The reconciler checks an open order after this time without a change.
pub const CHECK_AFTER: Duration = Duration::from_secs(5 * 60);
/// The longest time between two checks of an open order.
pub const CHECK_AT_LEAST_EVERY: Duration = Duration::from_secs(2 * 60 * 60);
/// How long stock is reserved for an order whose payment is not authorised: longer than an outage of the gateway of hours.
pub const RESERVATION_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
/// The default lifetime of an authorisation if the gateway does not say it: Visa's shortest
/// (docs.stripe.com/payments, "Authorization validity windows"). The gateway is asked for its real state then.
pub const SHORTEST_AUTHORISATION: Duration = Duration::from_secs(5 * 24 * 60 * 60);

/// A command that makes a stopped order move again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecoveryCommand {
    /// Reserve the stock of every line.
    ReserveStock,
    /// Authorise the payment.
    AuthorisePayment,
    /// Settle the money that is due.
    SettleMoney,
    /// Re-authorise the payment, because the authorisation expired before the dispatch.
    Reauthorise,
    /// Cancel the order and release its stock, because its payment was not authorised in time.
    ExpireReservation,
}

impl Authorisation {
    /// The authorisation with a fixed end, which later changes of the order do not move.
    pub(super) fn with_an_end(self, authorised_at: Timestamp) -> Self {
        let capture_before = self.capture_before.or_else(|| Some(authorised_at.after(SHORTEST_AUTHORISATION)));
        Self { capture_before, ..self }
    }
}

impl Order {
    /// Whether the pipeline still has work to do: the next stage, a question to the gateway, or a settlement. An order that
    /// waits for the warehouse or the carrier is not open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.status.is_open() || self.money_due().is_some() || self.may_have_unknown_authorisation()
    }

    /// The time of the next check if the order does not change before; `None` if no check is needed.
    #[must_use]
    pub fn next_check_at(&self) -> Option<Timestamp> {
        match &self.attention {
            // A person recovers the order by redriving its message; only its reservation still expires.
            Some(_) => self.reservation_expires_at(),
            None if self.is_open() => Some(self.updated_at.after(CHECK_AFTER)),
            None => self.authorisation_expires_at(),
        }
    }

    /// The time of the next check after a check at `now`: an order that does not move is checked less and less often, so
    /// that an outage does not fill the queues with repetitions.
    #[must_use]
    pub fn next_check_after(&self, now: Timestamp) -> Timestamp {
        now.after(now.since(self.updated_at).clamp(CHECK_AFTER, CHECK_AT_LEAST_EVERY))
    }

    /// The command that makes the order move again; `None` if it waits for somebody else, or is done.
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

    /// Whether the authorisation has expired of an order that is not dispatched yet.
    #[must_use]
    pub fn authorisation_has_expired(&self, now: Timestamp) -> bool {
        self.authorisation_expires_at().is_some_and(|expires_at| expires_at <= now)
    }

    fn authorisation_expires_at(&self) -> Option<Timestamp> {
        let authorisation = self.authorisation.as_ref().filter(|_| self.is_authorised_for_dispatch())?;
        // Some stored orders are older than the rule that every authorisation has an end.
        Some(authorisation.capture_before.unwrap_or_else(|| self.updated_at.after(SHORTEST_AUTHORISATION)))
    }

    fn reservation_has_expired(&self, now: Timestamp) -> bool {
        self.reserved_at.is_some_and(|reserved| now.since(reserved) >= RESERVATION_LIFETIME)
    }

    fn reservation_expires_at(&self) -> Option<Timestamp> {
        let reserved = self.reserved_at.filter(|_| self.status == OrderStatus::Reserved)?;
        Some(reserved.after(RESERVATION_LIFETIME))
    }

    /// The reservation expired before the payment was authorised: the order is cancelled, and its stock is released.
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
            OrderStatus::Reserved => Decision::Defer(self.refusal("release its stock")),
            _ => self.no_op_if(OrderStatus::has_left_payment, "release its stock"),
        }
    }
}
