//! The books added up, for tests and for the demo: how much was authorised, for whom, and whether anybody was charged
//! twice.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ledger::{ChargeState, Intent, Ledger};

/// Labels under which a payment names its order, in the order in which they are looked for.
const ORDER_LABELS: [&str; 2] = ["order_id", "orderId"];

/// What `GET /_simulator/ledger` answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerSummary {
    /// Sums by currency.
    pub totals: BTreeMap<String, Totals>,
    /// Payments by the order that their metadata names.
    pub orders: BTreeMap<String, OrderPayments>,
    /// Approved charges by the idempotency key of the request that made them.
    pub charges_by_idempotency_key: BTreeMap<String, usize>,
}

/// Sums in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Ever authorised.
    pub authorised: u64,
    /// Of that: still held.
    pub held: u64,
    /// Of that: taken.
    pub captured: u64,
    /// Of the captured amount: refunded.
    pub refunded: u64,
    /// Of that: released without being taken.
    pub voided: u64,
}

/// The payments of one order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderPayments {
    /// Ids of its payment intents.
    pub intents: Vec<String>,
    /// Charges that the issuer approved.
    pub charges: usize,
    /// Charges that the issuer declined.
    pub declined: usize,
    /// Its sums.
    #[serde(flatten)]
    pub totals: Totals,
}

impl LedgerSummary {
    pub(super) fn new(ledger: &Ledger, charges_by_key: &BTreeMap<String, usize>) -> Self {
        let mut summary = Self { charges_by_idempotency_key: charges_by_key.clone(), ..Self::default() };
        for intent in ledger.intents() {
            let totals = totals_of(intent);
            summary.totals.entry(intent.currency.clone()).or_default().add(totals);
            if let Some(order) = ORDER_LABELS.iter().find_map(|label| intent.metadata.get(*label)) {
                let payments = summary.orders.entry(order.clone()).or_default();
                payments.intents.push(intent.id.clone());
                payments.totals.add(totals);
                match intent.charge.as_ref().map(super::ledger::Charge::approved) {
                    Some(true) => payments.charges += 1,
                    Some(false) => payments.declined += 1,
                    None => {}
                }
            }
        }
        summary
    }

    /// Orders that were charged more than once, with the number of charges.
    #[must_use]
    pub fn charged_more_than_once(&self) -> BTreeMap<&str, usize> {
        let orders = self.orders.iter().filter(|(_, payments)| payments.charges > 1);
        orders.map(|(order, payments)| (order.as_str(), payments.charges)).collect()
    }
}

impl Totals {
    fn add(&mut self, other: Self) {
        self.authorised += other.authorised;
        self.held += other.held;
        self.captured += other.captured;
        self.refunded += other.refunded;
        self.voided += other.voided;
    }
}

fn totals_of(intent: &Intent) -> Totals {
    let nothing = Totals::default();
    let authorised = intent.amount;
    match intent.charge.as_ref().map(|charge| charge.state) {
        None | Some(ChargeState::Failed(_)) => nothing,
        Some(ChargeState::Held { .. }) => Totals { authorised, held: authorised, ..nothing },
        Some(ChargeState::Captured { amount, refunded }) => {
            Totals { authorised, captured: amount, refunded, voided: authorised - amount, ..nothing }
        }
        Some(ChargeState::Released) => Totals { authorised, voided: authorised, ..nothing },
    }
}
