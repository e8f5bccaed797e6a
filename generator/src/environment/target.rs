//! Where an environment runs: its region and its functions' processor.

use std::fmt;

use toml::de::DeValue;

use super::value::{self, Refusal, Refused, Setting};

/// The one region of the pipeline, London. A type, so that a second region is a decision in the code, not a typing
/// error in a file: prices, quotas and where customers' data may lie were all chosen for this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region;

impl Region {
    /// The region's name at AWS.
    pub const NAME: &str = "eu-west-2";

    /// The region's name at AWS.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        Self::NAME
    }
}

impl fmt::Display for Region {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(Self::NAME)
    }
}

impl Setting for Region {
    fn allowed() -> String {
        format!("\"{}\"", Self::NAME)
    }

    fn read(value: &DeValue<'_>) -> Result<Self, Refusal> {
        match value::text(value)? {
            Self::NAME => Ok(Self),
            _ => Err(Refused::because(
                "the pipeline runs in London only; its quotas, alarms and the place of customers' data were chosen \
                 for that region",
            )
            .into()),
        }
    }
}

/// The processor of an environment's functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    /// Graviton: the cheaper one on AWS.
    Arm64,
    /// What most development machines, and so the emulator, run.
    X86_64,
}

impl Architecture {
    /// The name that Lambda uses.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Arm64 => "arm64",
            Self::X86_64 => "x86_64",
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Setting for Architecture {
    fn allowed() -> String {
        "\"arm64\" or \"x86_64\"".to_owned()
    }

    fn read(value: &DeValue<'_>) -> Result<Self, Refusal> {
        match value::text(value)? {
            "arm64" => Ok(Self::Arm64),
            "x86_64" => Ok(Self::X86_64),
            "aarch64" => Err(Refused::because("Lambda calls this processor arm64").into()),
            "amd64" | "x86-64" => Err(Refused::because("Lambda calls this processor x86_64").into()),
            _ => Err(Refused::because("Lambda has no such processor").into()),
        }
    }
}
