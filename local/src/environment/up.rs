//! Brings an environment up, and owns it while it is used.

use std::path::Path;
use std::time::{Duration, Instant};

use super::deployment::{self, Destroyed};
use super::processes::Processes;
use super::{EnvironmentError, UpOptions, files};
use crate::package::{Package, Target, package};
use crate::process::Group;
use crate::terraform::Terraform;
use crate::toolchain::Toolchain;
use deployed::instance::FileLock;
use deployed::instance::{Instance, InstanceName, Record};
use deployed::workspace::Workspace;
use deployed::{Connection, PaymentGateway};
use payment_simulator::server::GatewaySimulator;
use terminal::cancel::Cancel;
use terminal::progress::Progress;

/// How an environment was brought up.
#[derive(Debug, Clone)]
pub struct Summary {
    /// How many resources Terraform created.
    pub resources: u64,
    /// The functions' package.
    pub package: Package,
    /// Duration of `terraform init` and `terraform apply`.
    pub apply: Duration,
    /// The Terraform and the provider, as a text for people.
    pub toolchain: String,
}

/// An environment that is up. End it with [`destroy`](Self::destroy), [`stop`](Self::stop) or [`keep`](Self::keep). Its
/// processes end with this process in any case, unless it is detached.
#[derive(Debug)]
pub struct Environment {
    instance: Instance,
    record: Record,
    connection: Connection,
    terraform: Terraform,
    processes: Processes,
    summary: Summary,
    progress: Progress,
    _lock: FileLock,
}

impl Environment {
    /// Brings an environment up: installs missing tools, packages the functions, starts the emulator and the payment
    /// simulator, applies the pipeline.
    ///
    /// # Errors
    ///
    /// When the instance is already up, when a part fails, or when cancelled. Then nothing keeps running. After a failure
    /// the instance's directory keeps the logs.
    pub async fn up(options: UpOptions) -> Result<Self, EnvironmentError> {
        let workspace = Workspace::find()?;
        let instance = Instance::new(&workspace, InstanceName::new(&options.instance)?);
        let lock = instance.lock()?;
        clear_remains(&instance).await?;
        instance.make_directory()?;
        let result = Self::up_in(&workspace, instance.clone(), lock, &options).await;
        match result {
            Err(error) if error.is_cancellation() => {
                instance.remove_directory()?;
                Err(EnvironmentError::Cancelled)
            }
            Err(error) if !instance.logs().exists() => {
                instance.remove_directory()?;
                Err(error)
            }
            result => result,
        }
    }

    async fn up_in(
        workspace: &Workspace,
        instance: Instance,
        lock: FileLock,
        options: &UpOptions,
    ) -> Result<Self, EnvironmentError> {
        let UpOptions { progress, cancel, .. } = options;
        let root_module = files::copy(workspace, &options.environment, &instance.directory().join("terraform"))?;
        let toolchain = Toolchain::ready(workspace, options.terraform, *progress, cancel).await?;
        progress.note(&toolchain.describe());
        let target = Target::Local { release: options.release };
        let package = package(workspace, target, *progress, cancel).await.map_err(EnvironmentError::from)?;
        let processes = Processes::start(&toolchain, instance.directory(), options).await?;
        let mut record = Record {
            environment: options.environment.clone(),
            processes: processes.identities(),
            payment_gateway: processes.gateway_address(),
            connection: None,
            endpoint: processes.emulator.endpoint().to_owned(),
            functions_package: package.zip.clone(),
        };
        let started = Instant::now();
        let deployed = async {
            // Before the long part, so that another process can find and stop what runs if this one is killed.
            instance.write_record(&record)?;
            let terraform = deployment::terraform(&instance, &record, root_module, &toolchain, cancel)?;
            let (connection, applied) = deployment::deploy(&terraform, &record, *progress).await?;
            record.connection = Some(connection.clone());
            instance.write_record(&record)?;
            Ok((terraform, connection, applied))
        }
        .await;
        match deployed {
            Ok((terraform, connection, applied)) => {
                let toolchain = toolchain.describe();
                let summary = Summary { resources: applied.added, package, apply: started.elapsed(), toolchain };
                let progress = *progress;
                Ok(Self { instance, record, connection, terraform, processes, summary, progress, _lock: lock })
            }
            Err(error) => {
                processes.stop().await;
                Err(error)
            }
        }
    }

