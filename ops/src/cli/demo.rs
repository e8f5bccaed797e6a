//! `cargo demo`

use clap::Args;
use scenario::demo;
use terminal::cancel::Cancel;

use super::choices::Choices;
use terminal::outcome::{Failure, Outcome};

#[derive(Debug, Args)]
pub struct Demo {
    #[command(flatten)]
    options: demo::Options,
    /// Name of the running copy; copies of different names run side by side
    #[arg(long, default_value = "demo", value_name = "NAME")]
    instance: String,
    #[command(flatten)]
    choices: Choices,
}

impl Demo {
    pub async fn run(self, cancel: &Cancel) -> Result<Outcome, Failure> {
        let up = self.choices.up_options(&self.instance, cancel);
        let tally = demo::run(self.options, up).await?;
        Ok(if tally.summary.ok { Outcome::Well } else { Outcome::Failed })
    }
}
