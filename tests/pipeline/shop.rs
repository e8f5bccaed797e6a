//! The environment in the words of the business: put stock on the shelves, place orders, see what became of them.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use aws_sdk_sqs::types::{Message, QueueAttributeName};
use deployed::Connection;
use deployed::client::{Accepted, ApiClient, Found, History, OrderView, Placed, aws_configuration, http_client};
use futures::future::join_all;
use local::emulator::{Api, Request};
use local::environment::Environment;
use order_domain::catalogue::Product;
use order_domain::charges::VatRate;
use order_domain::event::EventType;
use order_domain::id::Sku;
use order_domain::money::{Currency, Money};
use order_domain::order::OrderStatus;
use order_domain::stock::StockLevel;
use order_domain::time::Timestamp;
use order_handlers::adapters::dynamodb::catalogue::{put_product, stock_level};
use serde_json::{Value, json};
use tokio::sync::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::observer::{Heard, Observer};
use crate::order::{id, unique};
use crate::wait::{DEADLINE, until, until_within};

/// Price of everything in this shop, in pence.
pub const PRICE: u64 = 999;

/// Longest time for an answer that is not the API's.
const ANSWERED_WITHIN: Duration = Duration::from_secs(30);

/// Most lines that the emulator gives of a log at once, the oldest.
const LOG_LINES: usize = 10_000;

/// The resource types whose read-back on the emulator differs from what was applied; on AWS their second plan is empty
/// (README, "What the local environment cannot show").
const DIFFERENCES: [&str; 1] = ["aws_cloudwatch_metric_alarm"];

/// A running environment, seen from outside.
pub struct Shop {
    pub api: ApiClient,
    pub unsigned: ApiClient,
    pub connection: Connection,
    pub http: reqwest::Client,
    pub dynamodb: aws_sdk_dynamodb::Client,
    pub sqs: aws_sdk_sqs::Client,
    pub gateway: deployed::PaymentGateway,
    pub sns: aws_sdk_sns::Client,
    pub observer: Observer,
    heard: Mutex<Vec<Heard>>,
    emulator: Api,
    use_of_environment: RwLock<()>,
}

impl Shop {
    /// Opens the shop, and subscribes to its topics as another system would.
    pub async fn open(environment: &Environment) -> Self {
        let connection = environment.connection().clone();
        let aws = aws_configuration(&connection).await;
        let sqs = aws_sdk_sqs::Client::new(&aws);
        let sns = aws_sdk_sns::Client::new(&aws);
        let observer = Observer::subscribe(&sqs, &sns, &connection).await;
        Self {
            api: ApiClient::new(&connection).unwrap(),
            unsigned: ApiClient::unsigned(&connection).unwrap(),
            dynamodb: aws_sdk_dynamodb::Client::new(&aws),
            gateway: environment.payment_gateway().clone(),
            http: http_client(ANSWERED_WITHIN).unwrap(),
            emulator: Api::new(&connection.endpoint).unwrap(),
            sqs,
            sns,
            connection,
            observer,
            heard: Mutex::default(),
            use_of_environment: RwLock::default(),
        }
    }

