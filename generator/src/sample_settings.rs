//! An `env.toml` without a mistake, for the tests of the library and of the command line to change.

/// A file with every setting.
pub const SETTINGS: &str = r#"suffix = "dev"
region = "eu-west-2"
architecture = "arm64"
emulator = false
xray = true
log_retention_days = 30
alarm_email = "on-call@example.com"

[api]
rate_limit = 200
burst_limit = 400
manage_account_logging_role = true

[notifications]
sms = false
retailer_name = "Example Retail"
support_contact = "help@example.com"

[backend]
type = "s3"
bucket = "example-terraform-state"
key = "order-pipeline/dev.tfstate"
"#;

/// [`SETTINGS`] with these texts replaced, each once.
#[track_caller]
pub fn with(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(SETTINGS.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from:?} is not in the sample");
        text.replacen(from, to, 1)
    })
}

/// The change that keeps the state in the environment's folder.
pub const KEPT_LOCALLY: (&str, &str) =
    ("type = \"s3\"\nbucket = \"example-terraform-state\"\nkey = \"order-pipeline/dev.tfstate\"", "type = \"local\"");
