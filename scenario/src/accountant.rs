//! An independent accountant: the expected money, stock and messages of orders, from the commands that were asked for.
//!
//! It shares no code with the domain. A domain that never refunds, or that doubles every price, agrees with itself; it does not
//! agree with this arithmetic. The accountant is pure: no clock, no runtime, no network.
//!
//! 1. Describe the shop: [`Shop`], list prices and units on the shelves.
//! 2. Write down what was really asked for, order by order: [`Asked`].
//! 3. [`expect`] computes every allowed [`Outcome`] of an order. There are several where commands race.
//! 4. Fill an [`Observation`] from the pipeline and the gateway, and [`judge`] it.
//!
//! ```
//! use scenario::accountant::*;
//!
//! let shop = Shop {
//!     delivery: [("GBP".into(), Delivery { charge: 399, free_from: Some(5_000) })].into(),
//!     products: [("TEA".into(), Product { price: 499, currency: "GBP".into(), vat_percent: 0, units: Some(100) })].into(),
//! };
//! let tea = Purchase { lines: vec![("TEA".into(), 2)], currency: "GBP".into(), ..Purchase::default() };
//! let asked = Asked {
//!     placed: vec![tea],
//!     commands: vec![Sent::surely(Command::Dispatched), Sent::surely(Command::Delivered)],
//!     timing: Timing::OneAfterTheOther,
//!     ..Asked::default()
//! };
//! let expected = Expected::of(&shop, [("ord-1".to_owned(), asked)]);
//! let seen = Seen {
//!     status: "COMPLETED".into(),
//!     payment: "CAPTURED".into(),
//!     shipment: "DELIVERED".into(),
//!     captured: 2 * 499 + 399,
//!     ..Seen::default()
//! };
//! let observation = Observation {
//!     orders: [("ord-1".to_owned(), seen)].into(),
//!     stock: [("TEA".to_owned(), Stock { free: 98, reserved: 0, sold: 2 })].into(),
//! };
//! assert_eq!(judge(&expected, &observation), []);
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A product's entry in the price list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// Price of one unit with VAT, in minor units.
    pub price: u64,
    /// The currency of the price.
    pub currency: String,
    /// Rate of the VAT that the price includes, in percent.
    pub vat_percent: u64,
    /// Units on the shelves before the first order, with what the warehouse added or missed since; `None` is not judged.
    pub units: Option<u64>,
}

/// The delivery charge. It carries the standard rate of VAT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivery {
    /// For one order, in minor units.
    pub charge: u64,
    /// Free from this price of the goods on.
    pub free_from: Option<u64>,
}

/// The shop's price list and stock.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shop {
    /// By currency; delivery is free where a currency is missing.
    pub delivery: BTreeMap<String, Delivery>,
    /// By SKU.
    pub products: BTreeMap<String, Product>,
}

/// An order's bill, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bill {
    /// Goods and delivery, with VAT.
    pub total: u64,
    /// The VAT in it; each line and the delivery are rounded to the nearest minor unit, half up.
    pub vat: u64,
}

impl Shop {
    /// The bill of a purchase; `None` where it cannot be sold: an unknown SKU, another currency, another expected total.
    #[must_use]
    pub fn bill(&self, purchase: &Purchase) -> Option<Bill> {
        let (mut goods, mut vat) = (0, 0);
        for (sku, quantity) in &purchase.lines {
            let product = self.products.get(sku).filter(|product| product.currency == purchase.currency)?;
            goods += product.price * quantity;
            vat += vat_in(product.price * quantity, product.vat_percent);
        }
        let delivery = match self.delivery.get(&purchase.currency) {
            Some(rule) if rule.free_from.is_none_or(|from| goods < from) => rule.charge,
            _ => 0,
        };
        let total = goods + delivery;
        vat += vat_in(delivery, STANDARD_VAT_PERCENT);
        purchase.expected_total.is_none_or(|expected| expected == total).then_some(Bill { total, vat })
    }
}

/// The standard rate in the United Kingdom (gov.uk/vat-rates).
const STANDARD_VAT_PERCENT: u64 = 20;

