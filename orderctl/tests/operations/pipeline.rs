//! The part of the pipeline that the operator's commands use; each test has its own.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType,
};
use aws_sdk_sqs::types::{MessageAttributeValue, QueueAttributeName};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use deployed::Connection;
use deployed::Deployed;
use deployed::client::{aws_configuration, http_client};
use deployed::workspace::Workspace;
use local::emulator::{ACCESS_KEY_ID, Api, Emulator, EmulatorOptions, Request, SECRET_ACCESS_KEY};
use local::toolchain::{TerraformChoice, Toolchain};
use order_contract::REGION;
use order_contract::table::{self, TableLayout};
use order_domain::event::{Cause, Event, EventType};
use order_domain::id::{CustomerId, OrderId};
use order_domain::money::{Currency, Money};
use order_domain::order::{OrderStatus, PaymentStatus, ShipmentStatus};
use order_domain::time::Timestamp;
use serde_json::{Value, json};
use terminal::cancel::Cancel;
use terminal::progress::Progress;
use tokio::sync::OnceCell;

pub type Item = HashMap<String, AttributeValue>;

/// A stub of the notify function: it records its events, and fails those whose message id says so.
const FUNCTION: &str = r#"
import json, os
def handler(event, context):
    with open(os.environ["KEPT"], "a") as kept:
        kept.write(json.dumps(event) + "\n")
    records = event["Records"]
    if any(r["dynamodb"]["NewImage"]["messageId"]["S"] == "crash" for r in records):
        raise RuntimeError("it crashed")
    failed = [r for r in records if r["dynamodb"]["NewImage"]["messageId"]["S"] == "fail"]
    return {"batchItemFailures": [{"itemIdentifier": r["dynamodb"]["SequenceNumber"]} for r in failed]}
"#;

pub struct Pipeline {
    pub deployed: Deployed,
    pub sqs: aws_sdk_sqs::Client,
    pub dynamodb: aws_sdk_dynamodb::Client,
    pub connection: Connection,
    kept: PathBuf,
    emulator: Emulator,
    _directory: tempfile::TempDir,
}