    /// Its endpoints and names.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The payment gateway as its functions reach it.
    #[must_use]
    pub fn payment_gateway(&self) -> &PaymentGateway {
        &self.record.payment_gateway
    }

    /// The payment simulator, unless the environment is detached.
    #[must_use]
    pub fn simulator(&self) -> Option<&GatewaySimulator> {
        self.processes.gateway.simulator()
    }

    /// Its Terraform, e.g. for another plan.
    #[must_use]
    pub fn terraform(&self) -> &Terraform {
        &self.terraform
    }

    /// Its directory, which contains the logs.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.instance.directory()
    }

    /// The emulator's log file.
    #[must_use]
    pub fn emulator_log(&self) -> &Path {
        self.processes.emulator.log()
    }

    /// Kills every process that runs a function now, like a failing machine; returns their number.
    #[must_use]
    pub fn kill_functions(&self) -> usize {
        self.processes.emulator.kill_functions()
    }

    /// Stops the emulator and the running functions at once. The emulator saves its state.
    ///
    /// # Errors
    ///
    /// As [`Emulator::halt`](crate::emulator::Emulator::halt); it has to be
    /// [restartable](UpOptions::with_restarts).
    pub async fn halt_emulator(&self) -> Result<(), EnvironmentError> {
        Ok(self.processes.emulator.halt().await?)
    }

    /// Starts the emulator again at the same address, with its saved state.
    ///
    /// # Errors
    ///
    /// As [`Emulator::resume`](crate::emulator::Emulator::resume), or when the instance's record cannot be written.
    pub async fn resume_emulator(&self) -> Result<(), EnvironmentError> {
        self.processes.emulator.resume(&Cancel::new()).await?;
        // Another process finds it by the record if this one is killed.
        Ok(self.instance.write_record(&Record { processes: self.processes.identities(), ..self.record.clone() })?)
    }

    /// How it was brought up.
    #[must_use]
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// Destroys the pipeline, lists remaining resources, stops every process and removes the directory.
    ///
    /// # Errors
    ///
    /// When Terraform fails or the emulator does not answer. The processes are stopped in any case, and the directory
    /// keeps the logs.
    pub async fn destroy(self) -> Result<Destroyed, EnvironmentError> {
        let destroyed = deployment::destroy(&self.terraform, &self.record, self.progress).await;
        self.processes.stop().await;
        match destroyed {
            Ok(destroyed) => {
                self.instance.remove_directory()?;
                Ok(destroyed)
            }
            Err(error) if error.is_cancellation() => {
                self.instance.remove_directory()?;
                Err(EnvironmentError::Cancelled)
            }
            Err(error) => Err(error),
        }
    }

    /// Stops every process and removes the directory without `terraform destroy`: the emulator's resources end with it.
    ///
    /// # Errors
    ///
    /// When the directory cannot be removed.
    pub async fn stop(self) -> Result<(), EnvironmentError> {
        self.processes.stop().await;
        Ok(self.instance.remove_directory()?)
    }

    /// Leaves a detached environment running; [`down`](super::down) takes it down.
    #[must_use]
    pub fn keep(self) -> Connection {
        self.connection
    }
}

/// Stops the processes that an earlier run of the instance left.
async fn clear_remains(instance: &Instance) -> Result<(), EnvironmentError> {
    let Some(record) = instance.record()? else { return Ok(()) };
    if record.is_running() && record.connection.is_some() {
        return Err(EnvironmentError::AlreadyUp { instance: instance.name().as_str().to_owned() });
    }
    stop_processes(&record).await;
    Ok(())
}

/// How long a process may take to stop after SIGTERM.
const GRACE: Duration = Duration::from_secs(5);

/// Stops an instance's running processes and everything that they started.
pub(super) async fn stop_processes(record: &Record) {
    let running = record.processes.iter().filter(|process| process.is_running());
    let groups = running.filter_map(|process| Group::led_by(process.pid));
    futures::future::join_all(groups.map(|group| group.stop(GRACE))).await;
}
