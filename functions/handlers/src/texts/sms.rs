//! A text message is kept to one part, because each further part costs as much as the first.

use super::TextError;
use super::facts::Facts;
use super::gsm::{SEPTETS, cut_at_the_end, cut_in_the_middle, septets, transliterated};

/// Fewest septets that a name is cut to.
const LEAST_NAME: usize = 12;
/// Fewest septets that an order's id or a tracking number is cut to.
const LEAST_NUMBER: usize = 20;

/// The retailer's name in the alphabet of a text message.
pub(super) fn retailer(name: &str) -> String {
    let written = transliterated(name);
    // Signs alone do not identify the sender.
    if written.chars().any(char::is_alphanumeric) { written } else { "Order news".to_owned() }
}

/// The text, with its names shortened until it fits: the carrier's first, because the customer needs it least, and the
/// tracking number last. The same facts always make the same text.
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
    // None of the templates is that long. A future one that is must not cost two parts either.
    Ok(if excess(&text) == 0 { text } else { cut_at_the_end(&transliterated(&text), SEPTETS) })
}

/// The text followed by the support contact, if one part has room for both and the alphabet can write the contact: a
/// transliterated address would be another address.
pub(super) fn with_help(text: String, support: &str) -> String {
    let helped = format!("{text} Help: {support}");
    if excess(&helped) == 0 { helped } else { text }
}

/// How many septets a text is over the limit; a text with a letter outside of the alphabet is over by a whole part.
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