impl Pipeline {
    pub async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (python, cancel) = (python().await.clone(), Cancel::new());
        let options = EmulatorOptions { python, directory: directory.path().to_owned(), detached: false };
        let emulator = Emulator::start(&options, &cancel).await.unwrap();
        let mut connection = Connection {
            endpoint: emulator.endpoint().to_owned(),
            region: REGION.into(),
            access_key_id: ACCESS_KEY_ID.into(),
            secret_access_key: SECRET_ACCESS_KEY.into(),
            api_url: String::new(),
            orders_table: "orders-table-local".into(),
            inventory_table: "inventory-table-local".into(),
            queues: BTreeMap::new(),
            topics: BTreeMap::new(),
            functions: BTreeMap::from([("notify-function".into(), "notify-function-local".into())]),
            log_groups: BTreeMap::new(),
        };
        let aws = aws_configuration(&connection).await;
        let (sqs, dynamodb) = (aws_sdk_sqs::Client::new(&aws), aws_sdk_dynamodb::Client::new(&aws));
        for queue in ["validate-dlq", "validate-queue", "payment-dlq", "payment-queue", "notify-dlq"] {
            let made = sqs.create_queue().queue_name(format!("{queue}-local")).send().await.unwrap();
            connection.queues.insert(queue.into(), made.queue_url.unwrap());
        }
        make_table(&dynamodb, &connection.orders_table, &table::ORDERS).await;
        make_table(&dynamodb, &connection.inventory_table, &table::INVENTORY).await;
        let kept = directory.path().join("kept.jsonl");
        let deployed = Deployed::of_connection(&connection, "local").await;
        Self { deployed, sqs, dynamodb, connection, kept, emulator, _directory: directory }
    }

    pub async fn stop(self) {
        self.emulator.stop().await;
    }

    /// Puts a message into a queue, with attributes as a stage writes them.
    pub async fn send(&self, queue: &str, body: &str, attributes: &[(&str, &str)]) -> String {
        let value = |text: &str| MessageAttributeValue::builder().data_type("String").string_value(text).build();
        let mut send = self.sqs.send_message().queue_url(&self.connection.queues[queue]).message_body(body);
        for (name, text) in attributes {
            send = send.message_attributes(*name, value(text).unwrap());
        }
        send.send().await.unwrap().message_id.unwrap()
    }

    /// Puts a dead-lettered command for an order into a queue.
    pub async fn dead_letter(&self, queue: &str, order: &str, reason: &str) -> String {
        let body = json!({ "orderId": order, "command": "AUTHORISE_PAYMENT" }).to_string();
        self.send(queue, &body, &[("reason", reason), ("error", "it went wrong"), ("sourceMessageId", "m-0")]).await
    }

    /// Number of visible messages in a queue.
    pub async fn visible(&self, queue: &str) -> u64 {
        self.count(queue, QueueAttributeName::ApproximateNumberOfMessages).await
    }

    /// Number of messages that a consumer holds now.
    pub async fn held(&self, queue: &str) -> u64 {
        self.count(queue, QueueAttributeName::ApproximateNumberOfMessagesNotVisible).await
    }

    async fn count(&self, queue: &str, name: QueueAttributeName) -> u64 {
        let url = &self.connection.queues[queue];
        let asked = self.sqs.get_queue_attributes().queue_url(url).attribute_names(QueueAttributeName::All).send();
        asked.await.unwrap().attributes.unwrap()[&name].parse().unwrap()
    }

    /// Receives and deletes every message of a queue.
    pub async fn drain(&self, queue: &str) -> Vec<aws_sdk_sqs::types::Message> {
        let url = &self.connection.queues[queue];
        let mut all = Vec::new();
        loop {
            let received = self
                .sqs
                .receive_message()
                .queue_url(url)
                .max_number_of_messages(10)
                .message_attribute_names("All")
                .message_system_attribute_names(aws_sdk_sqs::types::MessageSystemAttributeName::All)
                .send();
            let messages = received.await.unwrap().messages.unwrap_or_default();
            if messages.is_empty() {
                return all;
            }
            for message in &messages {
                let handle = message.receipt_handle.as_ref().unwrap();
                self.sqs.delete_message().queue_url(url).receipt_handle(handle).send().await.unwrap();
            }
            all.extend(messages);
        }
    }

    /// The audit items of a redrive: the request and the result.
    pub async fn audit(&self, id: &str) -> Vec<Item> {
        let query = self
            .dynamodb
            .query()
            .table_name(&self.connection.orders_table)
            .key_condition_expression("pk = :id")
            .expression_attribute_values(":id", AttributeValue::S(format!("REDRIVE#{id}")))
            .send();
        query.await.unwrap().items.unwrap()
    }

    /// Stores an event, with nothing else of its order.
    pub async fn store_event(&self, order: &str, sequence: u64, at: &str, message_id: &str) {
        let event = Event {
            order_id: OrderId::new(order).unwrap(),
            customer_id: CustomerId::new("cus-1").unwrap(),
            sequence,
            event_type: EventType::OrderConfirmed,
            at: at.parse::<Timestamp>().unwrap(),
            actor: "payment".into(),
            cause: Cause::AuthorisePayment,
            message_id: message_id.into(),
            status: OrderStatus::Confirmed,
            payment_status: PaymentStatus::Authorised,
            shipment_status: ShipmentStatus::None,
            total: Money::new(1998, Currency::GBP),
            reason: None,
            cancellation: None,
            attention: None,
            shipment: None,
            refund_due: 0,
            refunded: 0,
        };
        let mut item: Item = serde_dynamo::to_item(&event).unwrap();
        item.insert("pk".into(), AttributeValue::S(format!("ORDER#{order}")));
        item.insert("sk".into(), AttributeValue::S(format!("EVENT#{sequence:010}")));
        let put = self.dynamodb.put_item().table_name(&self.connection.orders_table).set_item(Some(item));
        put.send().await.unwrap();
    }

    /// Deploys the stub of the notify function.
    pub async fn deploy_notify(&self) {
        let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        archive.start_file("notify.py", zip::write::SimpleFileOptions::default()).unwrap();
        std::io::Write::write_all(&mut archive, FUNCTION.as_bytes()).unwrap();
        let archive = archive.finish().unwrap().into_inner();
        let role = "Action=CreateRole&Version=2010-05-08&RoleName=notify&AssumeRolePolicyDocument=%7B%7D";
        Api::new(&self.connection.endpoint).unwrap().call("iam", Request::Query(role)).await.unwrap();
        let function = json!({
            "FunctionName": "notify-function-local",
            "Runtime": "python3.12",
            "Handler": "notify.handler",
            "Role": "arn:aws:iam::000000000000:role/notify",
            "Timeout": 30,
            "Code": { "ZipFile": aws_smithy_types::base64::encode(archive) },
            "Environment": { "Variables": { "KEPT": self.kept } },
        });
        let url = format!("{}/2015-03-31/functions", self.connection.endpoint);
        let body = function.to_string().into_bytes();
        let identity = Credentials::new(ACCESS_KEY_ID, SECRET_ACCESS_KEY, None, None, "test").into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(REGION)
            .name("lambda")
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .unwrap()
            .into();
        let signable = SignableRequest::new("POST", &url, std::iter::empty(), SignableBody::Bytes(&body)).unwrap();
        let (signed, _) = sign(signable, &parameters).unwrap().into_parts();
        let client = http_client(Duration::from_secs(30)).unwrap();
        let request = signed.headers().fold(client.post(&url), |request, (name, value)| request.header(name, value));
        let answer = request.body(body).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    /// The events of each invocation of notify, as `<order>:<sequence>`.
    pub fn handed_over(&self) -> Vec<Vec<String>> {
        let kept = std::fs::read_to_string(&self.kept).unwrap_or_default();
        let id = |record: &Value| record["dynamodb"]["SequenceNumber"].as_str().unwrap().replace("replay:", "");
        kept.lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .map(|event| event["Records"].as_array().unwrap().iter().map(id).collect())
            .collect()
    }
}

