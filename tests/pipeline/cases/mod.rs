//! The tests, by what they look at.

mod alone;
mod duplicates;
mod edge;
mod filters;
mod fulfilment;
mod gateway_alone;
mod mail_events;
mod notifications;
mod observability;
mod outcomes;
mod queries;
mod reconcile;
mod webhooks;

use std::sync::Arc;

use futures::future::LocalBoxFuture;

use crate::shop::Shop;

/// One test.
pub struct Case {
    /// Its name: what must hold.
    pub name: &'static str,
    /// What it does; it fails by panicking.
    pub run: fn(Arc<Shop>) -> LocalBoxFuture<'static, ()>,
}

/// The cases of a file, named after their functions. They share the environment.
macro_rules! cases {
    ($($name:ident),* $(,)?) => {
        /// This file's tests.
        pub fn cases() -> Vec<super::Case> {
            vec![$(super::Case {
                name: stringify!($name),
                run: |shop| Box::pin(async move {
                    let _use = shop.shared().await;
                    $name(&shop).await;
                }),
            }),*]
        }
    };
}
use cases;

/// The cases of a file that have the environment to themselves, one after the other.
macro_rules! cases_alone {
    ($($name:ident),* $(,)?) => {
        /// This file's tests.
        pub fn cases() -> Vec<super::Case> {
            vec![$(super::Case {
                name: stringify!($name),
                run: |shop| Box::pin(async move {
                    let _use = shop.alone().await;
                    $name(&shop).await;
                }),
            }),*]
        }
    };
}
use cases_alone;

/// Every test.
pub fn all() -> Vec<Case> {
    [
        edge::cases(),
        outcomes::cases(),
        fulfilment::cases(),
        duplicates::cases(),
        notifications::cases(),
        mail_events::cases(),
        filters::cases(),
        queries::cases(),
        reconcile::cases(),
        webhooks::cases(),
        observability::cases(),
        alone::cases(),
        gateway_alone::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
