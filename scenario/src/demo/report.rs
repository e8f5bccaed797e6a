//! The demonstration's result as text.

use std::fmt::Write as _;

use super::plan::Expected;
use super::tally::{Row, Tally};

/// At most this many findings are listed one by one.
const FINDINGS_SHOWN: usize = 20;

/// The table of outcomes, the latencies and the findings.
#[must_use]
pub fn render(tally: &Tally) -> String {
    let mut text = table(&tally.rows);
    let summary = &tally.summary;
    let _ = writeln!(text, "\n{:<28}{:>10}{:>10}", "latency (ms)", "p50", "p99");
    for (name, p50, p99) in [
        ("order sent -> 202", summary.accept_p50_ms, summary.accept_p99_ms),
        ("202 -> confirmed", summary.confirm_p50_ms, summary.confirm_p99_ms),
    ] {
        let _ = writeln!(text, "{name:<28}{p50:>10.1}{p99:>10.1}");
    }
    let _ = writeln!(
        text,
        "\n{} sent, {} accepted, {} notified, {} e-mails, {} text messages, {} lost",
        summary.sent, summary.accepted, summary.notified, summary.emails, summary.sms, summary.lost
    );
    let _ = writeln!(
        text,
        "{} confirmed; of these {} completed, {} cancelled, {} refunded",
        summary.confirmed, summary.completed, summary.cancelled, summary.refunded
    );
    let _ = writeln!(
        text,
        "the gateway holds {}, captured {} and refunded {} of it",
        pounds(summary.held_minor_units),
        pounds(summary.captured_minor_units),
        pounds(summary.refunded_minor_units)
    );
    if !tally.findings.is_empty() {
        let _ = writeln!(text, "\n{} finding(s):", tally.findings.len());
        for finding in tally.findings.iter().take(FINDINGS_SHOWN) {
            let _ = writeln!(text, "  {finding}");
        }
        if tally.findings.len() > FINDINGS_SHOWN {
            let _ = writeln!(text, "  and {} more", tally.findings.len() - FINDINGS_SHOWN);
        }
    }
    text
}

fn table(rows: &[Row]) -> String {
    let mut cells = vec![["order", "sent", "expected", "got", "ok"].map(str::to_owned)];
    for row in rows {
        let expected = match row.kind.expected() {
            Expected::RefusedAtTheEdge => "HTTP 400".to_owned(),
            Expected::Ends(end) => end.to_string(),
        };
        let got: Vec<_> = row.got.iter().map(|(outcome, count)| format!("{count} {}", outcome.name())).collect();
        let ok = if row.good == row.sent { "yes".to_owned() } else { format!("{} of {}", row.good, row.sent) };
        cells.push([row.kind.name().to_owned(), row.sent.to_string(), expected, got.join(", "), ok]);
    }
    let mut widths = [0; 5];
    for row in &cells {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for row in &cells {
        let line: Vec<_> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        let _ = writeln!(text, "{}", line.join("  ").trim_end());
    }
    text
}

fn pounds(minor_units: u64) -> String {
    format!("£{}.{:02}", minor_units / 100, minor_units % 100)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::end::End;
    use super::super::judge::Outcome;
    use super::super::plan::Kind;
    use super::*;

    #[test]
    fn the_table_lines_up_and_shows_what_is_not_as_expected() {
        let row = |kind, sent, got: &[(Outcome, usize)], good| Row {
            kind,
            sent,
            got: BTreeMap::from_iter(got.to_vec()),
            good,
        };
        let confirmed = Outcome::Ended(End::CONFIRMED);
        let rows = [
            row(Kind::Good, 83, &[(confirmed.clone(), 82), (Outcome::Lost(None), 1)], 82),
            row(Kind::Incomplete, 3, &[(Outcome::RefusedAtTheEdge(400), 3)], 3),
        ];
        assert_eq!(
            table(&rows),
            "order          sent  expected   got                                  ok\n\
             good           83    CONFIRMED  82 CONFIRMED, 1 LOST (never stored)  82 of 83\n\
             field missing  3     HTTP 400   3 HTTP 400                           yes\n"
        );
    }

    #[test]
    fn findings_are_listed_and_counted() {
        let mut tally = Tally::default();
        (0..25).for_each(|number| tally.add_finding(format!("finding {number}")));
        let text = render(&tally);
        assert!(text.contains("25 finding(s)") && text.contains("finding 19") && text.contains("and 5 more"), "{text}");
    }

    #[test]
    fn money_is_shown_in_pounds() {
        assert_eq!(pounds(123_405), "£1234.05");
    }
}
