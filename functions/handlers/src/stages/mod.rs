//! The pipeline's stages, one file each.

pub mod authorisation;
pub mod contact;
pub mod fulfilment;
pub mod inventory;
pub mod notify;
pub mod payment;
pub mod query;
pub mod reconcile;
pub mod validate;
