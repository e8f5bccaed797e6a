//! The ports' connection to AWS and to the payment gateway.

pub mod aws;
pub mod dynamodb;
pub mod lambda_context;
pub mod notifier;
pub mod secret;
pub mod ses;
pub mod settings;
pub mod sns;
pub mod sqs;
pub mod stripe;
pub mod webhooks;
