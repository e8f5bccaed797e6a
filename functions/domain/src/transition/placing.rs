//! From the request to the confirmation.

use crate::catalogue::Priced;
use crate::event::{CommandContext, EventType};
use crate::fingerprint::Fingerprint;
use crate::id::Sku;
use crate::money::Money;
use crate::order::{Authorisation, Line, Order, OrderStatus, PaymentStatus, RejectionReason, ShipmentStatus};
use crate::request::PlaceOrder;
use crate::stock::StockPart;
use crate::time::Timestamp;
use crate::transition::{Change, Decision, Refusal, StockEffect, apply};

/// Most conflicts that an order remembers: an item holds 400 KB, and nobody may fill it up from outside.
const MAX_CONFLICTS: usize = 50;

/// The first transition of an order: priced, or rejected with the reason.
#[must_use]
pub fn receive(
    request: PlaceOrder,
    priced: Result<Priced, RejectionReason>,
    accepted_at: Timestamp,
    context: &CommandContext,
) -> Change {
    let fingerprint = Fingerprint::of(&request);
    let nothing = Money::new(0, request.currency);
    let (priced, reason) = match priced {
        Ok(priced) => (priced, None),
        Err(reason) => (Priced { lines: Vec::new(), delivery: nothing, total: nothing, vat: 0 }, Some(reason)),
    };
    let order = Order {
        order_id: request.order_id,
        customer_id: request.customer_id,
        customer: request.customer,
        notify: request.notify,
        shipping_address: request.shipping_address,
        payment_method: request.payment.method,
        payment_customer: request.payment.customer,
        lines: priced.lines,
        delivery: priced.delivery,
        total: priced.total,
        vat: priced.vat,
        status: OrderStatus::Received,
        payment_status: PaymentStatus::None,
        shipment_status: ShipmentStatus::None,
        reason: None,
        authorisation: None,
        version: 0,
        fingerprint,
        conflicts: std::collections::BTreeSet::new(),
        created_at: accepted_at,
        updated_at: context.at,
        reserved_at: None,
        confirmed_at: None,
        attention: None,
        shipment: None,
        cancellation: None,
        refund_due: 0,
        refunded: 0,
    };
    match reason {
        None => order.transition(EventType::OrderValidated, OrderStatus::Validated, StockEffect::None, context),
        Some(reason) => Order { reason: Some(reason), ..order }.transition(
            EventType::OrderRejected,
            OrderStatus::Rejected,
            StockEffect::None,
            context,
        ),
    }
}

impl Order {
    /// A request came under this order's id: the same one again, or another, which is recorded once and changes
    /// nothing else.
    #[must_use]
    pub fn placed_again(&self, fingerprint: &Fingerprint, context: &CommandContext) -> Decision {
        if self.knows(fingerprint) || self.conflicts.len() >= MAX_CONFLICTS {
            return Decision::NoOp;
        }
        let mut order = self.clone();
        order.conflicts.insert(fingerprint.clone());
        let status = order.status;
        apply(order.transition(EventType::OrderConflict, status, StockEffect::None, context))
    }

    /// Whether a request that came under this order's id is one that was recorded, as the order itself or as a conflict.
    #[must_use]
    pub fn knows(&self, fingerprint: &Fingerprint) -> bool {
        *fingerprint == self.fingerprint || self.conflicts.contains(fingerprint)
    }

    /// Every line is to be reserved, each in the parts that are given for it, in the lines' order.
    #[must_use]
    pub fn reserve(&self, parts: &[Vec<StockPart>], context: &CommandContext) -> Decision {
        let whole = |(line, parts): (&Line, &Vec<StockPart>)| {
            parts.iter().map(|part| u64::from(part.quantity)).sum::<u64>() == u64::from(line.quantity)
        };
        let complete = parts.len() == self.lines.len() && self.lines.iter().zip(parts).all(whole);
        match self.status {
            OrderStatus::Validated if complete => {
                let mut order = Self { reserved_at: Some(context.at), ..self.clone() };
                for (line, parts) in order.lines.iter_mut().zip(parts) {
                    line.reserved_from.clone_from(parts);
                }
                apply(order.transition(EventType::StockReserved, OrderStatus::Reserved, StockEffect::Reserve, context))
            }
            _ => self.no_op_if(OrderStatus::has_left_inventory, "reserve its stock"),
        }
    }

