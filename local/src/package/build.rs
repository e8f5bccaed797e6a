//! Builds the functions' executable: with Cargo for this machine, with cargo-lambda for AWS.

use std::path::PathBuf;

use serde_json::Value;
use tokio::process::Command;

use super::{Package, PackageError, write_archive};
use crate::process::{capture, streamed};
use deployed::workspace::Workspace;
use terminal::cancel::Cancel;
use terminal::progress::Progress;

/// The platform of the executable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// This machine, for the emulator.
    Local {
        /// With the release profile: smaller, faster, slower to build.
        release: bool,
    },
    /// AWS Lambda on Graviton.
    AwsArm64,
    /// AWS Lambda on x86-64.
    AwsX86_64,
}

impl Target {
    /// The package's directory below `target/lambda`.
    fn directory(self) -> String {
        match self {
            Self::Local { release: false } => format!("{}-dev", std::env::consts::ARCH),
            Self::Local { release: true } => format!("{}-release", std::env::consts::ARCH),
            Self::AwsArm64 => "aws-arm64".into(),
            Self::AwsX86_64 => "aws-x86_64".into(),
        }
    }
}

/// Builds the functions and packages them under `target/lambda`.
///
/// # Errors
///
/// When they do not compile, when cargo-lambda is needed and missing, when the zip cannot be written, or when
/// cancelled.
pub async fn package(
    workspace: &Workspace,
    target: Target,
    progress: Progress,
    cancel: &Cancel,
) -> Result<Package, PackageError> {
    let step = progress.step("Building the functions");
    let executable = match target {
        Target::Local { release } => {
            local(workspace, release, cancel, |crate_name| step.detail(crate_name.to_owned())).await?
        }
        Target::AwsArm64 => for_aws(workspace, "--arm64", cancel).await?,
        Target::AwsX86_64 => for_aws(workspace, "--x86-64", cancel).await?,
    };
    step.detail("zipping");
    let zip = workspace.target().join("lambda").join(target.directory()).join("bootstrap.zip");
    let package = write_archive(&executable, &zip)?;
    step.finish(&package.describe());
    Ok(package)
}

async fn local(
    workspace: &Workspace,
    release: bool,
    cancel: &Cancel,
    mut compiled: impl FnMut(&str),
) -> Result<PathBuf, PackageError> {
    let mut cargo = cargo(workspace);
    // The whole workspace, so that features are the same as in other builds and nothing is compiled twice.
    cargo.args(["build", "--workspace", "--bin", "bootstrap", "--message-format=json-render-diagnostics"]);
    if release {
        cargo.arg("--release");
    }
    let mut executable = None;
    let captured = streamed(&mut cargo, cancel, |line| {
        let Ok(message) = serde_json::from_str::<Value>(line) else { return };
        compiled(message.pointer("/target/name").and_then(Value::as_str).unwrap_or_default());
        if let Some(path) = executable_of(&message) {
            executable = Some(path);
        }
    })
    .await?;
    let command = "cargo build --workspace --bin bootstrap".to_owned();
    if !captured.status.success() {
        // The complete output: the first error matters, not the last line.
        return Err(PackageError::Build { command, status: captured.status, output: captured.stderr });
    }
    executable.ok_or(PackageError::NoExecutable { command })
}

async fn for_aws(workspace: &Workspace, architecture: &str, cancel: &Cancel) -> Result<PathBuf, PackageError> {
    if !capture(cargo(workspace).args(["lambda", "--version"]), cancel).await?.status.success() {
        return Err(PackageError::NoCargoLambda);
    }
    let arguments = ["lambda", "build", "--release", architecture, "--bin", "bootstrap"];
    let captured = capture(cargo(workspace).args(arguments), cancel).await?;
    if !captured.status.success() {
        let command = format!("cargo {}", arguments.join(" "));
        return Err(PackageError::Build { command, status: captured.status, output: captured.stderr });
    }
    Ok(workspace.target().join("lambda/bootstrap/bootstrap"))
}

/// The path of the functions' executable, if a Cargo message announces it.
fn executable_of(message: &Value) -> Option<PathBuf> {
    let ours = message.get("reason")? == "compiler-artifact" && message.pointer("/target/name")? == "bootstrap";
    if ours { message.get("executable")?.as_str().map(PathBuf::from) } else { None }
}

/// Cargo, as in a shell at the workspace's root.
fn cargo(workspace: &Workspace) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(workspace.root());
    // `cargo run` and `cargo test` set variables about the running package. Build scripts that depend on them (ring's)
    // would otherwise run again whenever these variables come and go.
    for (name, _) in std::env::vars_os() {
        let described = name.to_str().is_some_and(|name| {
            ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CFG_", "DEP_"]
                .iter()
                .any(|prefix| name.starts_with(prefix))
                || ["CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE", "CARGO_TARGET_TMPDIR", "OUT_DIR"].contains(&name)
        });
        if described {
            command.env_remove(name);
        }
    }
    command
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_executable_is_read_from_cargos_message() {
        let message = json!({
            "reason": "compiler-artifact", "target": {"name": "bootstrap", "kind": ["bin"]}, "executable": "t/bootstrap"
        });
        assert_eq!(executable_of(&message), Some(PathBuf::from("t/bootstrap")));
    }

    #[test]
    fn libraries_and_other_messages_are_ignored() {
        let library = json!({"reason": "compiler-artifact", "target": {"name": "bootstrap"}, "executable": null});
        assert_eq!(executable_of(&library), None);
        assert_eq!(executable_of(&json!({"reason": "build-finished", "success": true})), None);
    }
}
