//! The messages between stages. They are thin: the table has the data.
//!
//! Reports of the warehouse, the carrier and customers are messages too: the API wraps their documents into a
//! [`FulfilmentCommand`].

use order_domain::event::Cause;
use order_domain::id::OrderId;
use order_domain::notification::Topic;
use order_domain::order::Order;
use order_domain::request::Channel;
use order_domain::stage::Stage;
use order_domain::time::Timestamp;
use order_domain::transition::RecoveryCommand;
use serde::{Deserialize, Serialize};

use crate::api::{Cancellation, ShipmentUpdate};

/// A message that names its order.
pub trait ConcernsOrder {
    /// The order.
    fn order_id(&self) -> &OrderId;

    /// The kind of command, as the order's history records it.
    fn cause(&self) -> Cause;
}

impl ConcernsOrder for Command {
    fn order_id(&self) -> &OrderId {
        &self.order_id
    }

    fn cause(&self) -> Cause {
        match self.command {
            CommandName::ReserveStock => Cause::ReserveStock,
            CommandName::AuthorisePayment => Cause::AuthorisePayment,
        }
    }
}

impl ConcernsOrder for FulfilmentCommand {
    fn order_id(&self) -> &OrderId {
        Self::order_id(self)
    }

    fn cause(&self) -> Cause {
        match self {
            Self::RecordShipment { .. } => Cause::RecordShipment,
            Self::CancelOrder { .. } => Cause::CancelOrder,
            Self::SettleMoney { .. } => Cause::SettleMoney,
            Self::ExpireReservation { .. } => Cause::ExpireReservation,
            Self::Reauthorise { .. } => Cause::Reauthorise,
            Self::CancelPayment { .. } => Cause::CancelPayment,
            Self::ReportFailedRefund { .. } => Cause::ReportFailedRefund,
        }
    }
}

/// A command to a stage about an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CommandName {
    /// Reserve the stock of every line.
    ReserveStock,
    /// Authorise the payment.
    AuthorisePayment,
}

/// A message from one stage to the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Command {
    /// The order.
    pub order_id: OrderId,
    /// The command.
    pub command: CommandName,
}

impl Command {
    /// Asks for the order's stock to be reserved.
    #[must_use]
    pub const fn reserve_stock(order_id: OrderId) -> Message {
        Message::Stage(Self { order_id, command: CommandName::ReserveStock })
    }

    /// Asks for the order's payment to be authorised.
    #[must_use]
    pub const fn authorise_payment(order_id: OrderId) -> Message {
        Message::Stage(Self { order_id, command: CommandName::AuthorisePayment })
    }
}

/// A message that a stage sends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Message {
    /// To inventory or payment.
    Stage(Command),
    /// To fulfilment.
    Fulfilment(FulfilmentCommand),
    /// To contact.
    Contact(ContactCommand),
}

impl Message {
    /// The message that makes a stopped order move again; `None` if it waits for somebody else, or is done.
    #[must_use]
    pub fn recovery(order: &Order, now: Timestamp) -> Option<Self> {
        let order_id = order.order_id.clone();
        Some(match order.recovery_command(now)? {
            RecoveryCommand::ReserveStock => Command::reserve_stock(order_id),
            RecoveryCommand::AuthorisePayment => Command::authorise_payment(order_id),
            RecoveryCommand::SettleMoney => Self::Fulfilment(FulfilmentCommand::SettleMoney { order_id }),
            RecoveryCommand::Reauthorise => Self::Fulfilment(FulfilmentCommand::Reauthorise { order_id }),
            RecoveryCommand::ExpireReservation => Self::Fulfilment(FulfilmentCommand::ExpireReservation { order_id }),
        })
    }

    /// The stage that it is for.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        match self {
            Self::Stage(Command { command: CommandName::ReserveStock, .. }) => Stage::Inventory,
            Self::Stage(Command { command: CommandName::AuthorisePayment, .. }) => Stage::Payment,
            Self::Fulfilment(_) => Stage::Fulfilment,
            Self::Contact(_) => Stage::Contact,
        }
    }

    /// The order that it is about.
    #[must_use]
    pub const fn order_id(&self) -> &OrderId {
        match self {
            Self::Stage(command) => &command.order_id,
            Self::Fulfilment(command) => command.order_id(),
            Self::Contact(command) => &command.order_id,
        }
    }
}

/// The command to notify one recipient of one event. The stage looks the text and the address up when it sends, so the
/// queue has no personal data.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContactCommand {
    /// The order.
    pub order_id: OrderId,
    /// The event's number in the order's history.
    pub sequence: u64,
    /// The recipient.
    #[serde(flatten)]
    pub recipient: ContactRecipient,
}

/// The recipient of a notification: the message says `"channel":"EMAIL"` or `"topic":"payment-status"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ContactRecipient {
    /// The order's customer.
    Channel(Channel),
    /// A topic for other systems, if the first attempt to publish failed.
    Topic(Topic),
}