/// The Python that has the emulator; the first test installs it.
async fn python() -> &'static PathBuf {
    static PYTHON: OnceCell<PathBuf> = OnceCell::const_new();
    let found = PYTHON.get_or_init(|| async {
        let (workspace, cancel) = (Workspace::find().unwrap(), Cancel::new());
        let toolchain = Toolchain::ready(&workspace, TerraformChoice::Auto, Progress::silent(), &cancel).await;
        toolchain.unwrap().python.python()
    });
    found.await
}

/// A table with the keys and indexes of the deployed one: it refuses what that refuses.
async fn make_table(client: &aws_sdk_dynamodb::Client, name: &str, layout: &TableLayout) {
    let key = |name: &str, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap();
    let keys = |partition, sort| Some(vec![key(partition, KeyType::Hash), key(sort, KeyType::Range)]);
    let definition = |name| {
        AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S).build().unwrap()
    };
    let index = |index: &table::IndexLayout| {
        let projection = match index.projection {
            table::Projection::KeysOnly => Projection::builder().projection_type(ProjectionType::KeysOnly),
            table::Projection::Include(attributes) => Projection::builder()
                .projection_type(ProjectionType::Include)
                .set_non_key_attributes(Some(attributes.iter().copied().map(str::to_owned).collect())),
        };
        GlobalSecondaryIndex::builder()
            .index_name(index.name)
            .set_key_schema(keys(index.partition_key, index.sort_key))
            .projection(projection.build())
            .build()
            .unwrap()
    };
    let indexes: Vec<_> = layout.indexes.iter().map(index).collect();
    client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_key_schema(keys(layout.partition_key, layout.sort_key))
        .set_attribute_definitions(Some(layout.key_attributes().map(definition).collect()))
        .set_global_secondary_indexes((!indexes.is_empty()).then_some(indexes))
        .send()
        .await
        .unwrap();
}

/// Polls until a condition holds; fails with the last state after 30 s.
pub async fn until<T: std::fmt::Debug>(what: &str, mut look: impl AsyncFnMut() -> T, holds: impl Fn(&T) -> bool) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let state = look().await;
        if holds(&state) {
            return state;
        }
        assert!(Instant::now() < deadline, "{what}: not within 30 s; the last state was {state:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
