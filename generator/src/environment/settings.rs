//! A file's settings by dotted key, which notes every problem instead of stopping at the first.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::problem::{Fault, Problem};
use super::value::{self, Refusal, Setting};

/// How alike two names must be for one to be offered instead of the other (0 to 1).
const LIKENESS: f32 = 0.6;

/// The settings of one file that have not been read yet, and the problems of those that have.
pub(super) struct Settings<'t> {
    text: &'t str,
    lines: BTreeMap<String, usize>,
    values: BTreeMap<String, (usize, &'t DeValue<'t>)>,
    tables: BTreeMap<String, (usize, &'t DeValue<'t>)>,
    known: BTreeSet<&'static str>,
    problems: Vec<Problem>,
}

impl<'t> Settings<'t> {
    pub(super) fn new(text: &'t str, table: &'t DeTable<'t>) -> Self {
        let mut settings = Self {
            text,
            lines: BTreeMap::new(),
            values: BTreeMap::new(),
            tables: BTreeMap::new(),
            known: BTreeSet::new(),
            problems: Vec::new(),
        };
        settings.collect("", table);
        settings
    }

    fn collect(&mut self, prefix: &str, table: &'t DeTable<'t>) {
        for (name, value) in table {
            let key = dotted(prefix, name.get_ref());
            let line = line_of(self.text, &name.span());
            self.lines.insert(key.clone(), line);
            match value.get_ref() {
                DeValue::Table(inner) => {
                    self.collect(&key, inner);
                    self.tables.insert(key, (line, value.get_ref()));
                }
                leaf => {
                    self.values.insert(key, (line, leaf));
                }
            }
        }
    }

    /// Reads a setting that every file has; `None` when a problem was noted.
    pub(super) fn required<T: Setting>(&mut self, key: &'static str) -> Option<T> {
        match self.take(key) {
            Some((line, value)) => self.read(key, line, value),
            None => {
                self.note(None, Fault::MissingKey { key, allowed: T::allowed() });
                None
            }
        }
    }

    /// Reads a setting that a file may leave out; `None` also when a problem was noted.
    pub(super) fn optional<T: Setting>(&mut self, key: &'static str) -> Option<T> {
        let (line, value) = self.take(key)?;
        self.read(key, line, value)
    }

    /// Whether the file has a line for the setting, whatever stands in it.
    pub(super) fn is_written(&self, key: &'static str) -> bool {
        self.lines.contains_key(key)
    }

    /// Refuses a setting that another setting excludes.
    pub(super) fn out_of_place(&mut self, key: &'static str, why: &str) {
        if let Some((line, value)) = self.take(key) {
            let (value, why) = (value::shown(value), why.to_owned());
            self.note(Some(line), Fault::BadValue { key, value, why, allowed: "leave the line out".to_owned() });
        }
    }

    /// Refuses a value that was read, for a reason that lies outside it.
    pub(super) fn refuse(&mut self, key: &'static str, value: &str, why: &str, allowed: &str) {
        let fault = Fault::BadValue { key, value: value.to_owned(), why: why.to_owned(), allowed: allowed.to_owned() };
        self.note(self.lines.get(key).copied(), fault);
    }

    /// Every problem, in the order of the lines, those of unknown keys included.
    pub(super) fn problems(mut self) -> Vec<Problem> {
        self.note_unknown();
        self.problems.sort_by_key(|problem| problem.line.unwrap_or(usize::MAX));
        self.problems
    }

    fn take(&mut self, key: &'static str) -> Option<(usize, &'t DeValue<'t>)> {
        self.known.insert(key);
        // A table where a value belongs is of the wrong type; what stands in it is not worth a word of its own.
        if let Some(table) = self.tables.remove(key) {
            self.values.retain(|inner, _| !inside(inner, key));
            return Some(table);
        }
        self.values.remove(key)
    }

    fn read<T: Setting>(&mut self, key: &'static str, line: usize, value: &DeValue<'_>) -> Option<T> {
        let shown = value::shown(value);
        let fault = match T::read(value) {
            Ok(setting) => return Some(setting),
            Err(Refusal::Type) => Fault::WrongType {
                key: key.to_owned(),
                value: shown,
                found: value::type_name(value),
                allowed: T::allowed(),
            },
            Err(Refusal::Value(refused)) => {
                Fault::BadValue { key, value: shown, why: refused.to_string(), allowed: T::allowed() }
            }
        };
        self.note(Some(line), fault);
        None
    }

    fn note_unknown(&mut self) {
        let sections: BTreeSet<&str> =
            self.known.iter().filter_map(|key| key.split_once('.')).map(|key| key.0).collect();
        let empty_tables = self.tables.iter().filter(|(key, (_, table))| {
            !sections.contains(key.as_str()) && table.as_table().is_some_and(DeTable::is_empty)
        });
        let unknown: Vec<_> = self.values.iter().chain(empty_tables).map(|(key, at)| (key.clone(), *at)).collect();
        for (key, (line, value)) in unknown {
            let shown = value::shown(value);
            if sections.contains(key.as_str()) {
                // `api = 5`: its settings are not missing, the table is not a table.
                self.forget_missing(|missing| inside(missing, &key));
                let allowed = format!("a table: a line [{key}] with its settings under it");
                let found = value::type_name(value);
                self.note(Some(line), Fault::WrongType { key, value: shown, found, allowed });
                continue;
            }
            let suggestion = self.suggestion(&key);
            if let Some(meant) = suggestion {
                self.forget_missing(|missing| missing == meant);
            }
            let known = self.known.iter().copied().collect();
            self.note(Some(line), Fault::UnknownKey { key, value: shown, suggestion, known });
        }
    }

    /// The setting that someone who wrote `key` meant, in this table or another: the same name, or one that looks like
    /// it. Only names are compared, since all keys of one table look alike by their first half.
    fn suggestion(&self, key: &str) -> Option<&'static str> {
        let name = |key: &'static str| key.rsplit_once('.').map_or(key, |(_, name)| name);
        let written = key.rsplit_once('.').map_or(key, |(_, name)| name);
        let names: Vec<&str> = self.known.iter().copied().map(name).collect();
        let meant = *similar::get_close_matches(written, &names, 1, LIKENESS).first()?;
        self.known.iter().copied().find(|known| name(known) == meant)
    }

    fn forget_missing(&mut self, forget: impl Fn(&str) -> bool) {
        self.problems.retain(|problem| !matches!(&problem.fault, Fault::MissingKey { key, .. } if forget(key)));
    }

    fn note(&mut self, line: Option<usize>, fault: Fault) {
        self.problems.push(Problem { line, fault });
    }
}

fn inside(key: &str, table: &str) -> bool {
    key.strip_prefix(table).is_some_and(|rest| rest.starts_with('.'))
}

/// Joins a key to its table's, quoted where TOML would quote it: `"api.rate_limit" = 5` is not `api.rate_limit`.
fn dotted(prefix: &str, name: &str) -> String {
    let bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    let name = if bare { name.to_owned() } else { format!("{:?}", name.chars().take(60).collect::<String>()) };
    if prefix.is_empty() { name } else { format!("{prefix}.{name}") }
}

/// The line, counted from 1, on which a span of the text starts.
pub(super) fn line_of(text: &str, span: &Range<usize>) -> usize {
    1 + text.bytes().take(span.start).filter(|byte| *byte == b'\n').count()
}
