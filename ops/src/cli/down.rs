//! `cargo ops down`

use clap::Args;
use deployed::instance::InstanceName;
use local::environment;
use local::toolchain::TerraformChoice;
use terminal::cancel::Cancel;
use terminal::progress::Progress;

use terminal::outcome::{Failure, Outcome};

#[derive(Debug, Args)]
pub struct Down {
    /// Name of the instance to take down
    #[arg(long, default_value = "local", value_name = "NAME")]
    instance: String,
    /// Which Terraform to use
    #[arg(long, value_enum, default_value_t)]
    terraform: TerraformChoice,
}

impl Down {
    pub async fn run(self, cancel: &Cancel) -> Result<Outcome, Failure> {
        let name = InstanceName::new(&self.instance)?;
        match environment::down(&name, self.terraform, Progress::detect(), cancel).await? {
            environment::Down::NothingUp => {
                println!("Instance `{}` is not up.", self.instance);
                Ok(Outcome::Well)
            }
            environment::Down::Cleared => {
                println!("Instance `{}` was not completely up; its processes and files are removed.", self.instance);
                Ok(Outcome::Well)
            }
            environment::Down::Destroyed(destroyed) if destroyed.left_behind.is_empty() => {
                println!(
                    "Instance `{}` is down: {} resources destroyed, none remain.",
                    self.instance, destroyed.resources
                );
                Ok(Outcome::Well)
            }
            environment::Down::Destroyed(destroyed) => {
                println!("Instance `{}` is down, but these resources remain:", self.instance);
                for resource in destroyed.left_behind {
                    println!("  {resource}");
                }
                Ok(Outcome::Failed)
            }
        }
    }
}
