//! The fault proxies of an environment: between its functions and what they depend on. Terraform, tests and people reach
//! the emulator directly.

use super::{EnvironmentError, UpOptions};
use crate::environment::Lifetime;
use crate::fault_proxy::FaultProxy;

/// What can be made to fail while the environment runs.
#[derive(Debug)]
pub struct FaultProxies {
    /// Before AWS.
    pub aws: FaultProxy,
    /// Before the payment gateway.
    pub gateway: FaultProxy,
}

impl FaultProxies {
    /// Starts both, if they are asked for.
    ///
    /// # Errors
    ///
    /// When one cannot listen, or when the environment is to outlive this process, in which they run.
    pub(super) async fn start(options: &UpOptions) -> Result<Option<Self>, EnvironmentError> {
        if !options.fault_proxies {
            return Ok(None);
        }
        if options.lifetime != Lifetime::ThisProcess {
            return Err(EnvironmentError::DetachedFaultProxies);
        }
        Ok(Some(Self { aws: FaultProxy::start().await?, gateway: FaultProxy::start().await? }))
    }
}
