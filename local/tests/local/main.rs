//! The local environment's parts, for real: the emulator is started, Terraform applies to it, and nothing is left.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

mod emulator;
mod terraform;

use deployed::workspace::Workspace;
use local::toolchain::{TerraformChoice, Toolchain};
use terminal::cancel::Cancel;
use terminal::progress::Progress;

/// The toolchain, installed by whichever test comes first.
async fn toolchain(terraform: TerraformChoice) -> Toolchain {
    let workspace = Workspace::find().unwrap();
    Toolchain::ready(&workspace, terraform, Progress::silent(), &Cancel::new()).await.unwrap()
}
