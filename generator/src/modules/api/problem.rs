//! The errors of the API, as `application/problem+json`.

/// An error in the shape of RFC 9457. `detail` is inserted as it is, so that it can be a quoted variable of API Gateway.
pub(super) fn problem(title: &str, status: Option<u16>, detail: &str) -> String {
    let status = status.map(|status| format!(r#","status":{status}"#)).unwrap_or_default();
    format!(r#"{{"type":"about:blank","title":"{title}"{status},"detail":{detail},"instance":"$context.requestId"}}"#)
}

/// The content type of [`problem`], as a literal in API Gateway's mappings.
pub(super) const PROBLEM_JSON: &str = "'application/problem+json'";
