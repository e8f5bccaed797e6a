//! An environment for the time of one piece of work.

use std::panic::{AssertUnwindSafe, resume_unwind};

use futures::FutureExt;

use super::{Destroyed, Environment, EnvironmentError, UpOptions};

/// The result of the work, and what the environment left behind.
#[derive(Debug)]
pub struct Finished<T> {
    /// What the work returned.
    pub value: T,
    /// What is left of the environment.
    pub destroyed: Destroyed,
}

/// Brings an environment up, does `work` in it, and destroys it, also when `work` panics. When the options' switch goes
/// on, the work is dropped where it is, and everything is stopped.
///
/// # Errors
///
/// When the environment cannot be brought up or destroyed, or when cancelled.
///
/// # Panics
///
/// When `work` does, after the environment has been destroyed.
pub async fn with_environment<T>(
    options: UpOptions,
    work: impl AsyncFnOnce(&Environment) -> T,
) -> Result<Finished<T>, EnvironmentError> {
    let cancel = options.cancel.clone();
    let environment = Environment::up(options).await?;
    let outcome = tokio::select! {
        outcome = AssertUnwindSafe(work(&environment)).catch_unwind() => Some(outcome),
        () = cancel.cancelled() => None,
    };
    match outcome {
        Some(Ok(value)) => Ok(Finished { value, destroyed: environment.destroy().await? }),
        Some(Err(panic)) => {
            // The panic is what the caller has to hear of.
            let _ = environment.destroy().await;
            resume_unwind(panic)
        }
        None => {
            environment.stop().await?;
            Err(EnvironmentError::Cancelled)
        }
    }
}
