//! The errors of the API, as `application/problem+json`.

/// An error in the shape of RFC 9457. `detail` is inserted as it is, so that it can be a quoted variable of API Gateway.
pub(super) fn problem(title: &str, status: Option<u16>, detail: &str) -> String {
    let status = status.map(|status| format!(r#","status":{status}"#)).unwrap_or_default();
    format!(r#"{{"type":"about:blank","title":"{title}"{status},"detail":{detail},"instance":"$context.requestId"}}"#)
}

/// The content type of [`problem`], as a literal in API Gateway's mappings.
pub(super) const PROBLEM_JSON: &str = "'application/problem+json'";

#[cfg(test)]
mod tests {
    use order_contract::api::answers::ProblemDocument;

    use super::*;

    #[test]
    fn an_error_is_a_problem_document() {
        for status in [None, Some(403)] {
            let text = problem("Forbidden", status, r#""No.""#);
            let read: ProblemDocument = serde_json::from_str(&text).unwrap();
            assert_eq!((read.status, serde_json::to_string(&read).unwrap()), (status, text));
        }
        assert_eq!(PROBLEM_JSON, format!("'{}'", ProblemDocument::MEDIA_TYPE));
    }
}
