//! `cargo ops package`

use clap::{Args, ValueEnum};
use deployed::workspace::Workspace;
use local::package::{Target, package};
use terminal::cancel::Cancel;
use terminal::progress::Progress;

use terminal::outcome::{Failure, Outcome};

#[derive(Debug, Args)]
pub struct Package {
    /// Build for AWS Lambda on this architecture, with cargo-lambda [default: for this machine]
    #[arg(long, value_enum)]
    architecture: Option<Architecture>,
    /// Use the release profile for this machine; builds for AWS always do
    #[arg(long)]
    release: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Architecture {
    Arm64,
    #[value(name = "x86_64")]
    X86_64,
}

impl Package {
    pub async fn run(self, cancel: &Cancel) -> Result<Outcome, Failure> {
        let target = match self.architecture {
            None => Target::Local { release: self.release },
            Some(Architecture::Arm64) => Target::AwsArm64,
            Some(Architecture::X86_64) => Target::AwsX86_64,
        };
        let package = package(&Workspace::find()?, target, Progress::detect(), cancel).await?;
        println!("{} ({})", package.zip.display(), package.describe());
        Ok(Outcome::Well)
    }
}
