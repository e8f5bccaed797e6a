//! Reads every `envs/<suffix>/env.toml`, and accepts all of them or none.

use std::path::{Path, PathBuf};
use std::{fs, io};

use toml::de::DeTable;

use super::problem::{Fault, InvalidSettings, Problem};
use super::settings::{self, Settings};
use super::{ApiSettings, Backend, Environment, NotificationSettings, Suffix};

/// The folder of all environments, relative to the repository's root.
pub const FOLDER: &str = "envs";

/// The name of the hand-written file in an environment's folder.
pub const FILE: &str = "env.toml";

/// Why the environments could not be had.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentsError {
    /// The folder or a file in it cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// The folder or file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// Files have problems: at least one file, at least one problem each.
    #[error("{} cannot be used:\n{}", files_of(.0), lines_of(.0))]
    Invalid(Vec<InvalidSettings>),
}

fn files_of(files: &[InvalidSettings]) -> String {
    match files {
        [one] => one.file.clone(),
        several => format!("{} environments", several.len()),
    }
}

fn lines_of(files: &[InvalidSettings]) -> String {
    files.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// A hand-written file that has been read and not yet checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The name of the folder it lies in.
    pub folder: String,
    /// What it says.
    pub text: String,
}

impl Source {
    /// The file, relative to the repository's root, with `/`.
    #[must_use]
    pub fn file(&self) -> String {
        settings_file(&self.folder)
    }
}

/// The path of an environment's hand-written file, relative to the repository's root, with `/`.
#[must_use]
pub fn settings_file(folder: &str) -> String {
    format!("{FOLDER}/{folder}/{FILE}")
}

/// Every environment under the repository's root, in the order of the suffixes.
///
/// # Errors
///
/// When a file cannot be read, or when any of them has a problem: then every problem of every file is named.
pub fn load_all(root: &Path) -> Result<Vec<Environment>, EnvironmentsError> {
    check(&sources(root)?)
}

/// Every hand-written file under the repository's root, unchecked, in the order of the folders.
///
/// # Errors
///
/// When the folder or a file cannot be read.
pub fn sources(root: &Path) -> Result<Vec<Source>, EnvironmentsError> {
    let folder = root.join(FOLDER);
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |source| EnvironmentsError::Unreadable { path, source }
    };
    let mut sources = Vec::new();
    for entry in fs::read_dir(&folder).map_err(unreadable(&folder))? {
        let entry = entry.map_err(unreadable(&folder))?;
        let path = entry.path().join(FILE);
        // A folder without the file is what is left of an environment that someone took away.
        if path.is_file() {
            let text = fs::read_to_string(&path).map_err(unreadable(&path))?;
            sources.push(Source { folder: entry.file_name().to_string_lossy().into_owned(), text });
        }
    }
    sources.sort_by(|a, b| a.folder.cmp(&b.folder));
    Ok(sources)
}

/// Checks files, each by itself and all against each other.
///
/// # Errors
///
/// When any of them has a problem: then every problem of every file is named.
pub fn check(sources: &[Source]) -> Result<Vec<Environment>, EnvironmentsError> {
    let (mut environments, mut invalid) = (Vec::<Environment>::new(), Vec::new());
    for source in sources {
        match parse(source, &environments) {
            Ok(environment) => environments.push(environment),
            Err(file) => invalid.push(file),
        }
    }
    if invalid.is_empty() { Ok(environments) } else { Err(EnvironmentsError::Invalid(invalid)) }
}

/// Checks one file, by itself and against the environments that `others` gives.
///
/// # Errors
///
/// Every problem of the file.
pub fn parse(source: &Source, others: &[Environment]) -> Result<Environment, InvalidSettings> {
    let invalid = |problems| InvalidSettings { file: source.file(), problems };
    let (document, errors) = DeTable::parse_recoverable(&source.text);
    if !errors.is_empty() {
        return Err(invalid(errors.iter().map(|error| syntax(&source.text, error)).collect()));
    }
    let mut settings = Settings::new(&source.text, document.get_ref());
    let environment = read(&mut settings, &source.folder, others);
    match (environment, settings.problems()) {
        (Some(environment), problems) if problems.is_empty() => Ok(environment),
        (_, problems) => Err(invalid(problems)),
    }
}

fn syntax(text: &str, error: &toml::de::Error) -> Problem {
    let line = error.span().map(|span| settings::line_of(text, &span));
    Problem { line, fault: Fault::Syntax { message: error.message().to_owned() } }
}

