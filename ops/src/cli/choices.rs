//! Options of the commands that bring an environment up.

use clap::Args;
use local::environment::UpOptions;
use local::toolchain::TerraformChoice;
use terminal::cancel::Cancel;
use terminal::progress::Progress;

#[derive(Debug, Args)]
pub struct Choices {
    /// Environment under envs/ to apply; it must be one for the emulator
    #[arg(long = "env", default_value = "local", value_name = "SUFFIX")]
    environment: String,
    /// Which Terraform to use
    #[arg(long, value_enum, default_value_t)]
    terraform: TerraformChoice,
    /// Build the functions with the release profile
    #[arg(long)]
    release: bool,
}

impl Choices {
    /// The options for this instance, with progress on standard error.
    pub fn up_options(self, instance: &str, cancel: &Cancel) -> UpOptions {
        UpOptions {
            environment: self.environment,
            terraform: self.terraform,
            release: self.release,
            progress: Progress::detect(),
            cancel: cancel.clone(),
            ..UpOptions::local(instance)
        }
    }
}
