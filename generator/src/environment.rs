//! An environment: what a person decides about one deployment, written by hand in `envs/<suffix>/env.toml`.
//!
//! Terraform would refuse a bad value too, but minutes later, halfway through an apply and in the words of an AWS API.
//! So every setting is checked here, as it is read, and a file's problems are reported all at once.

mod backend;
mod calling_codes;
mod email;
mod limits;
mod load;
mod problem;
mod retailer_name;
mod settings;
mod suffix;
mod support_contact;
mod tables;
mod target;
mod value;

pub use backend::{Backend, BucketName, StateKey};
pub use calling_codes::CallingCodes;
pub use email::EmailAddress;
pub use limits::{AccountConcurrency, LogRetention, RequestLimit, SpendLimit};
pub use load::{EnvironmentsError, FILE, FOLDER, Source, check, load_all, parse, settings_file, sources};
pub use problem::{Fault, InvalidSettings, Problem};
pub use retailer_name::RetailerName;
pub use suffix::{BadSuffix, Suffix};
pub use support_contact::SupportContact;
pub use tables::{ApiSettings, NotificationSettings};
pub use target::{Architecture, Region};

/// One deployment of the pipeline, as `envs/<suffix>/env.toml` describes it. Every value in it has been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// Ends the name of every resource, and names the folder.
    pub suffix: Suffix,
    /// Where it runs.
    pub region: Region,
    /// The processor that the functions are built for.
    pub architecture: Architecture,
    /// Applied to the local emulator instead of AWS.
    pub emulator: bool,
    /// Whether X-Ray groups and sampling rules are created.
    pub xray: bool,
    /// How long log groups keep their lines.
    pub log_retention_days: LogRetention,
    /// Who is told when an alarm fires; `None` leaves the alarms topic without a subscriber.
    pub alarm_email: Option<EmailAddress>,
    /// The Lambda concurrency that it may use; `None` where nobody checks whether the pipeline fits.
    pub account_concurrency: Option<AccountConcurrency>,
    /// The API's own settings.
    pub api: ApiSettings,
    /// What customers are sent.
    pub notifications: NotificationSettings,
    /// Where Terraform keeps this environment's state.
    pub backend: Backend,
}

#[cfg(test)]
mod tests;
