//! Where Terraform keeps an environment's state.

use std::fmt;

use toml::de::DeValue;

use super::settings::Settings;
use super::value::{self, Refusal, Refused, Setting};

/// Where Terraform keeps an environment's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Backend {
    /// `terraform.tfstate` beside the generated files: one person, one machine.
    Local,
    /// An object in a bucket that exists already, locked while in use by a lock file beside it (`use_lockfile`).
    S3 {
        /// The bucket.
        bucket: BucketName,
        /// The state's key in it.
        key: StateKey,
    },
}

impl Backend {
    /// Reads the `[backend]` table; `None` when a problem was noted.
    pub(super) fn read(settings: &mut Settings<'_>) -> Option<Self> {
        match settings.required::<Kind>("backend.type") {
            Some(Kind::Local) => {
                for key in ["backend.bucket", "backend.key", "backend.use_lockfile"] {
                    settings.out_of_place(key, "it belongs to the backend type \"s3\", and the type here is \"local\"");
                }
                Some(Self::Local)
            }
            Some(Kind::S3) => {
                let bucket = settings.required("backend.bucket");
                let key = settings.required("backend.key");
                settings.optional::<Locked>("backend.use_lockfile");
                Some(Self::S3 { bucket: bucket?, key: key? })
            }
            // Without a type nothing can be said about the others; they are known all the same.
            None => {
                settings.optional::<BucketName>("backend.bucket");
                settings.optional::<StateKey>("backend.key");
                settings.optional::<Locked>("backend.use_lockfile");
                None
            }
        }
    }
}

/// `backend.type`.
enum Kind {
    Local,
    S3,
}

impl Setting for Kind {
    fn allowed() -> String {
        "\"local\" or \"s3\"".to_owned()
    }

    fn read(value: &DeValue<'_>) -> Result<Self, Refusal> {
        match value::text(value)? {
            "local" => Ok(Self::Local),
            "s3" => Ok(Self::S3),
            _ => Err(Refused::because("the generator writes no such backend").into()),
        }
    }
}

/// `backend.use_lockfile`: a setting with one value, there for those who look for it.
struct Locked;

impl Setting for Locked {
    fn allowed() -> String {
        "true, or leave the line out".to_owned()
    }

    fn read(value: &DeValue<'_>) -> Result<Self, Refusal> {
        match bool::read(value)? {
            true => Ok(Self),
            false => Err(Refused::because("without the lock, two applies at once can lose the state").into()),
        }
    }
}

/// The name of an S3 bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketName(String);

impl BucketName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BucketName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Setting for BucketName {
    fn allowed() -> String {
        "an existing bucket's name: 3 to 63 lower-case letters, digits, hyphens and dots".to_owned()
    }

    fn read(value: &DeValue<'_>) -> Result<Self, Refusal> {
        let text = value::text(value)?;
        let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let inside = |c: char| edge(c) || c == '-' || c == '.';
        let shaped = (3..=63).contains(&text.len()) && text.chars().all(inside);
        if shaped && text.starts_with(edge) && text.ends_with(edge) && !text.contains("..") {
            Ok(Self(text.to_owned()))
        } else {
            Err(Refused::because("S3 has no buckets of such a name").into())
        }
    }
}

/// The key of the state's object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateKey(String);

impl StateKey {
    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StateKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Setting for StateKey {
    fn allowed() -> String {
        "1 to 200 letters, digits and !-_.*'()/ such as \"order-pipeline/dev.tfstate\", no slash at either end"
            .to_owned()
    }

    fn read(value: &DeValue<'_>) -> Result<Self, Refusal> {
        let text = value::text(value)?;
        if text.starts_with('/') || text.ends_with('/') {
            return Err(Refused::because("Terraform refuses a key with a slash at either end").into());
        }
        let safe = |c: char| c.is_ascii_alphanumeric() || "!-_.*'()/".contains(c);
        if (1..=200).contains(&text.len()) && text.chars().all(safe) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Refused::because("it is not a key that is safe everywhere").into())
        }
    }
}
