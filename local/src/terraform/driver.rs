//! Runs Terraform's commands.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Applied, Diagnostic, Event, Plan, TerraformError};
use crate::process::{Captured, streamed, supervised};
use crate::toolchain::{ProviderSource, Toolchain};
use deployed::instance::FileLock;
use terminal::cancel::Cancel;
use terminal::progress::{Progress, Step};

/// Most resources wait for the service, not for each other.
const PARALLELISM: &str = "-parallelism=40";

/// Directories, environment and variables of a Terraform run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The root module.
    pub directory: PathBuf,
    /// The directory for logs and the CLI configuration.
    pub logs: PathBuf,
    /// Environment variables for Terraform and its provider, including credentials. Variables of this process that start
    /// with `AWS_` or `TF_` are removed.
    pub environment: BTreeMap<String, String>,
    /// Values of the root module's variables.
    pub variables: BTreeMap<String, String>,
}

/// Terraform in one directory.
#[derive(Debug, Clone)]
pub struct Terraform {
    settings: Settings,
    program: PathBuf,
    python: PathBuf,
    provider: ProviderSource,
    cli_configuration: PathBuf,
    cancel: Cancel,
}

impl Terraform {
    /// Prepares to run Terraform; `cancel` interrupts it.
    ///
    /// # Errors
    ///
    /// When the directories or the CLI configuration cannot be written.
    pub fn new(toolchain: &Toolchain, settings: Settings, cancel: Cancel) -> Result<Self, TerraformError> {
        let cli_configuration = settings.logs.join("terraform.rc");
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| TerraformError::Write { path, source }
        };
        std::fs::create_dir_all(&settings.logs).map_err(failed(&settings.logs))?;
        if let ProviderSource::Registry { cache } = &toolchain.provider {
            std::fs::create_dir_all(cache).map_err(failed(cache))?;
        }
        std::fs::write(&cli_configuration, toolchain.provider.cli_configuration())
            .map_err(failed(&cli_configuration))?;
        Ok(Self {
            settings,
            program: toolchain.terraform.program.clone(),
            python: toolchain.python.python(),
            provider: toolchain.provider.clone(),
            cli_configuration,
            cancel,
        })
    }

    /// The root module's directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.settings.directory
    }

    /// `terraform init`.
    ///
    /// # Errors
    ///
    /// When Terraform fails, or when cancelled.
    pub async fn init(&self, progress: Progress) -> Result<(), TerraformError> {
        // Terraform does not lock its provider cache.
        let _lock = match &self.provider {
            ProviderSource::Mirror { .. } => None,
            ProviderSource::Registry { cache } => {
                let waiting = "Another process is installing the AWS provider; waiting for it ...";
                Some(FileLock::take(&cache.with_extension("lock"), waiting, progress, &self.cancel).await?)
            }
        };
        self.run("init", &["-json", "-input=false"], |_| {}).await.map(drop)
    }

    /// `terraform apply`, with the planned and finished resources counted in `step`.
    ///
    /// # Errors
    ///
    /// When Terraform fails, or when cancelled.
    pub async fn apply(&self, step: &Step) -> Result<Applied, TerraformError> {
        self.change("apply", &[], step).await
    }

    /// `terraform destroy`, with the planned and finished resources counted in `step`.
    ///
    /// # Errors
    ///
    /// When Terraform fails, or when cancelled.
    pub async fn destroy(&self, step: &Step) -> Result<Applied, TerraformError> {
        // Nothing else changes these resources; refreshing them would double the time.
        self.change("destroy", &["-refresh=false"], step).await
    }

    /// `terraform plan`: what an apply would change now.
    ///
    /// # Errors
    ///
    /// When Terraform fails, or when cancelled.
    pub async fn plan(&self) -> Result<Plan, TerraformError> {
        let mut plan = Plan::default();
        let mut arguments = vec!["-json".to_owned(), "-input=false".into(), PARALLELISM.into()];
        arguments.push("-detailed-exitcode".into());
        arguments.extend(self.variables());
        let captured = self
            .run("plan", &arguments, |event| {
                if let Event::Planned(change) = event {
                    plan.changes.push(change);
                }
            })
            .await?;
        plan.differs = captured.status.code() == Some(2);
        Ok(plan)
    }

    /// `terraform validate`.
    ///
    /// # Errors
    ///
    /// When the configuration is not valid; the diagnostics say why.
    pub async fn validate(&self) -> Result<(), TerraformError> {
        // With -json, validate writes one document and no stream.
        let (answer, captured) = self.answer("validate", &["-json"]).await?;
        if answer.get("valid").and_then(Value::as_bool) == Some(true) {
            return Ok(());
        }
        let diagnostics = answer.get("diagnostics").and_then(Value::as_array);
        let diagnostics = diagnostics.into_iter().flatten().filter_map(Diagnostic::from_json).collect();
        Err(self.failed("validate", captured.status, diagnostics))
    }

    /// `terraform output`: the root module's outputs by name.
    ///
    /// # Errors
    ///
    /// When Terraform fails, or when cancelled.
    pub async fn outputs(&self) -> Result<BTreeMap<String, Value>, TerraformError> {
        let (answer, captured) = self.answer("output", &["-json"]).await?;
        let Some(outputs) = answer.as_object().filter(|_| captured.status.success()) else {
            let diagnostics = from_standard_error(&captured);
            return Err(self.failed("output", captured.status, diagnostics));
        };
        Ok(outputs
            .iter()
            .map(|(name, output)| (name.clone(), output.get("value").cloned().unwrap_or_default()))
            .collect())
    }

    /// `terraform state list`: the addresses of the resources in the state.
    ///
    /// # Errors
    ///
    /// When Terraform fails, or when cancelled.
    pub async fn state_list(&self) -> Result<Vec<String>, TerraformError> {
        let mut addresses = Vec::new();
        let captured = self.lines("state", &["list"], |line| addresses.push(line.to_owned())).await?;
        if captured.status.success() {
            return Ok(addresses);
        }
        if captured.stderr.contains("No state file was found") {
            return Ok(Vec::new());
        }
        let diagnostics = from_standard_error(&captured);
        Err(self.failed("state", captured.status, diagnostics))
    }

    async fn change(&self, command: &str, more: &[&str], step: &Step) -> Result<Applied, TerraformError> {
        let mut arguments = vec!["-json".to_owned(), "-input=false".into(), "-auto-approve".into(), PARALLELISM.into()];
        arguments.extend(more.iter().map(ToString::to_string));
        arguments.extend(self.variables());
        let mut completed = 0;
        let mut applied = Applied::default();
        self.run(command, &arguments, |event| match event {
            Event::Summary { plan: true, counts } => step.total(counts.added + counts.changed + counts.removed),
            Event::Summary { plan: false, counts } => applied = counts,
            Event::Completed { address } => {
                completed += 1;
                step.done(completed);
                step.detail(address);
            }
            Event::Planned(_) | Event::Diagnostic(_) => {}
        })
        .await?;
        Ok(applied)
    }

    /// Runs a command that writes the JSON stream.
    async fn run(
        &self,
        command: &str,
        arguments: &[impl AsRef<str>],
        mut event: impl FnMut(Event),
    ) -> Result<Captured, TerraformError> {
        let mut diagnostics = Vec::new();
        let captured = self
            .lines(command, arguments, |line| match Event::parse(line) {
                Some(Event::Diagnostic(diagnostic)) => diagnostics.push(diagnostic),
                Some(other) => event(other),
                None => {}
            })
            .await?;
        // With -detailed-exitcode, which only `plan` uses, exit code 2 means changes.
        if captured.status.success() || (command == "plan" && captured.status.code() == Some(2)) {
            return Ok(captured);
        }
        diagnostics.retain(|diagnostic| diagnostic.error);
        if diagnostics.is_empty() {
            diagnostics = from_standard_error(&captured);
        }
        Err(self.failed(command, captured.status, diagnostics))
    }

    /// Runs a command that writes one JSON document.
    async fn answer(&self, command: &str, arguments: &[&str]) -> Result<(Value, Captured), TerraformError> {
        let mut document = String::new();
        let captured = self
            .lines(command, arguments, |line| {
                document.push_str(line);
                document.push('\n');
            })
            .await?;
        match serde_json::from_str(&document) {
            Ok(value) => Ok((value, captured)),
            Err(_) if !captured.status.success() => {
                let diagnostics = from_standard_error(&captured);
                Err(self.failed(command, captured.status, diagnostics))
            }
            Err(error) => Err(TerraformError::Answer {
                command: format!("terraform {command}"),
                problem: error.to_string(),
                log: self.log(command),
            }),
        }
    }

    async fn lines(
        &self,
        command: &str,
        arguments: &[impl AsRef<str>],
        mut line: impl FnMut(&str),
    ) -> Result<Captured, TerraformError> {
        let path = self.log(command);
        let mut log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(|source| TerraformError::Write { path: path.clone(), source })?;
        let mut process = supervised(&self.python, &self.program);
        process.arg(command).args(arguments.iter().map(AsRef::as_ref)).current_dir(&self.settings.directory);
        for (name, _) in std::env::vars_os() {
            // Keep a proxy or a home directory; remove another account's credentials and TF_CLI_ARGS.
            if name.to_str().is_some_and(|name| name.starts_with("AWS_") || name.starts_with("TF_")) {
                process.env_remove(name);
            }
        }
        process
            .env("TF_CLI_CONFIG_FILE", &self.cli_configuration)
            .env("TF_IN_AUTOMATION", "1")
            .env("CHECKPOINT_DISABLE", "1")
            .envs(&self.settings.environment);
        let captured = streamed(&mut process, &self.cancel, |text| {
            let _ = writeln!(log, "{text}");
            line(text);
        })
        .await?;
        let _ = log.write_all(captured.stderr.as_bytes());
        Ok(captured)
    }

    fn variables(&self) -> impl Iterator<Item = String> {
        self.settings.variables.iter().map(|(name, value)| format!("-var={name}={value}"))
    }

    fn log(&self, command: &str) -> PathBuf {
        self.settings.logs.join(format!("terraform-{command}.log"))
    }

    fn failed(&self, command: &str, status: std::process::ExitStatus, diagnostics: Vec<Diagnostic>) -> TerraformError {
        TerraformError::Failed { command: format!("terraform {command}"), status, diagnostics, log: self.log(command) }
    }
}

/// Terraform's error when it fails before it writes JSON.
fn from_standard_error(captured: &Captured) -> Vec<Diagnostic> {
    let text = captured.stderr.trim();
    let (summary, detail) = text.split_once('\n').unwrap_or((text, ""));
    vec![Diagnostic {
        error: true,
        summary: summary.trim_start_matches(['╷', '│', ' ']).to_owned(),
        detail: detail.trim().to_owned(),
        address: None,
        place: None,
    }]
}
