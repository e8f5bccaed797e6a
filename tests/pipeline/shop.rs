//! The environment in the words of the business: put stock on the shelves, place orders, see what became of them.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use aws_sdk_sqs::types::{Message, QueueAttributeName};
use futures::future::join_all;
use ops::client::{Accepted, ApiClient, Found, History, OrderView, Placed, aws_configuration};
use ops::emulator::{Api, Request};
use ops::environment::{Connection, Environment};
use order_domain::catalogue::Product;
use order_domain::charges::VatRate;
use order_domain::id::Sku;
use order_domain::money::{Currency, Money};
use order_domain::order::OrderStatus;
use order_handlers::adapters::dynamodb::catalogue::{StockLevel, put_product, stock_level};
use serde_json::Value;
use tokio::sync::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::order::{id, unique};
use crate::wait::{DEADLINE, until, until_within};

/// Price of everything in this shop, in pence.
pub const PRICE: u64 = 999;

/// The resource types whose read-back on the emulator differs from what was applied; on AWS their second plan is empty
/// (README, "What the local environment cannot show").
const DIFFERENCES: [&str; 1] = ["aws_cloudwatch_metric_alarm"];

/// A running environment, seen from outside.
pub struct Shop {
    pub api: ApiClient,
    pub unsigned: ApiClient,
    pub connection: Connection,
    pub dynamodb: aws_sdk_dynamodb::Client,
    pub sqs: aws_sdk_sqs::Client,
    pub gateway: ops::environment::PaymentGateway,
    emulator: Api,
    observed: Mutex<Vec<Value>>,
    observer: String,
    use_of_environment: RwLock<()>,
}

