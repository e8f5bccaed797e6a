//! Authorising an order's payment once, whatever became of earlier answers.
//!
//! The gateway saves its first answer under an idempotency key, also an error of its own, and forgets keys after a day
//! (docs.stripe.com/api/idempotent_requests). So an order asks under one key for a while, which makes asking twice asking
//! once; after that it first looks for what the gateway has authorised for it, and only then asks under the next key. The
//! keys follow the clock, so that two workers on the same order use the same one.

use std::time::Duration;

use order_contract::message::{FulfilmentCommand, Message};
use order_domain::order::{Authorisation, Order};
use order_domain::time::Timestamp;

use crate::failure::Failure;
use crate::ports::{Found, Gateway, GatewayAnswer, Queue, SEARCH_IS_CURRENT_AFTER};

/// The first authorisation of an order.
pub const FIRST_ATTEMPT: u32 = 1;
/// How long one key is used.
pub const KEY_LIFETIME: Duration = Duration::from_secs(10 * 60);

/// How many keys were used up since then, and how long the current one has been in use.
#[must_use]
pub fn attempts(since: Timestamp, now: Timestamp) -> (u32, Duration) {
    let age = now.since(since);
    let attempts = u32::try_from(age.as_secs() / KEY_LIFETIME.as_secs()).unwrap_or(u32::MAX);
    (attempts, age.saturating_sub(KEY_LIFETIME.saturating_mul(attempts)))
}

/// Authorises the order's total; `first_attempt` names the first key, in use since `since`.
pub async fn authorise(
    gateway: &impl Gateway,
    order: &Order,
    first_attempt: u32,
    since: Timestamp,
    now: Timestamp,
) -> Result<GatewayAnswer, Failure> {
    let (attempts, age_of_key) = attempts(since, now);
    let attempt = first_attempt.saturating_add(attempts);
    // A re-authorisation counts its keys from the order's last change, so an earlier attempt may exist: search first.
    if attempts > 0 || first_attempt > FIRST_ATTEMPT {
        if let Some(found) = find(gateway, order, attempt).await? {
            return Ok(found);
        }
        // What was asked for before this key, or before the change that set the clock back, may not be found yet.
        if age_of_key < SEARCH_IS_CURRENT_AFTER {
            return Err(Failure::Early {
                what: format!("whether the gateway has authorised order {} is not known yet", order.order_id),
                wait: SEARCH_IS_CURRENT_AFTER.saturating_sub(age_of_key),
                cause: None,
            });
        }
    }
    gateway.authorise(order, attempt).await
}

/// What the gateway has authorised for the order, if anything; every further authorisation is cancelled.
pub async fn find(gateway: &impl Gateway, order: &Order, attempt: u32) -> Result<Option<GatewayAnswer>, Failure> {
    match gateway.find(order).await? {
        Found::Nothing => Ok(None),
        // Money that somebody captured by hand is the order's all the same: its states say what is owed of it.
        Found::Authorised { mut authorisation, surplus } | Found::Captured { mut authorisation, surplus } => {
            for payment_intent in surplus {
                tracing::warn!(order_id = %order.order_id, payment_intent, "a second authorisation of an order is cancelled");
                gateway.cancel_payment(order, &payment_intent).await?;
            }
            authorisation.attempt = authorisation.attempt.max(attempt);
            Ok(Some(GatewayAnswer::Authorised(authorisation)))
        }
    }
}

/// An authorisation that the order does not know, since it needs none any more or has another, is cancelled by a message of
/// its own, which is retried until that is done. Another worker may have recorded the very same: then it stays.
pub async fn cancel_unless_known(
    queue: &impl Queue,
    order: &Order,
    authorisation: &Authorisation,
) -> Result<(), Failure> {
    if order.knows_payment(&authorisation.payment_intent) {
        return Ok(());
    }
    let (order_id, payment_intent) = (order.order_id.clone(), authorisation.payment_intent.clone());
    let message = Message::Fulfilment(FulfilmentCommand::CancelPayment { order_id, payment_intent });
    queue.forward(&[message]).await.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_at_the_same_time_use_the_same_key() {
        let since = Timestamp::from_unix_seconds(1_764_000_000).unwrap();
        let at = |seconds| attempts(since, since.after(Duration::from_secs(seconds)));
        assert_eq!(at(0), (0, Duration::ZERO));
        assert_eq!(at(599), (0, Duration::from_secs(599)));
        assert_eq!(at(600), (1, Duration::ZERO));
        assert_eq!(at(1300), (2, Duration::from_secs(100)));
        assert_eq!(attempts(since.after(Duration::from_secs(5)), since), (0, Duration::ZERO));
    }
}
