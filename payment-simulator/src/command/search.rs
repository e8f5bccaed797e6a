//! Stripe's search query language, as much of it as finds payments by their labels and state: clauses
//! `metadata['key']:'value'` and `status:'state'`, joined by `AND` or white space (docs.stripe.com/search).

use super::super::answer::Problem;

/// A search whose query is sound: every clause has to fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// What a payment must be.
    pub clauses: Vec<Clause>,
    /// Most payments in the answer.
    pub limit: usize,
    /// Whether `latest_charge` is answered as an object.
    pub expand_charge: bool,
}

/// A clause of a query. Texts are equal whatever their case, as at Stripe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Clause {
    /// A label has a value.
    Metadata {
        /// The label.
        key: String,
        /// Its value.
        value: String,
    },
    /// The payment is in a state.
    Status(String),
}

/// Reads a query.
pub(super) fn clauses(query: &str) -> Result<Vec<Clause>, Problem> {
    let mut rest = query.trim();
    let mut clauses = Vec::new();
    while !rest.is_empty() {
        let (clause, after) = clause(rest).ok_or_else(|| unsupported(query))?;
        clauses.push(clause);
        rest = after.trim_start();
        if let Some(after) = joined(rest) {
            rest = after;
            if rest.is_empty() {
                return Err(unsupported(query));
            }
        }
    }
    if clauses.is_empty() { Err(unsupported(query)) } else { Ok(clauses) }
}

fn clause(text: &str) -> Option<(Clause, &str)> {
    if let Some(rest) = text.strip_prefix("metadata[") {
        let (key, rest) = quoted(rest)?;
        let (value, rest) = quoted(rest.strip_prefix("]:")?)?;
        return Some((Clause::Metadata { key, value }, rest));
    }
    let (state, rest) = quoted(text.strip_prefix("status:")?)?;
    Some((Clause::Status(state), rest))
}

/// What follows an `AND`.
fn joined(text: &str) -> Option<&str> {
    let word = text.get(..3).filter(|word| word.eq_ignore_ascii_case("and"))?;
    text[word.len()..].strip_prefix(char::is_whitespace).map(str::trim_start)
}

/// A quoted text and what follows it; a backslash takes the next sign as it is.
fn quoted(text: &str) -> Option<(String, &str)> {
    let quote = text.chars().next().filter(|sign| matches!(sign, '\'' | '"'))?;
    let mut value = String::new();
    let mut signs = text.char_indices().skip(1);
    while let Some((position, sign)) = signs.next() {
        match sign {
            '\\' => value.push(signs.next()?.1),
            sign if sign == quote => return Some((value, &text[position + sign.len_utf8()..])),
            sign => value.push(sign),
        }
    }
    None
}

fn unsupported(query: &str) -> Problem {
    let message = format!(
        "The search query could not be understood: {query}. The simulator knows metadata['key']:'value' and \
         status:'state', joined by AND."
    );
    Problem::parameter("parameter_invalid", "query", message)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn metadata(key: &str, value: &str) -> Clause {
        Clause::Metadata { key: key.into(), value: value.into() }
    }

    #[test]
    fn clauses_are_joined_by_and_or_by_white_space() {
        let both = vec![metadata("orderId", "ord-1"), Clause::Status("requires_capture".into())];
        for query in [
            "metadata['orderId']:'ord-1' AND status:'requires_capture'",
            "metadata[\"orderId\"]:\"ord-1\" and status:\"requires_capture\"",
            "metadata['orderId']:'ord-1' status:'requires_capture'",
        ] {
            assert_eq!(clauses(query).unwrap(), both, "{query}");
        }
    }

    #[test]
    fn an_invalid_query_is_refused() {
        for query in
            ["", "metadata['a']", "metadata['a']:'b", "amount>5", "-status:'canceled'", "status:'a' OR status:'b'"]
        {
            assert!(clauses(query).is_err(), "{query}");
        }
    }

    proptest! {
        #[test]
        fn an_escaped_value_is_read_as_it_was_and_no_text_breaks_the_reader(value in ".*") {
            let escaped = value.replace('\\', "\\\\").replace('\'', "\\'");
            prop_assert_eq!(clauses(&format!("metadata['k']:'{escaped}'")).unwrap(), vec![metadata("k", &value)]);
            let _ = clauses(&value);
        }
    }
}