/// Price x rate / (100 + rate), plus one half, rounded down.
const fn vat_in(price: u64, percent: u64) -> u64 {
    (2 * price * percent + 100 + percent) / (2 * (100 + percent))
}

/// The gateway's answer for a customer's card.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Card {
    /// It pays.
    #[default]
    Good,
    /// It is declined.
    Declined,
}

/// Whether the shelves hold what an order asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Availability {
    /// There is enough for every order.
    #[default]
    Enough,
    /// Orders compete for the units.
    Scarce,
    /// It asks for more than there ever was.
    TooFew,
}

/// One request to place an order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Purchase {
    /// SKU and quantity; a SKU may have several lines.
    pub lines: Vec<(String, u64)>,
    /// Its currency.
    pub currency: String,
    /// The total that the customer expects, in minor units; `None` accepts the list price.
    pub expected_total: Option<u64>,
    /// The card.
    pub card: Card,
    /// Whether it can be reserved.
    pub availability: Availability,
}

/// A command of the customer, the warehouse or the carrier after an order was placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Command {
    /// The parcel is with the carrier.
    Dispatched,
    /// The parcel is with the customer.
    Delivered,
    /// The parcel came back; the customer is owed this many minor units, or everything.
    Returned {
        /// `None`: the whole total. A refund above the total is refused.
        refund: Option<u64>,
    },
    /// The customer cancels.
    Cancelled,
}

/// A command that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sent {
    /// The command.
    pub command: Command,
    /// Whether it was processed. `false` for a message in a dead-letter queue: it may have had its effect or not.
    pub certain: bool,
}

impl Sent {
    /// A command that was processed.
    #[must_use]
    pub const fn surely(command: Command) -> Self {
        Self { command, certain: true }
    }

    /// A command that may have been processed.
    #[must_use]
    pub const fn perhaps(command: Command) -> Self {
        Self { command, certain: false }
    }
}

/// When the commands were sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Timing {
    /// Each when the one before it had its effect, the first when the order was confirmed.
    OneAfterTheOther,
    /// At any time, also before the order was confirmed. They overtake each other.
    #[default]
    Racing,
}

/// Everything that was asked for under one order id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// The requests. The same one twice counts once; of different ones, any may have come first.
    pub placed: Vec<Purchase>,
    /// The commands, in the order of sending.
    pub commands: Vec<Sent>,
    /// When they were sent.
    pub timing: Timing,
    /// What else may end the order.
    pub accidents: BTreeSet<Accident>,
}

/// A cause that ends an order without a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Accident {
    /// The gateway was away for longer than stock stays reserved: the order may be cancelled without a payment.
    ReservationExpires,
    /// The authorisation expired and the gateway refuses another: a confirmed order may be cancelled.
    AuthorisationExpires,
    /// The authorisation expired after the dispatch, and the gateway refuses another: nothing can be captured.
    MoneyLost,
}

/// Where an order's units are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Units {
    /// On the shelves.
    Free,
    /// Reserved.
    Reserved,
    /// Sold.
    Sold,
}

/// A way in which an order may end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Outcome {
    /// The order's status, such as `CONFIRMED`.
    pub status: &'static str,
    /// The payment's status.
    pub payment: &'static str,
    /// The shipment's status.
    pub shipment: &'static str,
    /// The bill; `None` for an order that cannot be sold.
    pub bill: Option<Bill>,
    /// Minor units that the gateway holds as an authorisation.
    pub held: u64,
    /// Minor units that it captured.
    pub captured: u64,
    /// Of those: refunded.
    pub refunded: u64,
    /// Where its units are.
    pub units: Units,
    /// Units by SKU.
    pub lines: BTreeMap<String, u64>,
    /// Events of which the customer is notified on every channel that the customer chose; each once.
    pub notices: BTreeSet<&'static str>,
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, payment, shipment, held, captured, refunded, .. } = self;
        write!(
            formatter,
            "{status} + {payment} + {shipment} with {held} held, {captured} captured, {refunded} refunded"
        )
    }
}

