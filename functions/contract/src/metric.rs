//! Business metrics, published in CloudWatch's embedded metric format.

/// The CloudWatch namespace.
pub const NAMESPACE: &str = "OrderPipeline";
/// The one dimension: the environment's suffix.
pub const DIMENSION: &str = "Environment";
/// Orders stored for the first time.
pub const ORDERS_RECEIVED: &str = "OrdersReceived";
/// Orders confirmed.
pub const ORDERS_CONFIRMED: &str = "OrdersConfirmed";
/// Orders that ended rejected, out of stock or with a declined payment.
pub const ORDERS_REJECTED: &str = "OrdersRejected";
/// Orders delivered and paid.
pub const ORDERS_COMPLETED: &str = "OrdersCompleted";
/// Orders cancelled.
pub const ORDERS_CANCELLED: &str = "OrdersCancelled";
/// Refunds, whole or in part.
pub const REFUNDS: &str = "Refunds";
/// Messages that were moved to a dead-letter queue, because no retry can help.
pub const ORDERS_FAILED: &str = "OrdersFailed";
/// Requests that reused an order id with another body.
pub const ORDER_CONFLICTS: &str = "OrderConflicts";
/// Milliseconds from the API's acceptance to the confirmation.
pub const TIME_TO_CONFIRMATION: &str = "TimeToConfirmation";
/// Deliveries that returned to the queue for a retry.
pub const RETRIES: &str = "Retries";
/// Deliveries that failed and returned to the queue, of messages that were retried for minutes.
pub const RETRIED_FOR_LONG: &str = "RetriedForLong";
/// Completed sweeps.
pub const SWEEPS: &str = "Sweeps";
/// Orders that stopped moving and were re-queued.
pub const ORDERS_REQUEUED: &str = "OrdersRequeued";
/// Orders that are due for a check and cannot be read.
pub const ORDERS_UNREADABLE: &str = "OrdersUnreadable";
/// Times that the payment gateway's circuit opened.
pub const GATEWAY_CIRCUIT_OPENED: &str = "GatewayCircuitOpened";
/// Webhooks without a valid signature of the payment gateway.
pub const WEBHOOKS_REFUSED: &str = "WebhooksRefused";
/// Notifications sent, to topics and over every channel.
pub const NOTIFICATIONS_SENT: &str = "NotificationsSent";
/// Notifications that are refused for good, e.g. because the number, address or device does not exist.
pub const NOTIFICATIONS_REFUSED: &str = "NotificationsRefused";