impl Shop {
    /// Opens the shop, and subscribes to its topics as another system would.
    pub async fn open(environment: &Environment) -> Self {
        let connection = environment.connection().clone();
        let aws = aws_configuration(&connection).await;
        let sqs = aws_sdk_sqs::Client::new(&aws);
        let observer = observe(&sqs, &aws_sdk_sns::Client::new(&aws), &connection).await;
        Self {
            api: ApiClient::new(&connection).unwrap(),
            unsigned: ApiClient::unsigned(&connection).unwrap(),
            dynamodb: aws_sdk_dynamodb::Client::new(&aws),
            gateway: environment.payment_gateway().clone(),
            emulator: Api::new(&connection.endpoint).unwrap(),
            sqs,
            connection,
            observed: Mutex::default(),
            observer,
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

    /// What is on the shelves.
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

    /// The order, when the pipeline has done with it.
    pub async fn settled(&self, order: &Value) -> OrderView {
        self.settled_within(order, DEADLINE).await
    }

    /// The order, when the pipeline has done with it, which may take that long.
    pub async fn settled_within(&self, order: &Value, deadline: Duration) -> OrderView {
        let done = |found: &Found<OrderView>| matches!(found, Found::Found(view) if !view.status.is_open());
        let what = format!("the end of order {}", id(order));
        until_within(deadline, &what, async || self.api.order(id(order)).await.unwrap(), done).await.found().unwrap()
    }

    /// How many of the orders ended in each state.
    pub async fn settled_all(&self, orders: &[Value]) -> BTreeMap<OrderStatus, usize> {
        let mut counts = BTreeMap::new();
        for view in join_all(orders.iter().map(|order| self.settled(order))).await {
            *counts.entry(view.status).or_default() += 1;
        }
        counts
    }

    /// The order's events.
    pub async fn history(&self, order: &Value) -> History {
        self.api.history(id(order)).await.unwrap().found().expect("a history")
    }

    /// What other systems were told of the order, once `enough` says so.
    pub async fn published(&self, order: &Value, enough: impl Fn(&[String]) -> bool) -> Vec<String> {
        let look = async || {
            self.receive().await;
            let observed = self.observed.lock().await;
            let of = observed.iter().filter(|event| event["orderId"] == id(order));
            of.filter_map(|event| event["eventType"].as_str().map(str::to_owned)).collect::<Vec<_>>()
        };
        until(&format!("the events of {}", id(order)), look, |events| enough(events)).await
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

    /// The dead letter whose body is this, once it is there.
    pub async fn dead_letter(&self, queue: &str, body: &str) -> HashMap<String, String> {
        self.find_dead_letter(queue, |letter| letter == body).await
    }

    /// The dead letter whose JSON body is this, once it is there.
    pub async fn dead_letter_where(&self, queue: &str, is_it: impl Fn(&Value) -> bool) -> HashMap<String, String> {
        self.find_dead_letter(queue, |body| serde_json::from_str(body).is_ok_and(|json| is_it(&json))).await
    }

    /// Whether the dead-letter queue holds a message with this text in it now. It is looked at, not received.
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
        let seen = until(&format!("the dead letter in {queue}"), look, |messages| messages.iter().any(is_it)).await;
        let letter = seen.into_iter().find(is_it).unwrap();
        let attributes = letter.message_attributes.unwrap_or_default().into_iter();
        attributes.filter_map(|(name, value)| Some((name, value.string_value?))).collect()
    }

    /// Calls an AWS service by one of its protocols.
    pub async fn aws(&self, service: &str, request: Request<'_>) -> String {
        self.emulator.call(service, request).await.unwrap()
    }

    /// A function's log lines that are JSON objects.
    pub async fn log_of(&self, function: &str) -> Vec<Value> {
        let group = &self.connection.log_groups[function];
        let input = serde_json::json!({ "logGroupName": group, "limit": 10_000 }).to_string();
        let request = Request::Json { target: "Logs_20140328.FilterLogEvents", input: &input };
        let answer: Value = serde_json::from_str(&self.aws("logs", request).await).unwrap();
        let events = answer["events"].as_array().cloned().unwrap_or_default().into_iter();
        events.filter_map(|event| serde_json::from_str(event["message"].as_str()?.trim()).ok()).collect()
    }

    /// Plans again; the changes that are none of the emulator's listed differences.
    pub async fn second_plan(&self, environment: &Environment) -> Result<(), String> {
        let plan = environment.terraform().plan().await.map_err(|error| order_handlers::failure::chain(&error))?;
        let known = |address: &str| DIFFERENCES.iter().any(|kind| address.contains(&format!("{kind}.")));
        let unknown = plan.changes.iter().filter(|change| !known(&change.address)).map(ToString::to_string);
        let unknown: Vec<String> = unknown.collect();
        if unknown.is_empty() { Ok(()) } else { Err(format!("a second plan would {}", unknown.join(", "))) }
    }

    async fn receive(&self) {
        let receive = self.sqs.receive_message().queue_url(&self.observer).max_number_of_messages(10);
        for message in receive.send().await.unwrap().messages.unwrap_or_default() {
            if let Some(event) = message.body().and_then(|body| serde_json::from_str(body).ok()) {
                self.observed.lock().await.push(event);
            }
            let handle = message.receipt_handle.unwrap_or_default();
            self.sqs.delete_message().queue_url(&self.observer).receipt_handle(handle).send().await.unwrap();
        }
    }

    /// Takes the subscription away again, so that destroy has only the pipeline to destroy.
    pub async fn close(&self) {
        self.sqs.delete_queue().queue_url(&self.observer).send().await.unwrap();
    }
}

/// A queue of another system, subscribed to every topic of the pipeline. It is no part of the pipeline.
async fn observe(sqs: &aws_sdk_sqs::Client, sns: &aws_sdk_sns::Client, connection: &Connection) -> String {
    let queue = sqs.create_queue().queue_name("observer-of-the-tests").send().await.unwrap().queue_url.unwrap();
    let names = [QueueAttributeName::QueueArn].into();
    let attributes =
        sqs.get_queue_attributes().queue_url(&queue).set_attribute_names(Some(names)).send().await.unwrap();
    let arn = attributes.attributes.unwrap_or_default()[&QueueAttributeName::QueueArn].clone();
    let policy = serde_json::json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "Service": "sns.amazonaws.com" }, "Action": "sqs:SendMessage", "Resource": arn,
    }]});
    let set = sqs.set_queue_attributes().queue_url(&queue).attributes(QueueAttributeName::Policy, policy.to_string());
    set.send().await.unwrap();
    for name in ["order-confirmation-topic", "payment-status-topic", "shipment-updates-topic"] {
        let subscribe = sns.subscribe().topic_arn(&connection.topics[name]).protocol("sqs").endpoint(&arn);
        subscribe.attributes("RawMessageDelivery", "true").send().await.unwrap();
    }
    queue
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