/// Every way in which an order may end.
#[must_use]
pub fn expect(shop: &Shop, asked: &Asked) -> BTreeSet<Outcome> {
    asked.placed.iter().flat_map(|purchase| outcomes(shop, purchase, asked)).collect()
}

fn outcomes(shop: &Shop, purchase: &Purchase, asked: &Asked) -> BTreeSet<Outcome> {
    let bill = shop.bill(purchase);
    let mut lines = BTreeMap::new();
    for (sku, quantity) in &purchase.lines {
        *lines.entry(sku.clone()).or_default() += quantity;
    }
    let ended = |status, payment, notice: &'static str| Outcome {
        status,
        payment,
        shipment: "NONE",
        bill,
        held: 0,
        captured: 0,
        refunded: 0,
        units: Units::Free,
        lines: lines.clone(),
        notices: [notice].into(),
    };
    let Some(Bill { total, .. }) = bill else {
        return [ended("REJECTED", "NONE", "ORDER_REJECTED")].into();
    };
    let mut allowed = BTreeSet::new();
    let is_cancelled = asked.commands.iter().any(|sent| sent.command == Command::Cancelled);
    if is_cancelled && asked.timing == Timing::Racing || asked.accidents.contains(&Accident::ReservationExpires) {
        allowed.insert(ended("CANCELLED", "NONE", "ORDER_CANCELLED"));
    }
    if purchase.availability != Availability::Enough {
        allowed.insert(ended("OUT_OF_STOCK", "NONE", "ORDER_OUT_OF_STOCK"));
    }
    if purchase.availability == Availability::TooFew {
        return allowed;
    }
    if purchase.card == Card::Declined {
        allowed.insert(ended("PAYMENT_DECLINED", "DECLINED", "PAYMENT_DECLINED"));
        return allowed;
    }
    let confirmed = ended("CONFIRMED", "AUTHORISED", "ORDER_CONFIRMED");
    for course in courses(asked) {
        allowed.extend(Parcel::take(&course, total).outcomes(&confirmed, total, &asked.accidents));
    }
    allowed
}

/// A possible next step of a confirmed order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Move {
    Command(Command),
    Capture,
}

/// The orders in which commands and the capture may have had their effect.
fn courses(asked: &Asked) -> BTreeSet<Vec<Move>> {
    let sent: BTreeSet<Sent> = asked.commands.iter().copied().collect();
    if asked.timing == Timing::OneAfterTheOther {
        let moves = asked.commands.iter().flat_map(|sent| [Move::Command(sent.command), Move::Capture]);
        return [moves.collect()].into();
    }
    let certain: BTreeSet<Command> = sent.iter().filter(|sent| sent.certain).map(|sent| sent.command).collect();
    let perhaps: Vec<Command> =
        sent.iter().map(|sent| sent.command).filter(|command| !certain.contains(command)).collect();
    let mut found = BTreeSet::new();
    for choice in 0..1_u32 << perhaps.len().min(8) {
        let chosen = perhaps.iter().enumerate().filter(|(bit, _)| choice >> bit & 1 == 1).map(|(_, command)| *command);
        let mut moves: Vec<Move> = certain.iter().copied().chain(chosen).map(Move::Command).collect();
        moves.push(Move::Capture);
        permute(&mut moves, 0, &mut found);
    }
    found
}

fn permute(moves: &mut Vec<Move>, from: usize, found: &mut BTreeSet<Vec<Move>>) {
    if from == moves.len() {
        found.insert(moves.clone());
    }
    for other in from..moves.len() {
        moves.swap(from, other);
        permute(moves, from + 1, found);
        moves.swap(from, other);
    }
}

/// A confirmed order, from the warehouse's side.
#[derive(Debug, Default)]
struct Parcel {
    cancelled: bool,
    dispatched: bool,
    delivered: bool,
    /// It came back, and this much is owed for it.
    returned: Option<u64>,
    captured: bool,
    refused_cancellation: bool,
}

