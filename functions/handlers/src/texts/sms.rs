//! A text message is made to fit into one part: every further part costs as much again.

use super::TextError;
use super::facts::Facts;
use super::gsm::{SEPTETS, cut_at_the_end, cut_in_the_middle, septets, transliterated};

/// Fewest septets that a name is cut to.
const LEAST_NAME: usize = 12;
/// Fewest septets that an order's id or a tracking number is cut to.
const LEAST_NUMBER: usize = 20;

/// The retailer's name in the letters of a text message.
pub(super) fn retailer(name: &str) -> String {
    let written = transliterated(name);
    // Signs alone say nothing of who writes.
    if written.chars().any(char::is_alphanumeric) { written } else { "Order news".to_owned() }
}

/// The text, with as much cut off its names as it is too long: first off what the customer can do without best, the
/// carrier, and last off the tracking number. The same facts always make the same text.
pub(super) fn in_one_part(
    mut facts: Facts,
    write: impl Fn(&Facts) -> Result<String, TextError>,
) -> Result<String, TextError> {
    let mut text = write(&facts)?;
    for shorten in [carrier, retailers_name, order, tracking] {
        match excess(&text) {
            0 => break,
            excess => shorten(&mut facts, excess),
        }
        text = write(&facts)?;
    }
    // No template of ours is that long; one that will be written must not cost two parts either.
    Ok(if excess(&text) == 0 { text } else { cut_at_the_end(&transliterated(&text), SEPTETS) })
}

/// How many septets a text is too long; all of it where it has another letter.
fn excess(text: &str) -> usize {
    septets(text).map_or(SEPTETS, |length| length.saturating_sub(SEPTETS))
}

fn carrier(facts: &mut Facts, excess: usize) {
    if let Some(carrier) = &mut facts.carrier {
        *carrier = cut_at_the_end(carrier, what_is_left(carrier, excess, LEAST_NAME));
    }
}

fn retailers_name(facts: &mut Facts, excess: usize) {
    facts.retailer = cut_at_the_end(&facts.retailer, what_is_left(&facts.retailer, excess, LEAST_NAME));
}

fn order(facts: &mut Facts, excess: usize) {
    facts.order = cut_in_the_middle(&facts.order, what_is_left(&facts.order, excess, LEAST_NUMBER));
}

fn tracking(facts: &mut Facts, excess: usize) {
    if let Some(number) = &mut facts.tracking {
        *number = cut_in_the_middle(number, what_is_left(number, excess, LEAST_NUMBER));
    }
}

fn what_is_left(text: &str, excess: usize, least: usize) -> usize {
    septets(text).unwrap_or_default().saturating_sub(excess).max(least)
}