/// A command to the fulfilment stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "SCREAMING_SNAKE_CASE", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum FulfilmentCommand {
    /// The warehouse or the carrier reports on a parcel.
    RecordShipment {
        /// The report.
        shipment: ShipmentUpdate,
    },
    /// The customer cancels an order.
    CancelOrder {
        /// The order.
        order_id: OrderId,
        /// The customer's reason.
        cancellation: Cancellation,
    },
    /// Settle the money that is due for an order.
    SettleMoney {
        /// The order.
        order_id: OrderId,
    },
    /// Cancel an order and release its stock, because its payment was not authorised in time.
    ExpireReservation {
        /// The order.
        order_id: OrderId,
    },
    /// Re-authorise an order's payment, because its authorisation expired before the dispatch.
    Reauthorise {
        /// The order.
        order_id: OrderId,
    },
    /// Cancel a payment that the gateway reported and the order does not know, unless the order knows it by then.
    CancelPayment {
        /// The order.
        order_id: OrderId,
        /// The gateway's id of the payment.
        payment_intent: String,
    },
    /// The gateway reported that a refund did not reach the customer: a person has to review the order.
    ReportFailedRefund {
        /// The order.
        order_id: OrderId,
        /// The gateway's id of the refund.
        refund: String,
    },
}

impl FulfilmentCommand {
    /// The order that it is about.
    #[must_use]
    pub const fn order_id(&self) -> &OrderId {
        match self {
            Self::RecordShipment { shipment } => shipment.order_id(),
            Self::CancelOrder { order_id, .. }
            | Self::SettleMoney { order_id }
            | Self::ExpireReservation { order_id }
            | Self::Reauthorise { order_id }
            | Self::CancelPayment { order_id, .. }
            | Self::ReportFailedRefund { order_id, .. } => order_id,
        }
    }
}

/// A command to the reconciler. The gateway's signed webhooks reach its queue too, unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "SCREAMING_SNAKE_CASE", deny_unknown_fields)]
pub enum ReconcileCommand {
    /// Sweep for orders that stopped moving.
    Sweep,
}

/// The scheduled message to the reconcile stage's queue, which starts a sweep.
pub const SWEEP: &str = r#"{"command":"SWEEP"}"#;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::around::{AROUND_A_CANCELLATION, AROUND_A_SHIPMENT};

    #[test]
    fn a_document_that_the_api_wraps_is_a_command() {
        let [before, after] = AROUND_A_SHIPMENT;
        let body = r#"{"update":"DISPATCHED","orderId":"ord-1","shipment":{"carrier":"Post","trackingNumber":"1"}}"#;
        let command: FulfilmentCommand = serde_json::from_str(&format!("{before}{body}{after}")).unwrap();
        assert!(matches!(command, FulfilmentCommand::RecordShipment { shipment: ShipmentUpdate::Dispatched { .. } }));
        let [before, between, after] = AROUND_A_CANCELLATION;
        let body = r#"{"reason":"TOO_LATE"}"#;
        let command: FulfilmentCommand = serde_json::from_str(&format!("{before}ord-1{between}{body}{after}")).unwrap();
        assert_eq!(command.order_id().as_str(), "ord-1");
    }

    #[test]
    fn an_id_in_the_path_cannot_smuggle_another_command_in() {
        let [before, between, after] = AROUND_A_CANCELLATION;
        for id in [
            r#"ord-1","orderId":"ord-2"#,
            r#"ord-1","command":"SETTLE_MONEY"#,
            r#"ord-1","cancellation":{"reason":"TOO_LATE"},"x":""#,
            "ord-1\\",
            "",
        ] {
            let text = format!(r#"{before}{id}{between}{{"reason":"TOO_LATE"}}{after}"#);
            assert!(serde_json::from_str::<FulfilmentCommand>(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_contact_command_is_a_thin_message_for_the_contact_stage() {
        let order_id = OrderId::new("ord-1").unwrap();
        for (recipient, written) in [
            (ContactRecipient::Channel(Channel::Email), r#""channel":"EMAIL""#),
            (ContactRecipient::Topic(Topic::PaymentStatus), r#""topic":"payment-status""#),
        ] {
            let message = Message::Contact(ContactCommand { order_id: order_id.clone(), sequence: 3, recipient });
            let text = serde_json::to_string(&message).unwrap();
            assert_eq!(text, format!(r#"{{"orderId":"ord-1","sequence":3,{written}}}"#));
            assert_eq!(Message::Contact(serde_json::from_str(&text).unwrap()), message);
            assert_eq!((message.stage(), message.order_id().as_str()), (Stage::Contact, "ord-1"));
        }
        for broken in [r#""channel":"FAX""#, r#""topic":"gossip""#, r#""person":"Ada""#, r#""sequence":4"#] {
            let text = format!(r#"{{"orderId":"ord-1","sequence":3,{broken}}}"#);
            assert!(serde_json::from_str::<ContactCommand>(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_scheduled_message_is_a_sweep() {
        assert_eq!(serde_json::from_str::<ReconcileCommand>(SWEEP).unwrap(), ReconcileCommand::Sweep);
    }
}