impl Parcel {
    /// Applies the moves; a move that is too early is tried again after every other.
    fn take(course: &[Move], total: u64) -> Self {
        let mut parcel = Self::default();
        let mut early: Vec<Move> = Vec::new();
        for next in course {
            early.push(*next);
            while let Some(position) = early.iter().position(|waiting| parcel.apply(*waiting, total)) {
                early.remove(position);
            }
        }
        parcel
    }

    /// `false`: it is too early.
    fn apply(&mut self, next: Move, total: u64) -> bool {
        match next {
            Move::Command(Command::Cancelled) if self.dispatched => {
                self.refused_cancellation |= !self.is_undelivered_return()
            }
            Move::Command(Command::Cancelled) => self.cancelled = true,
            Move::Command(Command::Dispatched) => self.dispatched |= !self.cancelled,
            _ if !self.dispatched => return false,
            Move::Command(Command::Delivered) => self.delivered |= self.returned.is_none(),
            Move::Command(Command::Returned { refund }) => {
                let owed = refund.unwrap_or(total);
                if owed <= total {
                    self.returned = self.returned.max(Some(owed));
                }
            }
            Move::Capture => self.captured |= self.returned != Some(total),
        }
        true
    }

    /// It never reached the customer: the order counts as cancelled.
    const fn is_undelivered_return(&self) -> bool {
        self.returned.is_some() && !self.delivered
    }

    fn outcomes(&self, confirmed: &Outcome, total: u64, accidents: &BTreeSet<Accident>) -> Vec<Outcome> {
        let mut outcome = Outcome { held: total, units: Units::Reserved, ..confirmed.clone() };
        let cancelled = || {
            let notices = ["ORDER_CONFIRMED", "ORDER_CANCELLED"].into();
            Outcome { status: "CANCELLED", payment: "VOIDED", notices, ..confirmed.clone() }
        };
        if self.cancelled {
            return vec![cancelled()];
        }
        if !self.dispatched {
            let expires = accidents.contains(&Accident::AuthorisationExpires).then(cancelled);
            return [outcome].into_iter().chain(expires).collect();
        }
        let is_free = !self.captured && self.returned == Some(total);
        (outcome.held, outcome.units) = (0, Units::Sold);
        outcome.notices.insert("SHIPMENT_DISPATCHED");
        outcome.shipment = match (self.returned, self.delivered) {
            (Some(_), _) => "RETURNED",
            (None, true) => "DELIVERED",
            (None, false) => "DISPATCHED",
        };
        let happened = [
            (self.delivered, "SHIPMENT_DELIVERED"),
            (self.returned.is_some(), "SHIPMENT_RETURNED"),
            (self.refused_cancellation, "CANCELLATION_REFUSED"),
        ];
        outcome.notices.extend(happened.into_iter().filter(|(happened, _)| *happened).map(|(_, notice)| notice));
        outcome.status = match (self.is_undelivered_return(), self.delivered) {
            (true, _) => "CANCELLED",
            (false, true) => "COMPLETED",
            (false, false) => "CONFIRMED",
        };
        // Nothing can be captured any more, so the order is never completed: a person has to review it.
        let status = if outcome.status == "COMPLETED" { "CONFIRMED" } else { outcome.status };
        let lost = accidents.contains(&Accident::MoneyLost).then(|| Outcome { status, ..outcome.clone() });
        if is_free {
            outcome.payment = "VOIDED";
        } else {
            (outcome.captured, outcome.refunded) = (total, self.returned.unwrap_or(0));
            outcome.payment = if outcome.refunded == total { "REFUNDED" } else { "CAPTURED" };
            outcome.notices.insert("PAYMENT_CAPTURED");
            if outcome.refunded > 0 {
                outcome.notices.insert("PAYMENT_REFUNDED");
            }
        }
        [outcome].into_iter().chain(lost).collect()
    }
}

/// The expectations of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expected {
    /// By order id.
    pub orders: BTreeMap<String, BTreeSet<Outcome>>,
    /// Units before the first order, by SKU.
    pub shelves: BTreeMap<String, u64>,
}

