//! Which deployed pipeline a command uses.

use clap::Args;
use deployed::{Deployed, DeployedError};

#[derive(Debug, Args)]
pub struct Place {
    /// Local instance to use; `cargo ops status` lists them
    #[arg(long, default_value = "local", value_name = "NAME")]
    instance: String,
    /// Environment on AWS (eu-west-2) to use instead, by its suffix; uses your AWS credentials
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
