//! Runs work in an environment that exists only for it.

use std::panic::{AssertUnwindSafe, resume_unwind};

use futures::FutureExt;

use super::{Destroyed, Environment, EnvironmentError, UpOptions};

/// The result of the work, and the remaining resources.
#[derive(Debug)]
pub struct Finished<T> {
    /// The work's result.
    pub value: T,
    /// The result of destroying the environment.
    pub destroyed: Destroyed,
}

/// Brings an environment up, runs `work` in it, and destroys it, even if `work` panics. On cancellation the work is
/// dropped and everything is stopped.
///
/// # Errors
///
/// When the environment cannot be brought up or destroyed, or when cancelled.
///
/// # Panics
///
/// When `work` panics, after the environment is destroyed.
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
            // The panic matters more than an error of the destroy.
            let _ = environment.destroy().await;
            resume_unwind(panic)
        }
        None => {
            environment.stop().await?;
            Err(EnvironmentError::Cancelled)
        }
    }
}