impl Expected {
    /// Computes it for every order of a run.
    pub fn of(shop: &Shop, asked: impl IntoIterator<Item = (String, Asked)>) -> Self {
        Self {
            orders: asked.into_iter().map(|(id, asked)| (id, expect(shop, &asked))).collect(),
            shelves: shop.products.iter().filter_map(|(sku, product)| Some((sku.clone(), product.units?))).collect(),
        }
    }
}

/// Units of a SKU, over all its stock items.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stock {
    /// On the shelves.
    pub free: u64,
    /// Reserved for orders.
    pub reserved: u64,
    /// Sold.
    pub sold: u64,
}

/// A customer's messages on one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notices {
    /// Only their number is known; it has to be exact.
    Counted(usize),
    /// The events of which the customer was notified. Copies are allowed.
    Named(BTreeSet<String>),
}

/// The observations of an order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// The stored order's status.
    pub status: String,
    /// Its payment's status.
    pub payment: String,
    /// Its shipment's status.
    pub shipment: String,
    /// Total and VAT that the stored order says, in minor units, where it was priced.
    pub bill: Option<(u64, u64)>,
    /// Minor units that the gateway holds for it; `None` is not judged.
    pub held: Option<u64>,
    /// Minor units that the gateway captured.
    pub captured: u64,
    /// Minor units that the gateway refunded.
    pub refunded: u64,
    /// Messages, by the name of the channel: only channels that the customer chose and that lead to the customer.
    pub notices: BTreeMap<String, Notices>,
}

/// The observations of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Observation {
    /// By order id; an order that was never stored is missing.
    pub orders: BTreeMap<String, Seen>,
    /// By SKU.
    pub stock: BTreeMap<String, Stock>,
}

/// The subject of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// The order is in none of the allowed states.
    State,
    /// Its bill, or what the gateway holds, captured or refunded.
    Money,
    /// Units of a SKU.
    Stock,
    /// A customer's messages.
    Messages,
}

/// A difference between a run and its expectations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Its subject.
    pub subject: Subject,
    /// The order; `None` for stock.
    pub order: Option<String>,
    /// A sentence.
    pub what: String,
}

/// Compares a run with its expectations. Stock is only judged when every order is in an allowed state: otherwise nobody can
/// say where its units should be.
#[must_use]
pub fn judge(expected: &Expected, observation: &Observation) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut stock: BTreeMap<&str, Stock> = expected
        .shelves
        .iter()
        .map(|(sku, units)| (sku.as_str(), Stock { free: *units, ..Stock::default() }))
        .collect();
    let mut all_known = true;
    for (id, allowed) in &expected.orders {
        let (nearest, found) = judge_order(allowed, observation.orders.get(id));
        findings.extend(found.into_iter().map(|(subject, what)| Finding { subject, order: Some(id.clone()), what }));
        let Some(outcome) = nearest else {
            all_known = false;
            continue;
        };
        for (sku, units) in &outcome.lines {
            let Some(stock) = stock.get_mut(sku.as_str()) else { continue };
            let to = match outcome.units {
                Units::Free => continue,
                Units::Reserved => &mut stock.reserved,
                Units::Sold => &mut stock.sold,
            };
            *to += units;
            stock.free = stock.free.saturating_sub(*units);
        }
    }
    for (sku, stock) in stock.into_iter().filter(|_| all_known) {
        let seen = observation.stock.get(sku).copied().unwrap_or_default();
        if seen != stock {
            let what = format!("{sku} has {seen:?}, and the commands give {stock:?}");
            findings.push(Finding { subject: Subject::Stock, order: None, what });
        }
    }
    findings
}

