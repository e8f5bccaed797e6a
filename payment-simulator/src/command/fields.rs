//! Form parameters, taken one by one by name and type, until nothing is left.

use std::collections::BTreeMap;

use super::super::answer::Problem;

/// Form parameters in the order in which they were sent.
pub type Parameters = Vec<(String, String)>;

/// Parameters by their base name: `a`, `a[b]`, `a[]` and `a[0]`.
pub(super) struct Fields {
    scalars: BTreeMap<String, String>,
    maps: BTreeMap<String, BTreeMap<String, String>>,
    lists: BTreeMap<String, Vec<String>>,
}

impl Fields {
    pub(super) fn read(parameters: &Parameters) -> Result<Self, Problem> {
        let mut fields = Self { scalars: BTreeMap::new(), maps: BTreeMap::new(), lists: BTreeMap::new() };
        for (name, value) in parameters {
            match name.split_once('[') {
                None => {
                    fields.scalars.insert(name.clone(), value.clone());
                }
                Some((base, rest)) => {
                    let Some(inner) = rest.strip_suffix(']').filter(|inner| !inner.contains(['[', ']'])) else {
                        return Err(unknown(name));
                    };
                    if inner.bytes().all(|byte| byte.is_ascii_digit()) {
                        fields.lists.entry(base.to_owned()).or_default().push(value.clone());
                    } else {
                        fields.maps.entry(base.to_owned()).or_default().insert(inner.to_owned(), value.clone());
                    }
                }
            }
        }
        Ok(fields)
    }

    /// A parameter's value; Stripe treats an empty one as absent.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        self.scalars.remove(name).filter(|value| !value.is_empty())
    }

    pub(super) fn take_list(&mut self, name: &str) -> Vec<String> {
        self.lists.remove(name).unwrap_or_default()
    }

    pub(super) fn take_map(&mut self, name: &str) -> BTreeMap<String, String> {
        self.maps.remove(name).unwrap_or_default()
    }

    pub(super) fn amount(&mut self, name: &str) -> Result<Option<u64>, Problem> {
        let Some(text) = self.take(name) else { return Ok(None) };
        match text.parse::<u64>() {
            Ok(amount) if amount > 0 => Ok(Some(amount)),
            Ok(_) => {
                let message = "This value must be greater than or equal to 1.";
                Err(Problem::parameter("parameter_invalid_integer", name, message))
            }
            Err(_) => Err(Problem::parameter("parameter_invalid_integer", name, format!("Invalid integer: {text}"))),
        }
    }

    pub(super) fn boolean(&mut self, name: &str) -> Result<Option<bool>, Problem> {
        match self.take(name).as_deref() {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(text) => {
                Err(Problem::parameter("parameter_invalid_boolean", name, format!("Invalid boolean: {text}")))
            }
        }
    }

    pub(super) fn choice(&mut self, name: &str, allowed: &[&str]) -> Result<Option<String>, Problem> {
        match self.take(name) {
            Some(value) if !allowed.contains(&value.as_str()) => {
                let message = format!("Invalid {name}: must be one of {}", allowed.join(", "));
                Err(Problem::parameter("parameter_invalid", name, message))
            }
            value => Ok(value),
        }
    }

    pub(super) fn expands(&mut self, expandable: &str) -> Result<bool, Problem> {
        let expanded = self.take_list("expand");
        match expanded.iter().find(|field| *field != expandable) {
            Some(other) => Err(Problem::invalid_request(format!(
                "This property cannot be expanded ({other}): the simulator expands {expandable} only."
            ))),
            None => Ok(!expanded.is_empty()),
        }
    }

    pub(super) fn nothing_left(&self) -> Result<(), Problem> {
        let first = self.scalars.keys().chain(self.maps.keys()).chain(self.lists.keys()).next();
        first.map_or(Ok(()), |name| Err(unknown(name)))
    }
}

/// A parameter that the endpoint does not have.
fn unknown(name: &str) -> Problem {
    Problem::parameter("parameter_unknown", name, format!("Received unknown parameter: {name}"))
}

/// A parameter that the endpoint needs.
pub(super) fn missing(parameter: &str) -> Problem {
    Problem::parameter("parameter_missing", parameter, format!("Missing required param: {parameter}."))
}
