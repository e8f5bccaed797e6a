//! Fault proxies between the environment's functions and what they depend on.

use fault_proxy::{FaultProxy, FaultProxyError};
use local::environment::Detour;

/// What can be made to fail while the environment runs.
#[derive(Debug)]
pub struct Proxies {
    /// Before AWS.
    pub aws: FaultProxy,
    /// Before the payment gateway.
    pub gateway: FaultProxy,
}

impl Proxies {
    /// Starts both, without faults.
    pub async fn start() -> Result<Self, FaultProxyError> {
        Ok(Self { aws: FaultProxy::start().await?, gateway: FaultProxy::start().await? })
    }
}

impl Detour for Proxies {
    fn aws_url(&self) -> String {
        self.aws.url().to_owned()
    }

    fn gateway_url(&self) -> String {
        self.gateway.url().to_owned()
    }

    fn lead_to(&self, aws: &str, gateway: &str) {
        self.aws.set_upstream(aws);
        self.gateway.set_upstream(gateway);
    }
}