    /// A line cannot be reserved.
    #[must_use]
    pub fn out_of_stock(&self, sku: Sku, context: &CommandContext) -> Decision {
        match self.status {
            OrderStatus::Validated => {
                apply(Self { reason: Some(RejectionReason::OutOfStock { sku }), ..self.clone() }.transition(
                    EventType::OrderOutOfStock,
                    OrderStatus::OutOfStock,
                    StockEffect::None,
                    context,
                ))
            }
            _ => self.no_op_if(OrderStatus::has_left_inventory, "run out of stock"),
        }
    }

    /// Whether the gateway's answer for this order's payment is already stored.
    ///
    /// # Errors
    /// When it is too early to ask the gateway.
    pub fn payment_is_settled(&self) -> Result<(), Refusal> {
        if self.status.has_left_payment() { Ok(()) } else { Err(self.refusal("be paid")) }
    }

    /// Whether the gateway may be asked to authorise this order's payment.
    #[must_use]
    pub fn awaits_payment(&self) -> bool {
        self.status == OrderStatus::Reserved && self.payment_status == PaymentStatus::None
    }

    /// Whether the gateway may have an authorisation for a cancelled order that is not recorded: the customer cancelled
    /// before its answer was stored. A repeated request with the same key returns that answer.
    #[must_use]
    pub fn may_have_unknown_authorisation(&self) -> bool {
        self.status == OrderStatus::Cancelled && self.payment_status == PaymentStatus::None && self.was_reserved()
    }

    /// The gateway authorised the amount.
    #[must_use]
    pub fn authorised(&self, authorisation: Authorisation, context: &CommandContext) -> Decision {
        let authorisation = authorisation.with_an_end(context.at);
        if self.awaits_payment() {
            return apply(
                Self {
                    payment_status: PaymentStatus::Authorised,
                    authorisation: Some(authorisation),
                    confirmed_at: Some(context.at),
                    ..self.clone()
                }
                .transition(
                    EventType::OrderConfirmed,
                    OrderStatus::Confirmed,
                    StockEffect::None,
                    context,
                ),
            );
        }
        if self.may_have_unknown_authorisation() {
            // The customer cancelled while the gateway was asked: the authorisation is recorded, so that it is voided.
            return apply(
                Self { payment_status: PaymentStatus::Authorised, authorisation: Some(authorisation), ..self.clone() }
                    .transition(EventType::PaymentAuthorised, OrderStatus::Cancelled, StockEffect::None, context),
            );
        }
        self.no_op_if(OrderStatus::has_left_payment, "be confirmed")
    }

    /// The gateway has no authorisation for an order that was cancelled while it may have been asked.
    #[must_use]
    pub fn nothing_authorised(&self, context: &CommandContext) -> Decision {
        if self.may_have_unknown_authorisation() {
            return apply(Self { payment_status: PaymentStatus::Voided, ..self.clone() }.transition(
                EventType::PaymentVoided,
                OrderStatus::Cancelled,
                StockEffect::None,
                context,
            ));
        }
        self.no_op_if(OrderStatus::has_left_payment, "have nothing held")
    }

    /// The gateway declined the payment; the stock is released.
    #[must_use]
    pub fn declined(&self, decline_code: String, context: &CommandContext) -> Decision {
        if self.awaits_payment() {
            return apply(
                Self {
                    payment_status: PaymentStatus::Declined,
                    reason: Some(RejectionReason::PaymentDeclined { decline_code }),
                    ..self.clone()
                }
                .transition(
                    EventType::PaymentDeclined,
                    OrderStatus::PaymentDeclined,
                    StockEffect::Release,
                    context,
                ),
            );
        }
        self.no_op_if(OrderStatus::has_left_payment, "be declined")
    }
}
