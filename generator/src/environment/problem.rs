//! What is wrong with an `env.toml`: each problem names the file, the line, the key, the value and what is allowed.

use std::fmt;

/// One thing wrong with one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line, counted from 1; `None` when something is missing from the whole file.
    pub line: Option<usize>,
    /// What is wrong.
    pub fault: Fault,
}

/// What can be wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The file is not TOML.
    Syntax {
        /// The parser's own words.
        message: String,
    },
    /// The key is not a setting.
    UnknownKey {
        /// The key, dotted.
        key: String,
        /// What it was set to.
        value: String,
        /// The setting that was probably meant.
        suggestion: Option<&'static str>,
        /// Every setting there is.
        known: Vec<&'static str>,
    },
    /// A setting is not there.
    MissingKey {
        /// The key, dotted.
        key: &'static str,
        /// What it may be set to.
        allowed: String,
    },
    /// A setting's value has the wrong type.
    WrongType {
        /// The key, dotted.
        key: String,
        /// The value.
        value: String,
        /// Its type.
        found: &'static str,
        /// What it may be set to.
        allowed: String,
    },
    /// A setting's value has the right type and is not allowed.
    BadValue {
        /// The key, dotted.
        key: &'static str,
        /// The value.
        value: String,
        /// Why it is refused, as a clause.
        why: String,
        /// What it may be set to.
        allowed: String,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax { message } => write!(formatter, "the file is not TOML: {message}"),
            Self::UnknownKey { key, value, suggestion, known } => {
                write!(formatter, "`{key}` (set to {value}) is not a setting. ")?;
                match suggestion {
                    Some(suggestion) => write!(formatter, "Did you mean `{suggestion}`?"),
                    None => write!(formatter, "The settings are {}", known.join(", ")),
                }
            }
            Self::MissingKey { key, allowed } => write!(formatter, "`{key}` is missing. Allowed: {allowed}"),
            Self::WrongType { key, value, found, allowed } if value.starts_with(found) => {
                write!(formatter, "`{key}` is {value}. Allowed: {allowed}")
            }
            Self::WrongType { key, value, found, allowed } => {
                write!(formatter, "`{key}` is {value}, which is {found}. Allowed: {allowed}")
            }
            Self::BadValue { key, value, why, allowed } => {
                write!(formatter, "`{key}` is {value}: {why}. Allowed: {allowed}")
            }
        }
    }
}

/// Everything that is wrong with one file, in the order of its lines.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct InvalidSettings {
    /// The file, relative to the repository's root, with `/`.
    pub file: String,
    /// At least one problem.
    pub problems: Vec<Problem>,
}

impl fmt::Display for InvalidSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                writeln!(formatter)?;
            }
            match problem.line {
                Some(line) => write!(formatter, "{}:{line}: {}", self.file, problem.fault)?,
                None => write!(formatter, "{}: {}", self.file, problem.fault)?,
            }
        }
        Ok(())
    }
}
