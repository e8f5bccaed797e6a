//! The acts of clients, warehouses and carriers: orders of every kind, some placed again, some in conflict, some malformed;
//! reports and cancellations at any moment, some twice, some out of order. Each order's script follows from the seed and the
//! order's number alone, so that a run of fewer orders has the same first orders.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use order_contract::api::around::{AROUND_A_CANCELLATION, AROUND_A_SHIPMENT};
use order_domain::catalogue::Product;
use order_domain::charges::{DeliveryCharge, VatRate};
use order_domain::fingerprint::Fingerprint;
use order_domain::id::{OrderId, Sku};
use order_domain::money::{Currency, Money};
use order_domain::order::OrderStatus;
use order_domain::request::{Channel, Customer, PlaceOrder};
use order_domain::stage::Stage;
use order_handlers::ports::EventKey;

use crate::random::{Random, stream};
use crate::table::{Table, Units};
use crate::world::{World, pause};

/// Products: SKU, price, stock items.
pub(crate) const PRODUCTS: [(&str, u64, u16); 5] =
    [("TEA", 499, 4), ("MUG", 1_250, 1), ("KETTLE", 3_999, 2), (LAST, 9_900, 1), (RARE, 2_500, 3)];
/// The delivery charge, and the price of the goods from which delivery is free, in minor units.
const DELIVERY: (u64, u64) = (399, 5_000);
/// Only a few units of these are in stock.
const LAST: &str = "LAST";
const RARE: &str = "RARE";
/// How long a warehouse waits for an order to be confirmed, in milliseconds.
const PATIENCE: u64 = 5 * 3600 * 1000;

/// A report on an order after it was placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    Dispatched,
    Delivered,
    Returned,
    Cancelled,
    /// A document that is not a command.
    Nonsense,
}

/// A message that a client sent.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) order: u32,
    pub(crate) message_id: String,
    pub(crate) command: Command,
    /// The refund that a return owes, in minor units; the order's total where that is less.
    pub(crate) owed: u64,
}

/// The content of a request, in the accountant's terms.
#[derive(Debug, Clone)]
pub(crate) struct Bought {
    /// Units of each SKU.
    pub(crate) units: BTreeMap<&'static str, u64>,
    /// List price times quantity, and delivery, in minor units.
    pub(crate) total: u64,
    /// The channels on which the customer wants to be notified, as the request names them.
    pub(crate) notify: Vec<&'static str>,
}

/// All requests and injected failures, to be compared with the outcome.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// The fingerprints of every order's requests, and their messages' ids.
    pub(crate) placed: BTreeMap<u32, Vec<(Fingerprint, String)>>,
    /// The content of each of these requests.
    pub(crate) bought: BTreeMap<u32, Vec<(Fingerprint, Bought)>>,
    pub(crate) commands: Vec<Sent>,
    /// Malformed orders: the order's number and the message's id.
    pub(crate) malformed: Vec<(u32, String)>,
    /// Messages that kill every process, once their queue has dead-lettered them.
    pub(crate) poisoned: BTreeSet<String>,
    /// Records of the stream that are not events.
    pub(crate) unreadable: BTreeSet<String>,
    /// Events that make notify panic whenever it publishes them.
    pub(crate) panicking: BTreeSet<EventKey>,
    /// Units that the warehouse found or missed while the run went on, by SKU and shard.
    pub(crate) counted: BTreeMap<(&'static str, u16), i64>,
    /// Orders whose refund the bank returned.
    pub(crate) refunds_returned: BTreeSet<u32>,
    /// Orders with a lost webhook.
    pub(crate) webhooks_lost: BTreeSet<u32>,
    /// Events whose publishing panicked.
    pub(crate) panicked: BTreeSet<EventKey>,
}

/// An order's number, from its id.
pub(crate) fn number_of(id: &OrderId) -> Option<u32> {
    id.as_str().strip_prefix("ord-")?.parse().ok()
}