/// Reads every setting before it reports an error, so that all problems are found.
fn read(settings: &mut Settings<'_>, folder: &str, others: &[Environment]) -> Option<Environment> {
    let suffix = settings.required("suffix");
    let region = settings.required("region");
    let architecture = settings.required("architecture");
    let emulator = settings.required("emulator");
    let xray = settings.required("xray");
    let log_retention_days = settings.required("log_retention_days");
    let alarm_email = settings.optional("alarm_email");
    let account_concurrency = settings.optional("account_concurrency");
    let api = ApiSettings::read(settings);
    let notifications = NotificationSettings::read(settings);
    let backend = Backend::read(settings);

    refuse_another_folder(settings, suffix.as_ref(), folder);
    if emulator == Some(true) {
        refuse_on_the_emulator(settings, xray, notifications.as_ref(), backend.as_ref());
    }
    if emulator == Some(false) {
        refuse_sms_without_a_limit(settings, notifications.as_ref());
    }
    if let Some(backend) = &backend {
        refuse_shared_state(settings, backend, others);
    }
    Some(Environment {
        suffix: suffix?,
        region: region?,
        architecture: architecture?,
        emulator: emulator?,
        xray: xray?,
        log_retention_days: log_retention_days?,
        alarm_email,
        account_concurrency,
        api: api?,
        notifications: notifications?,
        backend: backend?,
    })
}

fn refuse_another_folder(settings: &mut Settings<'_>, suffix: Option<&Suffix>, folder: &str) {
    if let Some(suffix) = suffix.filter(|suffix| suffix.as_str() != folder) {
        let folder = folder.escape_debug();
        settings.refuse(
            "suffix",
            &format!("\"{suffix}\""),
            &format!("the file lies in the folder {FOLDER}/{folder}, and the two must agree"),
            &format!("\"{folder}\" here, or the name {FOLDER}/{suffix} for the folder"),
        );
    }
}

fn refuse_on_the_emulator(
    settings: &mut Settings<'_>,
    xray: Option<bool>,
    notifications: Option<&NotificationSettings>,
    backend: Option<&Backend>,
) {
    if xray == Some(true) {
        settings.refuse("xray", "true", "the emulator (`emulator = true`) has no X-Ray", "false");
    }
    if notifications.is_some_and(|notifications| notifications.manage_account_sms_limit) {
        let why = "the emulator (`emulator = true`) has no limit for SMS, which cost nothing there";
        settings.refuse("notifications.manage_account_sms_limit", "true", why, "false");
    }
    if let Some(Backend::S3 { .. }) = backend {
        let why = "what the emulator holds (`emulator = true`) is gone when it stops, and its state should go with it";
        settings.refuse("backend.type", "\"s3\"", why, "\"local\"");
    }
}

/// Every SMS costs money, and a mistake or somebody else's script can send any number of them. An account has one limit, so
/// that only a person knows whether this environment sets it: nothing is assumed.
fn refuse_sms_without_a_limit(settings: &mut Settings<'_>, notifications: Option<&NotificationSettings>) {
    const OWNER: &str = "notifications.manage_account_sms_limit";
    const LIMIT: &str = "notifications.sms_monthly_spend_limit_usd";
    let Some(notifications) = notifications.filter(|notifications| notifications.sms) else { return };
    if !settings.is_written(OWNER) {
        settings.refuse(
            "notifications.sms",
            "true",
            "nothing says who sets the account's monthly limit for SMS, and without one a mistake can cost any amount",
            "true with a line `manage_account_sms_limit = true` where this environment sets the limit, or with \
             `manage_account_sms_limit = false` where another environment of the same account does",
        );
    } else if settings.is_written(LIMIT) && !notifications.manage_account_sms_limit {
        settings.refuse(
            LIMIT,
            &notifications.sms_monthly_spend_limit.dollars().to_string(),
            "it would have no effect, since another environment of the account sets the limit \
             (`manage_account_sms_limit = false`)",
            "leave the line out, or write `manage_account_sms_limit = true` if this environment is to set it",
        );
    }
}

fn refuse_shared_state(settings: &mut Settings<'_>, backend: &Backend, others: &[Environment]) {
    let Backend::S3 { bucket, key } = backend else { return };
    if let Some(other) = others.iter().find(|other| other.backend == *backend) {
        let other = settings_file(other.suffix.as_str());
        settings.refuse(
            "backend.key",
            &format!("\"{key}\""),
            &format!("{other} keeps its state there too, in the bucket {bucket}; applying one would destroy the other"),
            "a key that no other environment has",
        );
    }
}
