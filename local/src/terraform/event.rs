//! Reads the lines that Terraform writes with `-json`.

use std::fmt;

use serde_json::Value;

use super::applied::Applied;

/// A relevant line of Terraform's JSON stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A planned change of a resource.
    Planned(PlannedChange),
    /// A finished resource.
    Completed {
        /// Its address.
        address: String,
    },
    /// The number of changes, planned or made.
    Summary {
        /// Whether it is of a plan, as opposed to an apply or a destroy.
        plan: bool,
        /// The numbers.
        counts: Applied,
    },
    /// An error or a warning.
    Diagnostic(Diagnostic),
}

/// A planned change of one resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlannedChange {
    /// Its address, e.g. `module.queues.aws_sqs_queue.payment`.
    pub address: String,
    /// The action.
    pub action: Action,
}

/// An action on a resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// It is created.
    Create,
    /// It is changed in place.
    Update,
    /// It is destroyed.
    Delete,
    /// It is destroyed and created.
    Replace,
    /// Another action, by Terraform's name.
    Other(String),
}

impl fmt::Display for PlannedChange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.action, self.address)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Replace => "replace",
            Self::Other(action) => action,
        })
    }
}

impl From<&str> for Action {
    fn from(action: &str) -> Self {
        match action {
            "create" => Self::Create,
            "update" => Self::Update,
            "delete" => Self::Delete,
            "replace" => Self::Replace,
            other => Self::Other(other.to_owned()),
        }
    }
}

/// Terraform's report of a problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether it is an error, as opposed to a warning.
    pub error: bool,
    /// The problem in short.
    pub summary: String,
    /// The problem in detail; may be empty.
    pub detail: String,
    /// The resource, if there is one.
    pub address: Option<String>,
    /// File and line, if there are any.
    pub place: Option<String>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.error { "error" } else { "warning" };
        write!(formatter, "{kind}: {}", self.summary)?;
        if let Some(address) = &self.address {
            write!(formatter, "\n  in {address}")?;
        }
        if let Some(place) = &self.place {
            write!(formatter, "\n  at {place}")?;
        }
        for line in self.detail.lines() {
            write!(formatter, "\n  {line}")?;
        }
        Ok(())
    }
}

impl Diagnostic {
    /// Reads a diagnostic as Terraform writes it.
    #[must_use]
    pub fn from_json(value: &Value) -> Option<Self> {
        let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let place = value.pointer("/range/filename").and_then(Value::as_str).map(|file| {
            let line = value.pointer("/range/start/line").and_then(Value::as_u64).unwrap_or_default();
            format!("{file}:{line}")
        });
        Some(Self {
            error: text("severity").as_deref() == Some("error"),
            summary: text("summary")?,
            detail: text("detail").unwrap_or_default(),
            address: text("address"),
            place,
        })
    }
}

impl Event {
    /// Reads one line; `None` for an irrelevant line and for a line that is not JSON.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(line).ok()?;
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str);
        match text("/type")? {
            "planned_change" => {
                let action = Action::from(text("/change/action")?);
                // Reading a data source during the apply changes nothing.
                if action == Action::Other("read".into()) {
                    return None;
                }
                Some(Self::Planned(PlannedChange { address: text("/change/resource/addr")?.to_owned(), action }))
            }
            // A read is not among the planned changes.
            "apply_complete" if text("/hook/action") == Some("read") => None,
            "apply_complete" => Some(Self::Completed { address: text("/hook/resource/addr")?.to_owned() }),
            "change_summary" => {
                let count = |name: &str| value.pointer(&format!("/changes/{name}")).and_then(Value::as_u64);
                Some(Self::Summary {
                    plan: text("/changes/operation")? == "plan",
                    counts: Applied { added: count("add")?, changed: count("change")?, removed: count("remove")? },
                })
            }
            "diagnostic" => Diagnostic::from_json(value.get("diagnostic")?).map(Self::Diagnostic),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_planned_change_gives_its_address_and_action() {
        let line = r#"{"@level":"info","@message":"m","type":"planned_change","change":{"resource":{"addr":"module.queues.aws_sqs_queue.a","module":"module.queues"},"action":"create"}}"#;
        let planned = PlannedChange { address: "module.queues.aws_sqs_queue.a".into(), action: Action::Create };
        assert_eq!(Event::parse(line), Some(Event::Planned(planned)));
    }

    #[test]
    fn a_summary_distinguishes_a_plan_from_an_apply() {
        let line = |operation: &str| {
            format!(
                r#"{{"type":"change_summary","changes":{{"add":49,"change":1,"import":0,"remove":2,"operation":"{operation}"}}}}"#
            )
        };
        let counts = Applied { added: 49, changed: 1, removed: 2 };
        assert_eq!(Event::parse(&line("plan")), Some(Event::Summary { plan: true, counts }));
        assert_eq!(Event::parse(&line("apply")), Some(Event::Summary { plan: false, counts }));
    }

    #[test]
    fn a_diagnostic_is_shown_with_its_resource_place_and_detail() {
        let line = r#"{"type":"diagnostic","diagnostic":{"severity":"error","summary":"creating queue","detail":"AccessDenied\nno","address":"aws_sqs_queue.a","range":{"filename":"main.tf.json","start":{"line":7,"column":1}}}}"#;
        let Some(Event::Diagnostic(diagnostic)) = Event::parse(line) else { panic!("no diagnostic") };
        assert_eq!(
            diagnostic.to_string(),
            "error: creating queue\n  in aws_sqs_queue.a\n  at main.tf.json:7\n  AccessDenied\n  no"
        );
    }

    #[test]
    fn other_lines_are_ignored() {
        assert_eq!(Event::parse("Terraform crashed"), None);
        assert_eq!(Event::parse(r#"{"type":"version","terraform":"1.11.4"}"#), None);
        let read = r#"{"type":"planned_change","change":{"resource":{"addr":"data.a.b"},"action":"read"}}"#;
        assert_eq!(Event::parse(read), None);
        let read = r#"{"type":"apply_complete","hook":{"resource":{"addr":"data.a.b"},"action":"read"}}"#;
        assert_eq!(Event::parse(read), None);
    }
}
