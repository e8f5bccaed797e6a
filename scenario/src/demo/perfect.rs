//! For tests: what a correct pipeline would show of every order of a plan.

use std::collections::BTreeMap;
use std::time::Duration;

use order_domain::catalogue::{PriceList, price};
use order_domain::event::{Cause, CommandContext};
use order_domain::notification::topics_of;
use order_domain::request::PlaceOrder;
use order_domain::stage::Stage;
use order_domain::time::Timestamp;
use order_domain::transition::receive;

use super::end::End;
use super::judge::{Answer, Observed, booked};
use super::plan::{Expected, Kind, PlannedOrder, plan};
use crate::catalogue::{DELIVERY, products};

fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_unix_milliseconds(1_800_000_000_000 + milliseconds).unwrap()
}

/// What the catalogue says.
pub fn prices() -> PriceList {
    let products =
        products().unwrap().into_iter().map(|stocked| (stocked.product.sku.clone(), stocked.product)).collect();
    PriceList { products, delivery: BTreeMap::from([(DELIVERY.currency, DELIVERY)]) }
}

fn perfect(planned: &PlannedOrder) -> Observed {
    let accept_latency = Some(Duration::from_millis(20));
    let Expected::Ends(end) = planned.kind.expected() else {
        return Observed { answers: vec![Answer::Refused(400)], accept_latency, ..Observed::default() };
    };
    let request = PlaceOrder::from_json(&planned.document.to_string()).unwrap();
    let priced = price(&request, &prices());
    let context =
        CommandContext { at: at(5), actor: Stage::Validate, cause: Cause::PlaceOrder, message_id: "m-1".into() };
    let mut order = receive(request, priced, at(0), &context).into_order();
    (order.status, order.payment_status, order.shipment_status) = (end.status, end.payment, end.shipment);
    order.version = end.changes();
    order.confirmed_at = (end.changes() >= 3 && end != End::DECLINED).then(|| at(250));
    let (charges, money) = planned.outcome.as_ref().map(booked).unwrap();
    (order.refund_due, order.refunded) = (money.refunded, money.refunded);
    let numbered = end.watched().into_iter().zip(1..);
    Observed {
        answers: vec![Answer::Accepted; planned.times()],
        accept_latency,
        reports: vec![Answer::Accepted; planned.kind.reports().len()],
        order: Some(order),
        delivered: numbered.map(|(event, number)| ((number, event), topics_of(event).len())).collect(),
        mails: end.texts(),
        texts: if planned.text_to.is_some() { end.texts() } else { 0 },
        charges,
        money,
    }
}

/// A hundred orders, and everything as it should be.
pub fn hundred() -> Vec<(PlannedOrder, Observed)> {
    let plan = plan(100, "test", &products().unwrap());
    plan.into_iter().map(|planned| (planned.clone(), perfect(&planned))).collect()
}

/// One of a kind, whose customer wants text messages if the kind has customers.
pub fn of(kind: Kind) -> (PlannedOrder, Observed) {
    let is_texted = |planned: &PlannedOrder| planned.text_to.is_some() || kind == Kind::Incomplete;
    hundred().into_iter().find(|(planned, _)| planned.kind == kind && is_texted(planned)).unwrap()
}
