//! `docs/states.md`: what every command does in every state of an order, found by calling the transitions themselves.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::docs::explore::{Answer, COMMANDS, Explored, Machine, Sample, State, explore};
use order_domain::catalogue::Product;
use order_domain::charges::VatRate;
use order_domain::event::{Cause, CommandContext};
use order_domain::id::Sku;
use order_domain::money::{Currency, Money};
use order_domain::request::PlaceOrder;
use order_domain::stage::Stage;
use order_domain::time::Timestamp;
use serde::Serialize;

use super::page::page;
use crate::RenderedFile;

/// The page.
///
/// # Errors
///
/// The sample order is none that the pipeline takes.
pub fn file() -> Result<RenderedFile, String> {
    let explored = explore(&sample()?);
    let mut text = format!(
        "An order is three machines: the order itself, its payment and its parcel. {} of their combinations can be reached.\n\
         The tables say what every command does in each of them; the drawings, which ways there are.\n\n\
         In a cell: the state that the order gets, and the event that records it; `-` where there is nothing to do, since it\n\
         was done before; *refused* where the command is not legal and never will be; *waits* where it is not legal yet, and\n\
         is tried again. Where more than that decides, such as what is still to be refunded, a cell has several answers.\n\n",
        explored.answers.len()
    );
    for (machine, title) in
        [(Machine::Order, "The order"), (Machine::Shipment, "The parcel"), (Machine::Payment, "The money")]
    {
        let _ = write!(text, "## {title}\n\n{}\n{}\n", drawing(&explored, machine), table(&explored, machine));
    }
    Ok(page("states.md", "The states of an order", &text))
}

/// An order that is taken, and another under the same id.
pub(super) fn sample() -> Result<Sample, String> {
    let request = |quantity: u32| {
        let document = serde_json::json!({
            "orderId": "ord-1", "customerId": "cus-1", "customer": { "name": "A", "email": "a@example.com" },
            "items": [{ "sku": "TEA", "quantity": quantity }], "currency": "GBP", "payment": { "method": "pm_a" },
            "shippingAddress": { "line1": "1", "city": "Leeds", "postcode": "LS1 1AA", "country": "GB" },
        });
        PlaceOrder::from_json(&document.to_string()).map_err(|error| error.to_string())
    };
    let at = |seconds| Timestamp::from_unix_seconds(seconds).map_err(|error| error.to_string());
    let context = CommandContext {
        at: at(1_764_000_000)?,
        actor: Stage::Validate,
        cause: Cause::PlaceOrder,
        message_id: "sample".to_owned(),
    };
    let long_after = CommandContext { at: at(1_800_000_000)?, ..context.clone() };
    let sku = Sku::new("TEA").map_err(|error| error.to_string())?;
    let unit_price = Money::new(1000, Currency::GBP);
    let product = Product { sku, name: "Tea".to_owned(), unit_price, stock_shards: 1, vat_rate: VatRate::Standard };
    Ok(Sample { request: request(1)?, other: request(2)?, product, context, long_after })
}

/// A state's name as documents have it, e.g. `OUT_OF_STOCK`.
fn name(state: impl Serialize) -> String {
    serde_json::to_value(state).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Every way from one state of a machine to another, with the events that record it.
fn drawing(explored: &Explored, machine: Machine) -> String {
    let of = |state: &State| match machine {
        Machine::Order => name(state.order),
        Machine::Shipment => name(state.shipment),
        Machine::Payment => name(state.payment),
    };
    let mut ways = BTreeSet::new();
    for (state, event) in &explored.first {
        let label = if machine == Machine::Order { format!(" : {}", event.name()) } else { String::new() };
        ways.insert((0, format!("[*] --> {}{label}", of(state))));
    }
    for (state, answers) in &explored.answers {
        for answer in answers.iter().flatten() {
            if let Answer::Becomes(next, event) = answer
                && of(next) != of(state)
            {
                ways.insert((1, format!("{} --> {} : {}", of(state), of(next), event.name())));
            }
        }
    }
    let lines: String = ways.iter().map(|(_, way)| format!("    {way}\n")).collect();
    format!("```mermaid\nstateDiagram-v2\n{lines}```\n")
}

fn table(explored: &Explored, machine: Machine) -> String {
    let columns: Vec<usize> = (0..COMMANDS.len()).filter(|index| COMMANDS[*index].machine == machine).collect();
    let headings: String = columns.iter().map(|index| format!(" {} |", COMMANDS[*index].name)).collect();
    let mut table = format!("| order | payment | parcel |{headings}\n|{}\n", " --- |".repeat(3 + columns.len()));
    let mut group = None;
    for (state, answers) in &explored.answers {
        let order = if group == Some(state.order) { String::new() } else { format!("**{}**", name(state.order)) };
        group = Some(state.order);
        let cells: String = columns.iter().map(|index| format!(" {} |", cell(*state, &answers[*index]))).collect();
        let _ = writeln!(table, "| {order} | {} | {} |{cells}", name(state.payment), name(state.shipment));
    }
    table
}

fn cell(from: State, answers: &BTreeSet<Answer>) -> String {
    let answer = |answer: &Answer| match answer {
        Answer::Becomes(to, event) => {
            let mut changes = Vec::new();
            if to.order != from.order {
                changes.push(name(to.order));
            }
            if to.payment != from.payment {
                changes.push(name(to.payment));
            }
            if to.shipment != from.shipment {
                changes.push(name(to.shipment));
            }
            if changes.is_empty() {
                format!("`{}`", event.name())
            } else {
                format!("{}: `{}`", changes.join(", "), event.name())
            }
        }
        Answer::Nothing => "-".to_owned(),
        Answer::Refused => "*refused*".to_owned(),
        Answer::TooEarly => "*waits*".to_owned(),
    };
    answers.iter().map(answer).collect::<Vec<_>>().join("<br>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_a_row_for_every_state_and_no_empty_cell() {
        let text = file().unwrap().content;
        let states = explore(&sample().unwrap()).answers.len();
        let is_row = |line: &&str| line.starts_with("| ") && !line.starts_with("| order") && !line.starts_with("| ---");
        let rows: Vec<_> = text.lines().filter(is_row).collect();
        assert_eq!(rows.len(), 3 * states);
        for row in rows {
            // The order's own column is empty but for the first of its rows.
            assert!(!row.split('|').skip(2).any(|cell| !cell.is_empty() && cell.trim().is_empty()), "{row}");
        }
        assert_eq!(text.matches("stateDiagram-v2").count(), 3);
        assert!(text.contains("[*] --> VALIDATED : ORDER_VALIDATED") && text.contains("RESERVED --> CONFIRMED"));
    }
}
