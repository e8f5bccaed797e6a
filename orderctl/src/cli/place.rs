//! Which deployed pipeline a command works with.

use clap::Args;
use deployed::{Deployed, DeployedError};

#[derive(Debug, Args)]
pub struct Place {
    /// Name of the running copy on this machine; `cargo ops status` lists them
    #[arg(long, default_value = "local", value_name = "NAME")]
    instance: String,
    /// Suffix of an environment on AWS (eu-west-2) instead, reached with the credentials that the AWS tools use
    #[arg(long, value_name = "SUFFIX", conflicts_with = "instance")]
    suffix: Option<String>,
}

impl Place {
    pub async fn reach(&self) -> Result<Deployed, DeployedError> {
        match &self.suffix {
            Some(suffix) => Deployed::on_aws(suffix).await,
            None => Deployed::local(&self.instance).await,
        }
    }
}
