//! Integration tests of the local environment's parts: the real emulator and the real Terraform.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

mod emulator;
mod terraform;

use deployed::workspace::Workspace;
use local::toolchain::{TerraformChoice, Toolchain};
use terminal::cancel::Cancel;
use terminal::progress::Progress;

/// The toolchain; the first test installs it.
async fn toolchain(terraform: TerraformChoice) -> Toolchain {
    let workspace = Workspace::find().unwrap();
    Toolchain::ready(&workspace, terraform, Progress::silent(), &Cancel::new()).await.unwrap()
}