/// The allowed outcome that fits best, and the findings of an order.
#[must_use]
pub fn judge_order<'a>(
    allowed: &'a BTreeSet<Outcome>,
    seen: Option<&Seen>,
) -> (Option<&'a Outcome>, Vec<(Subject, String)>) {
    let Some(seen) = seen else {
        return (None, vec![(Subject::State, "it was accepted and never stored".to_owned())]);
    };
    let same_states = allowed.iter().filter(|outcome| {
        (outcome.status, outcome.payment, outcome.shipment)
            == (seen.status.as_str(), seen.payment.as_str(), seen.shipment.as_str())
    });
    let judged = same_states.map(|outcome| (Some(outcome), against(outcome, seen)));
    judged.min_by_key(|(_, findings)| findings.len()).unwrap_or_else(|| {
        let allowed: Vec<String> = allowed.iter().map(ToString::to_string).collect();
        let Seen { status, payment, shipment, captured, refunded, .. } = seen;
        let what = format!(
            "it is {status} + {payment} + {shipment} with {captured} captured, {refunded} refunded; allowed: {}",
            allowed.join("; ")
        );
        (None, vec![(Subject::State, what)])
    })
}

fn against(outcome: &Outcome, seen: &Seen) -> Vec<(Subject, String)> {
    let mut findings = Vec::new();
    if let (Some((total, vat)), Some(bill)) = (seen.bill, outcome.bill)
        && (total, vat) != (bill.total, bill.vat)
    {
        let what = format!("it says {total} with {vat} of VAT; the price list says {} with {}", bill.total, bill.vat);
        findings.push((Subject::Money, what));
    }
    let sums = [
        ("holds", seen.held.unwrap_or(outcome.held), outcome.held),
        ("captured", seen.captured, outcome.captured),
        ("refunded", seen.refunded, outcome.refunded),
    ];
    for (what, seen, expected) in sums.into_iter().filter(|(_, seen, expected)| seen != expected) {
        findings.push((Subject::Money, format!("the gateway {what} {seen} instead of {expected} minor units")));
    }
    for (channel, notices) in &seen.notices {
        let what = match notices {
            Notices::Counted(count) if *count == outcome.notices.len() => continue,
            Notices::Counted(count) => {
                format!("its customer got {count} message(s) by {channel} instead of {}", outcome.notices.len())
            }
            Notices::Named(named) => {
                let missing: Vec<&str> = outcome.notices.iter().copied().filter(|due| !named.contains(*due)).collect();
                if missing.is_empty() {
                    continue;
                }
                format!("its customer was not notified of {} by {channel}", missing.join(", "))
            }
        };
        findings.push((Subject::Messages, what));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shop() -> Shop {
        let product = |price, vat_percent| Product { price, currency: "GBP".into(), vat_percent, units: Some(10) };
        Shop {
            delivery: [("GBP".to_owned(), Delivery { charge: 399, free_from: Some(5_000) })].into(),
            products: [("TEA".to_owned(), product(499, 0)), ("MUG".to_owned(), product(1_250, 20))].into(),
        }
    }

    fn purchase() -> Purchase {
        let lines = vec![("TEA".to_owned(), 1), ("MUG".to_owned(), 2)];
        Purchase { lines, currency: "GBP".into(), ..Purchase::default() }
    }

    const TOTAL: u64 = 499 + 2 * 1_250 + 399;

    fn asked(commands: &[Command], timing: Timing) -> Asked {
        let commands = commands.iter().copied().map(Sent::surely).collect();
        Asked { placed: vec![purchase()], commands, timing, ..Asked::default() }
    }

    /// The observations that a correct pipeline gives for an outcome.
    fn seen(outcome: &Outcome) -> Seen {
        Seen {
            status: outcome.status.into(),
            payment: outcome.payment.into(),
            shipment: outcome.shipment.into(),
            bill: outcome.bill.map(|bill| (bill.total, bill.vat)),
            held: Some(outcome.held),
            captured: outcome.captured,
            refunded: outcome.refunded,
            notices: [("EMAIL".to_owned(), Notices::Counted(outcome.notices.len()))].into(),
        }
    }

    fn only(asked: &Asked) -> Outcome {
        let mut outcomes = expect(&shop(), asked);
        assert_eq!(outcomes.len(), 1, "{outcomes:?}");
        outcomes.pop_first().unwrap()
    }

    const RETURN_IN_PART: [Command; 3] =
        [Command::Dispatched, Command::Delivered, Command::Returned { refund: Some(300) }];
    const RETURN_IN_FULL: [Command; 3] = [Command::Dispatched, Command::Delivered, Command::Returned { refund: None }];

    fn findings(asked: Asked, change: impl Fn(&mut Seen)) -> Vec<Subject> {
        let mut order = seen(&only(&asked));
        change(&mut order);
        let (allowed, units) = (expect(&shop(), &asked), only(&asked).units);
        let left = |units: u64, of: Units| if of == Units::Free { 0 } else { units };
        let stock = |wanted| {
            let taken = left(wanted, units);
            let (reserved, sold) = if units == Units::Sold { (0, taken) } else { (taken, 0) };
            Stock { free: 10 - taken, reserved, sold }
        };
        let expected = Expected { orders: [("o".to_owned(), allowed)].into(), ..Expected::of(&shop(), []) };
        let stock = [("TEA".to_owned(), stock(1)), ("MUG".to_owned(), stock(2))].into();
        let observation = Observation { orders: [("o".to_owned(), order)].into(), stock };
        judge(&expected, &observation).into_iter().map(|finding| finding.subject).collect()
    }

    #[test]
    fn a_pipeline_that_does_what_was_asked_has_no_findings() {
        let courses: [&[Command]; 5] =
            [&[], &[Command::Cancelled], &[Command::Dispatched], &RETURN_IN_PART, &RETURN_IN_FULL];
        for course in courses {
            assert_eq!(findings(asked(course, Timing::OneAfterTheOther), |_| {}), [], "{course:?}");
        }
    }

    #[test]
    fn a_domain_that_never_refunds_is_found() {
        let never = |seen: &mut Seen| (seen.refunded, seen.payment) = (0, "CAPTURED".into());
        assert_eq!(findings(asked(&RETURN_IN_PART, Timing::OneAfterTheOther), never), [Subject::Money]);
        assert_eq!(findings(asked(&RETURN_IN_FULL, Timing::OneAfterTheOther), never), [Subject::State]);
    }

    #[test]
    fn a_domain_that_doubles_every_price_is_found() {
        let double = |seen: &mut Seen| {
            (seen.captured, seen.held) = (seen.captured * 2, seen.held.map(|held| held * 2));
            seen.bill = seen.bill.map(|(total, vat)| (total * 2, vat * 2));
        };
        for course in [&[][..], &[Command::Dispatched]] {
            let found = findings(asked(course, Timing::OneAfterTheOther), double);
            assert_eq!(found, [Subject::Money, Subject::Money], "{course:?}");
        }
    }

    #[test]
    fn a_domain_that_always_refunds_in_full_is_found() {
        let in_full = |seen: &mut Seen| seen.refunded = TOTAL;
        assert_eq!(findings(asked(&RETURN_IN_PART, Timing::OneAfterTheOther), in_full), [Subject::Money]);
        let too_much = |seen: &mut Seen| (seen.refunded, seen.payment) = (TOTAL, "REFUNDED".into());
        assert_eq!(findings(asked(&RETURN_IN_PART, Timing::OneAfterTheOther), too_much), [Subject::State]);
    }

    #[test]
    fn a_cancelled_order_of_which_money_was_captured_is_found() {
        let charged = |seen: &mut Seen| seen.captured = TOTAL;
        assert_eq!(findings(asked(&[Command::Cancelled], Timing::OneAfterTheOther), charged), [Subject::Money]);
    }

    #[test]
    fn a_message_that_is_missing_and_a_lost_order_are_found() {
        let silent = |seen: &mut Seen| seen.notices = [("SMS".to_owned(), Notices::Named(BTreeSet::new()))].into();
        assert_eq!(findings(asked(&[], Timing::OneAfterTheOther), silent), [Subject::Messages]);
        assert_eq!(judge_order(&BTreeSet::new(), None).1[0].0, Subject::State);
    }

    #[test]
    fn units_that_do_not_add_up_are_found() {
        let expected = Expected::of(&shop(), [("o".to_owned(), asked(&[], Timing::OneAfterTheOther))]);
        let orders = [("o".to_owned(), seen(&only(&asked(&[], Timing::OneAfterTheOther))))].into();
        let full = Stock { free: 10, ..Stock::default() };
        let stock = [("TEA".to_owned(), full), ("MUG".to_owned(), full)].into();
        assert_eq!(judge(&expected, &Observation { orders, stock }).len(), 2);
    }

    #[test]
    fn a_cancellation_that_races_the_dispatch_wins_or_loses_and_nothing_in_between() {
        let outcomes = expect(&shop(), &asked(&[Command::Dispatched, Command::Cancelled], Timing::Racing));
        let ends: BTreeSet<_> =
            outcomes.iter().map(|outcome| (outcome.status, outcome.payment, outcome.captured, outcome.units)).collect();
        let expected = [
            ("CANCELLED", "NONE", 0, Units::Free),
            ("CANCELLED", "VOIDED", 0, Units::Free),
            ("CONFIRMED", "CAPTURED", TOTAL, Units::Sold),
        ];
        assert_eq!(ends, expected.into());
    }

    #[test]
    fn of_several_returns_the_one_that_owes_most_counts_and_one_above_the_total_does_not() {
        let refunds = [100, 300, TOTAL + 1].map(|refund| Command::Returned { refund: Some(refund) });
        let course: Vec<Command> = [Command::Dispatched, Command::Delivered].into_iter().chain(refunds).collect();
        assert_eq!(only(&asked(&course, Timing::OneAfterTheOther)).refunded, 300);
        let racing = expect(&shop(), &asked(&course, Timing::Racing));
        assert!(racing.iter().all(|outcome| outcome.refunded == 300), "{racing:?}");
    }

    #[test]
    fn a_return_that_may_not_have_been_processed_refunds_all_or_nothing_of_it() {
        let mut asked = asked(&[Command::Dispatched, Command::Delivered], Timing::Racing);
        asked.commands.push(Sent::perhaps(Command::Returned { refund: Some(300) }));
        let refunds: BTreeSet<u64> = expect(&shop(), &asked).iter().map(|outcome| outcome.refunded).collect();
        assert_eq!(refunds, [0, 300].into());
    }

    #[test]
    fn what_comes_back_before_its_money_is_captured_costs_nothing() {
        let racing = asked(&[Command::Dispatched, Command::Returned { refund: None }], Timing::Racing);
        let kept: BTreeSet<u64> =
            expect(&shop(), &racing).iter().map(|outcome| outcome.captured - outcome.refunded).collect();
        assert_eq!(kept, [0].into());
    }

    #[test]
    fn an_order_that_cannot_be_sold_or_paid_for_costs_nothing() {
        let cases = [
            ("REJECTED", Purchase { expected_total: Some(TOTAL + 1), ..purchase() }),
            ("REJECTED", Purchase { lines: vec![("UNICORN".into(), 1)], ..purchase() }),
            ("REJECTED", Purchase { currency: "EUR".into(), ..purchase() }),
            ("OUT_OF_STOCK", Purchase { availability: Availability::TooFew, ..purchase() }),
            ("PAYMENT_DECLINED", Purchase { card: Card::Declined, ..purchase() }),
        ];
        for (status, purchase) in cases {
            let outcome = only(&Asked { placed: vec![purchase], ..Asked::default() });
            assert_eq!((outcome.status, outcome.held, outcome.captured), (status, 0, 0));
            assert_eq!(outcome.units, Units::Free);
        }
    }

    #[test]
    fn the_bill_adds_delivery_and_says_the_tax_that_it_includes() {
        let bill = |quantity| shop().bill(&Purchase { lines: vec![("MUG".into(), quantity)], ..purchase() });
        assert_eq!(bill(1), Some(Bill { total: 1_250 + 399, vat: 208 + 67 }));
        assert_eq!(bill(4), Some(Bill { total: 5_000, vat: 833 }));
    }
}