    /// Held by a test that needs the environment whole.
    pub async fn shared(&self) -> RwLockReadGuard<'_, ()> {
        self.use_of_environment.read().await
    }

    /// Held by a test that breaks something on purpose: no other test runs meanwhile.
    pub async fn alone(&self) -> RwLockWriteGuard<'_, ()> {
        self.use_of_environment.write().await
    }

    /// A SKU of its own with that many units, spread over so many stock items.
    pub async fn stock(&self, units: u64, shards: u16) -> Product {
        let sku = Sku::new(unique("SKU-")).unwrap();
        let product = Product {
            sku,
            name: "Tea".into(),
            unit_price: Money::new(PRICE, Currency::GBP),
            stock_shards: shards,
            vat_rate: VatRate::Zero,
        };
        put_product(&self.dynamodb, &self.connection.inventory_table, &product, units).await.unwrap();
        product
    }

    /// The product's stock.
    pub async fn stock_of(&self, product: &Product) -> StockLevel {
        stock_level(&self.dynamodb, &self.connection.inventory_table, product).await.unwrap()
    }

    /// Places an order that the API accepts.
    pub async fn place(&self, order: &Value) -> Accepted {
        match self.api.place(order).await.unwrap() {
            Placed::Accepted(accepted) => accepted,
            Placed::Refused(problem) => panic!("{} was refused: {problem:?}", id(order)),
        }
    }

    /// Places orders at once.
    pub async fn place_at_once(&self, orders: &[Value]) {
        join_all(orders.iter().map(|order| self.place(order))).await;
    }

    /// The order, when the pipeline has finished it.
    pub async fn settled(&self, order: &Value) -> OrderView {
        self.settled_within(order, DEADLINE).await
    }

    /// The order, when the pipeline has finished it, within that time.
    pub async fn settled_within(&self, order: &Value, deadline: Duration) -> OrderView {
        let done = |found: &Found<OrderView>| matches!(found, Found::Found(view) if !view.status.is_open());
        let what = format!("the end of order {}", id(order));
        until_within(deadline, &what, async || self.api.order(id(order)).await.unwrap(), done).await.found().unwrap()
    }

    /// The order, once it stands as it is to.
    pub async fn view(&self, order: &Value, what: &str, done: impl Fn(&OrderView) -> bool) -> OrderView {
        let look = async || self.api.order(id(order)).await.unwrap().found().expect("an order");
        until(&format!("order {} {what}", id(order)), look, done).await
    }

    /// What the warehouse or the carrier reports, and the API accepts.
    pub async fn report(&self, update: Value) {
        let reported = self.api.report_shipment(&update).await.unwrap();
        assert!(matches!(reported, Placed::Accepted(_)), "{update}: {reported:?}");
    }

    /// The parcel is handed to the carrier.
    pub async fn dispatch(&self, order: &Value) {
        let shipment = json!({ "carrier": "Royal Mail", "trackingNumber": "RM123456785GB" });
        self.report(json!({ "update": "DISPATCHED", "orderId": id(order), "shipment": shipment })).await;
    }

    /// Waits until these queues are empty, and none of their messages is being processed.
    pub async fn drained(&self, queues: &[&str]) {
        until("empty queues", async || self.lengths(queues).await, BTreeMap::is_empty).await;
    }

    /// How many messages these queues have, with those being processed; empty queues are left out.
    pub async fn lengths(&self, queues: &[&str]) -> BTreeMap<String, u64> {
        let mut lengths = BTreeMap::new();
        for name in queues {
            let ask = self.sqs.get_queue_attributes().queue_url(&self.connection.queues[*name]);
            let ask = ask.attribute_names(QueueAttributeName::ApproximateNumberOfMessages);
            let ask = ask.attribute_names(QueueAttributeName::ApproximateNumberOfMessagesNotVisible);
            let counts = ask.send().await.unwrap().attributes.unwrap_or_default();
            lengths.insert((*name).to_owned(), counts.values().filter_map(|count| count.parse::<u64>().ok()).sum());
        }
        lengths.retain(|_, length| *length > 0);
        lengths
    }

    /// How many of the orders ended in each state.
    pub async fn settled_all(&self, orders: &[Value]) -> HashMap<OrderStatus, usize> {
        let mut counts = HashMap::new();
        for view in join_all(orders.iter().map(|order| self.settled(order))).await {
            *counts.entry(view.status).or_default() += 1;
        }
        counts
    }

    /// The order's events.
    pub async fn history(&self, order: &Value) -> History {
        self.api.history(id(order)).await.unwrap().found().expect("a history")
    }

    /// The published events of the order, once `enough` says so.
    pub async fn published(&self, order: &Value, enough: impl Fn(&[EventType]) -> bool) -> Vec<EventType> {
        let types = |heard: &[Heard]| heard.iter().map(|heard| heard.event.event_type).collect::<Vec<_>>();
        types(&self.heard_of(order, |heard| enough(&types(heard))).await)
    }

    /// The order's events from each topic, once `enough` says so.
    pub async fn heard_of(&self, order: &Value, enough: impl Fn(&[Heard]) -> bool) -> Vec<Heard> {
        let look = async || {
            self.listen().await;
            let heard = self.heard.lock().await;
            heard.iter().filter(|heard| heard.event.order_id.as_str() == id(order)).cloned().collect::<Vec<_>>()
        };
        until(&format!("the events of {}", id(order)), look, |heard| enough(heard)).await
    }

    /// The text messages to a number, once there are any.
    pub async fn texts_to(&self, phone: &str) -> Vec<String> {
        until(&format!("a text to {phone}"), async || self.texts(phone).await, |texts| !texts.is_empty()).await
    }

    /// The text messages to a number until now.
    pub async fn texts(&self, phone: &str) -> Vec<String> {
        let sent = self.emulator.call("sns", Request::Get("/_ministack/sns/sms-messages")).await.unwrap();
        let sent: Value = serde_json::from_str(&sent).unwrap();
        let messages = sent["sms_messages"][phone].as_array().cloned().unwrap_or_default().into_iter();
        messages.map(|message| message["Message"].as_str().expect("a text").to_owned()).collect()
    }

    /// The e-mails to an address, once there are any.
    pub async fn mails_to(&self, address: &str) -> Vec<Value> {
        let look = async || {
            let sent = self.aws("ses", Request::Get("/_ministack/ses/messages")).await;
            let sent: Value = serde_json::from_str(&sent).unwrap();
            let mut mails = Vec::new();
            collect_mails(&sent, address, &mut mails);
            mails
        };
        until(&format!("a mail to {address}"), look, |mails| !mails.is_empty()).await
    }

    /// The attributes of the dead-lettered message with this body, once it is there.
    pub async fn dead_letter(&self, queue: &str, body: &str) -> HashMap<String, String> {
        self.find_dead_letter(queue, |found| found == body).await
    }

    /// The attributes of the dead-lettered message with such a JSON body, once it is there.
    pub async fn dead_letter_where(&self, queue: &str, is_it: impl Fn(&Value) -> bool) -> HashMap<String, String> {
        self.find_dead_letter(queue, |body| serde_json::from_str(body).is_ok_and(|json| is_it(&json))).await
    }

    /// Whether the dead-letter queue has a message with this text in it now. The message is not received.
    pub async fn has_dead_letter(&self, queue: &str, text: &str) -> bool {
        let held = self.emulator.call("sqs", Request::Get("/_ministack/sqs/messages")).await.unwrap();
        let held: Value = serde_json::from_str(&held).unwrap();
        let url = &self.connection.queues[queue];
        let name = url.rsplit('/').next().expect("a queue's name");
        let regions = held["messages"].as_object().expect("accounts").values().filter_map(Value::as_object);
        let queues = regions.flat_map(|regions| regions.values()).filter_map(Value::as_object).flatten();
        let of_queue: Vec<&Value> =
            queues.filter(|(url, _)| url.rsplit('/').next() == Some(name)).map(|(_, messages)| messages).collect();
        assert_eq!(of_queue.len(), 1, "{queue} is not among the emulator's queues");
        of_queue[0].to_string().contains(text)
    }

    async fn find_dead_letter(&self, queue: &str, body: impl Fn(&str) -> bool) -> HashMap<String, String> {
        let look = async || {
            let receive = self.sqs.receive_message().queue_url(&self.connection.queues[queue]);
            let received =
                receive.max_number_of_messages(10).visibility_timeout(1).message_attribute_names("All").send().await;
            received.unwrap().messages.unwrap_or_default()
        };
        let is_it = |message: &Message| message.body().is_some_and(&body);
        let seen =
            until(&format!("the dead-lettered message in {queue}"), look, |messages| messages.iter().any(is_it)).await;
        let message = seen.into_iter().find(is_it).unwrap();
        let attributes = message.message_attributes.unwrap_or_default().into_iter();
        attributes.filter_map(|(name, value)| Some((name, value.string_value?))).collect()
    }

    /// Calls an AWS service by one of its protocols.
    pub async fn aws(&self, service: &str, request: Request<'_>) -> String {
        self.emulator.call(service, request).await.unwrap()
    }

    /// A function's log lines that are JSON objects.
    pub async fn log_of(&self, function: &str) -> Vec<Value> {
        self.log_since(function, Timestamp::from_unix_seconds(0).unwrap()).await
    }

    /// Those of them that were written since then.
    pub async fn log_since(&self, function: &str, since: Timestamp) -> Vec<Value> {
        let (group, mut since) = (&self.connection.log_groups[function], since.unix_milliseconds());
        let mut lines: Vec<Value> = Vec::new();
        loop {
            let input = json!({ "logGroupName": group, "limit": LOG_LINES, "startTime": since }).to_string();
            let request = Request::Json { target: "Logs_20140328.FilterLogEvents", input: &input };
            let answer: Value = serde_json::from_str(&self.aws("logs", request).await).unwrap();
            let page = answer["events"].as_array().cloned().unwrap_or_default();
            let Some(last) = page.last().filter(|_| page.len() == LOG_LINES).map(|line| line["timestamp"].clone())
            else {
                lines.extend(page);
                break;
            };
            // There are more, and the emulator gives no token: those of the last millisecond come again with the next page.
            assert!(last.as_i64() > Some(since), "the log of {function} cannot be read on");
            lines.extend(page.into_iter().filter(|line| line["timestamp"] != last));
            since = last.as_i64().unwrap_or(since);
        }
        lines.into_iter().filter_map(|event| serde_json::from_str(event["message"].as_str()?.trim()).ok()).collect()
    }

    /// Plans again; the changes that are none of the emulator's listed differences.
    pub async fn second_plan(&self, environment: &Environment) -> Result<(), String> {
        let plan = environment.terraform().plan().await.map_err(|error| order_handlers::failure::chain(&error))?;
        let known = |address: &str| DIFFERENCES.iter().any(|kind| address.contains(&format!("{kind}.")));
        let unknown = plan.changes.iter().filter(|change| !known(&change.address)).map(ToString::to_string);
        let unknown: Vec<String> = unknown.collect();
        if unknown.is_empty() { Ok(()) } else { Err(format!("a second plan would {}", unknown.join(", "))) }
    }

    /// All events that the topics published until now.
    pub async fn everything_heard(&self) -> Vec<Heard> {
        while self.listen().await {}
        self.heard.lock().await.clone()
    }

    /// Receives some of what there is now; whether there was any.
    async fn listen(&self) -> bool {
        let heard = self.observer.receive().await;
        let any = !heard.is_empty();
        self.heard.lock().await.extend(heard);
        any
    }

    /// Deletes the subscription, so that destroy has only the pipeline to destroy.
    pub async fn close(&self) {
        self.observer.leave().await;
    }
}

/// The innermost objects of the emulator's answer that name the address among their recipients.
fn collect_mails(value: &Value, address: &str, mails: &mut Vec<Value>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| collect_mails(value, address, mails)),
        Value::Object(fields) => {
            let to = ["Destination", "to", "To", "destinations", "ToAddresses"];
            let is_mail = to.iter().any(|name| fields.get(*name).is_some_and(|to| to.to_string().contains(address)));
            if is_mail {
                mails.push(value.clone());
            } else {
                fields.values().for_each(|value| collect_mails(value, address, mails));
            }
        }
        _ => {}
    }
}