/// The number of the order that a document is about.
pub(crate) fn number_in(document: &str) -> Option<u32> {
    let (_, rest) = document.split_once(r#""orderId":"ord-"#)?;
    rest.split('"').next()?.parse().ok()
}

/// The prefix of phone numbers whose owner opted out of texts.
pub(crate) const OPTED_OUT: &str = "+44770099";
/// The prefix of phone numbers that this environment may not text.
const ABROAD: &str = "+35387000";
/// The prefix of e-mail addresses that SES refuses.
pub(crate) const REFUSED_ADDRESS: &str = "gone";
/// A part of the endpoint of a device that is disabled.
pub(crate) const DISABLED_DEVICE: &str = "disabled";

/// Whether a channel to a customer refuses for good.
pub(crate) fn is_refused(customer: &Customer, channel: Channel) -> bool {
    match channel {
        Channel::Email => customer.email.starts_with(REFUSED_ADDRESS),
        Channel::Sms => {
            customer.phone.as_ref().is_some_and(|phone| phone.starts_with(OPTED_OUT) || phone.starts_with(ABROAD))
        }
        Channel::Push => customer.push_endpoint.as_ref().is_some_and(|device| device.contains(DISABLED_DEVICE)),
    }
}

/// Whether there is enough of a SKU for everybody.
pub(crate) fn is_plentiful(sku: &Sku) -> bool {
    ![LAST, RARE].contains(&sku.as_str())
}

/// Fills the shelves; there is plenty of most products.
pub(crate) fn fill_shelves(table: &mut Table, orders: u32) {
    let rule = DeliveryCharge { currency: Currency::GBP, charge: DELIVERY.0, free_from: Some(DELIVERY.1) };
    table.prices.delivery.insert(Currency::GBP, rule);
    for (name, price, stock_shards) in PRODUCTS {
        let Ok(sku) = Sku::new(name) else { continue };
        let free = match name {
            LAST => 1 + i64::from(orders) / 40,
            RARE => 2 + i64::from(orders) / 60,
            _ => 100 + 20 * i64::from(orders),
        };
        let unit_price = Money::new(price, Currency::GBP);
        let vat_rate = if name == "TEA" { VatRate::Zero } else { VatRate::Standard };
        let product = Product { sku: sku.clone(), name: name.to_lowercase(), unit_price, stock_shards, vat_rate };
        table.prices.products.insert(sku.clone(), product);
        for shard in 0..stock_shards {
            table.stock.insert((sku.clone(), shard), Units { free, reserved: 0, sold: 0 });
        }
    }
}

/// A request to place an order.
#[derive(Debug, Clone)]
struct Request {
    number: u32,
    items: Vec<(&'static str, u32)>,
    method: String,
    phone: String,
    email: &'static str,
    device: &'static str,
    notify: Vec<&'static str>,
    currency: &'static str,
    expected_total: Option<u64>,
}

impl Request {
    fn draw(number: u32, random: &mut Random) -> Self {
        let mut items = Vec::new();
        for _ in 0..random.between(1, 3) {
            // One line in ten is for something that is scarce.
            let choice = if random.percent(10) { 3 + random.position(2) } else { random.position(3) };
            let (sku, ..) = PRODUCTS[choice];
            // A line for this SKU often takes units from several shards.
            let most = if sku == RARE { 5 } else { 3 };
            items.push((sku, u32::try_from(random.between(1, most)).unwrap_or(1)));
        }
        if random.percent(4) {
            items.push(("NO-SUCH-SKU", 1));
        }
        let method = match random.below(100) {
            0..8 => "pm_card_chargeDeclinedInsufficientFunds".to_owned(),
            // A card of a checkout: it can be used once, so that a re-authorisation is refused.
            8..16 => format!("pm_1once{number}"),
            _ => "pm_card_visa".to_owned(),
        };
        let prefix = match random.below(100) {
            0..4 => OPTED_OUT,
            4..7 => ABROAD,
            _ => "+44770090",
        };
        let channels = [(r#""EMAIL""#, 40), (r#""SMS""#, 40), (r#""PUSH""#, 30)];
        Self {
            number,
            items,
            method,
            phone: format!("{prefix}{number:05}"),
            email: if random.percent(4) { REFUSED_ADDRESS } else { "a" },
            device: if random.percent(4) { DISABLED_DEVICE } else { "device" },
            notify: channels
                .into_iter()
                .filter(|(_, percent)| random.percent(*percent))
                .map(|(name, _)| name)
                .collect(),
            currency: if random.percent(2) { "EUR" } else { "GBP" },
            expected_total: random.percent(3).then_some(1),
        }
    }

    /// Added up here, without the domain's code, so that a mistake of the domain is not repeated.
    fn bought(&self) -> Bought {
        let mut units = BTreeMap::new();
        for (sku, quantity) in &self.items {
            *units.entry(*sku).or_default() += u64::from(*quantity);
        }
        let price = |name: &str| PRODUCTS.iter().find(|(sku, ..)| *sku == name).map_or(0, |(_, price, _)| *price);
        let goods: u64 = units.iter().map(|(sku, quantity)| price(sku) * quantity).sum();
        let total = if goods >= DELIVERY.1 { goods } else { goods + DELIVERY.0 };
        let notify = self.notify.iter().map(|channel| channel.trim_matches('"')).collect();
        Bought { units, total, notify }
    }

    fn body(&self) -> String {
        let items: Vec<String> =
            self.items.iter().map(|(sku, quantity)| format!(r#"{{"sku":"{sku}","quantity":{quantity}}}"#)).collect();
        let expected = self.expected_total.map_or_else(String::new, |total| format!(r#","expectedTotal":{total}"#));
        format!(
            r#"{{"orderId":"ord-{}","customerId":"cus-{}","customer":{{"name":"A","email":"{}-{}@example.com","phone":"{}","pushEndpoint":"arn:aws:sns:eu-west-2:123456789012:endpoint/GCM/Shop/{}-{}"}},"notify":[{}],"items":[{}],"currency":"{}","payment":{{"method":"{}"}},"shippingAddress":{{"line1":"1","city":"Leeds","postcode":"LS1 1AA","country":"GB"}}{expected}}}"#,
            self.number,
            self.number % 7,
            self.email,
            self.number,
            self.phone,
            self.device,
            self.number,
            self.notify.join(","),
            items.join(","),
            self.currency,
            self.method,
        )
    }
}

/// An act of a client at a moment of the run.
#[derive(Debug)]
enum Act {
    Place(String, Bought),
    Report(Command),
}

/// Everything that happens to one order from outside, from its placing to the last report.
pub(crate) async fn script(world: Arc<World>, number: u32) {
    let seed = world.seed ^ u64::from(number).wrapping_add(1).wrapping_mul(0xd6e8_feb8_6659_fd93);
    let mut random = Random::new(seed, stream::CLIENT);
    let (acts, journey) = draw(&world, number, &mut random);
    let mut warehouse_random = Random::new(seed, stream::WAREHOUSE);
    futures::join!(
        async {
            for (at, act) in acts {
                pause(at.saturating_sub(world.now())).await;
                match act {
                    Act::Place(body, bought) => place(&world, number, body, bought),
                    Act::Report(command) => report(&world, number, command, &mut random),
                }
            }
        },
        ship(&world, number, &journey, &mut warehouse_random)
    );
    world.state().scripts -= 1;
}

/// What the client does and when, and what the warehouse will report once the order is confirmed.
fn draw(world: &World, number: u32, random: &mut Random) -> (Vec<(u64, Act)>, Vec<Command>) {
    let spread = if world.seed.is_multiple_of(3) { 2_000 } else { 600 * u64::from(world.orders) };
    let placed_at = random.below(spread.max(1_000));
    let request = Request::draw(number, random);
    let (body, bought) = (request.body(), request.bought());
    if random.percent(3) {
        // Cut off in the middle: it is not an order, whatever else it was.
        let half = body.len() / 2;
        return (vec![(placed_at, Act::Place(body[..half].to_owned(), bought))], Vec::new());
    }
    let mut acts = Vec::new();
    if random.percent(15) {
        // The client did not see the answer and sends it again.
        for _ in 0..random.between(1, 2) {
            acts.push((placed_at + random.below(600_000), Act::Place(body.clone(), bought.clone())));
        }
    }
    if random.percent(8) {
        let other = Request { items: vec![("TEA", 7)], ..request };
        let earlier_or_later = (placed_at + random.below(60_000)).saturating_sub(5_000);
        acts.push((earlier_or_later, Act::Place(other.body(), other.bought())));
    }
    acts.push((placed_at, Act::Place(body, bought)));
    if random.percent(25) {
        let longest = if random.percent(50) { 5_000 } else { 1_800_000 };
        acts.push((placed_at + random.below(longest), Act::Report(Command::Cancelled)));
    }
    if random.percent(4) {
        let early = [Command::Dispatched, Command::Delivered, Command::Nonsense][random.position(3)];
        acts.push((placed_at + random.below(60_000), Act::Report(early)));
    }
    acts.sort_by_key(|(at, _)| *at);
    let journey = match random.below(100) {
        0..20 => vec![],
        20..35 => vec![Command::Dispatched],
        35..70 => vec![Command::Dispatched, Command::Delivered],
        70..80 => vec![Command::Dispatched, Command::Returned],
        _ => vec![Command::Dispatched, Command::Delivered, Command::Returned],
    };
    (acts, journey)
}

fn place(world: &World, number: u32, body: String, bought: Bought) {
    let request = PlaceOrder::from_json(&body).ok();
    let message_id = world.send(Stage::Validate, body, Some(number));
    let now = world.now();
    let mut state = world.state();
    state.narrate(now, Some(number), || format!("{message_id} is placed by the client"));
    let Some(request) = request else {
        state.asked.malformed.push((number, message_id));
        return;
    };
    let fingerprint = Fingerprint::of(&request);
    state.asked.bought.entry(number).or_default().push((fingerprint.clone(), bought));
    state.asked.placed.entry(number).or_default().push((fingerprint, message_id));
}

fn report(world: &World, number: u32, command: Command, random: &mut Random) {
    let id = format!("ord-{number}");
    let mut owed = 0;
    let shipment = |document: String| [AROUND_A_SHIPMENT[0], &document, AROUND_A_SHIPMENT[1]].concat();
    let body = match command {
        Command::Dispatched => shipment(format!(
            r#"{{"update":"DISPATCHED","orderId":"{id}","shipment":{{"carrier":"Royal Mail","trackingNumber":"RM{number}"}}}}"#
        )),
        Command::Delivered => shipment(format!(r#"{{"update":"DELIVERED","orderId":"{id}"}}"#)),
        Command::Returned => {
            owed = if random.percent(50) { random.between(1, 400) } else { u64::MAX };
            let part = if owed == u64::MAX { String::new() } else { format!(r#","refund":{owed}"#) };
            shipment(format!(r#"{{"update":"RETURNED","orderId":"{id}"{part}}}"#))
        }
        Command::Cancelled => {
            let [before, between, after] = AROUND_A_CANCELLATION;
            [before, &id, between, r#"{"reason":"CUSTOMER_REQUEST"}"#, after].concat()
        }
        Command::Nonsense => shipment(format!(r#"{{"update":"MISLAID","orderId":"{id}"}}"#)),
    };
    let message_id = world.send(Stage::Fulfilment, body, Some(number));
    let now = world.now();
    let mut state = world.state();
    state.narrate(now, Some(number), || format!("{message_id} is reported: {command:?}"));
    state.asked.commands.push(Sent { order: number, message_id, command, owed });
}

/// The warehouse waits for the confirmation; then it and the carrier report, now and then twice or out of order.
async fn ship(world: &World, number: u32, journey: &[Command], random: &mut Random) {
    if journey.is_empty() || !is_confirmed(world, number, random).await {
        return;
    }
    let mut reports: Vec<Command> = journey.to_vec();
    if random.percent(15) {
        let (one, other) = (random.position(reports.len()), random.position(reports.len()));
        reports.swap(one, other);
    }
    if random.percent(15) {
        let again = reports[random.position(reports.len())];
        reports.push(again);
    }
    let longest = if random.percent(50) { 2_000 } else { 600_000 };
    for command in reports {
        pause(random.below(longest)).await;
        report(world, number, command, random);
    }
}

async fn is_confirmed(world: &World, number: u32, random: &mut Random) -> bool {
    let Ok(id) = OrderId::new(format!("ord-{number}")) else { return false };
    let began = world.now();
    let mut wait = 500;
    while world.now() < began + PATIENCE {
        pause(wait + random.below(wait)).await;
        wait = (wait * 3 / 2).min(60_000);
        match world.state().table.orders.get(&id).map(|order| order.status) {
            Some(OrderStatus::Confirmed) => return true,
            None | Some(OrderStatus::Received | OrderStatus::Validated | OrderStatus::Reserved) => {}
            Some(_) => return false,
        }
    }
    false
}
