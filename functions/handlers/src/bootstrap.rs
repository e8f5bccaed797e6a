//! The one binary of every function: the handler's name picks the stage.

// The stages' futures hold the SDK's, which nest deeper than the compiler's default allows.
#![recursion_limit = "256"]

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use aws_lambda_events::dynamodb::Event as StreamEvent;
use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::{Context, Error, LambdaEvent, run, service_fn};
use order_domain::wiring::{Stage, variable};
use order_handlers::adapters::aws::{Retries, configuration};
use order_handlers::adapters::dynamodb::DynamoDb;
use order_handlers::adapters::notifier::{AwsNotifier, channels};
use order_handlers::adapters::settings;
use order_handlers::adapters::sqs::SqsQueue;
use order_handlers::adapters::stripe::StripeGateway;
use order_handlers::adapters::surroundings::Surroundings;
use order_handlers::failure::chain;
use order_handlers::lambda::{http, queue, stream};
use order_handlers::stages::fulfilment::Fulfilment;
use order_handlers::stages::inventory::Inventory;
use order_handlers::stages::notify::Notify;
use order_handlers::stages::payment::Payment;
use order_handlers::stages::query::Query;
use order_handlers::stages::validate::Validate;
use order_handlers::texts::Texts;

/// Kept back from an invocation's time: at the end of a batch come at most three calls to AWS of 3 s each, which forward,
/// bury and postpone.
const RESERVE: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> Result<(), Error> {
    start_logging();
    let handler = std::env::var("_HANDLER").unwrap_or_default();
    let Some(stage) = Stage::from_name(&handler) else {
        let names = Stage::ALL.map(Stage::name).join(", ");
        return Err(format!("the handler is {handler:?}; this binary knows {names}").into());
    };
    let outcome = serve(stage).await;
    if let Err(error) = &outcome {
        tracing::error!(stage = stage.name(), error = %chain(error.as_ref()), "the function cannot run");
    }
    outcome
}

/// One JSON object a line, as CloudWatch Logs Insights reads them.
fn start_logging() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("LOG_LEVEL").unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt().json().flatten_event(true).with_env_filter(filter).with_target(false).init();
}

async fn serve(stage: Stage) -> Result<(), Error> {
    match stage {
        Stage::Validate => validate().await,
        Stage::Inventory => inventory().await,
        Stage::Payment => payment().await,
        Stage::Fulfilment => fulfilment().await,
        Stage::Notify => notify().await,
        Stage::Query => query().await,
    }
}

async fn validate() -> Result<(), Error> {
    let (aws, environment, policy) = consumer().await?;
    let database = DynamoDb::from_environment(aws_sdk_dynamodb::Client::new(&aws))?;
    let source = SqsQueue::from_environment(aws_sdk_sqs::Client::new(&aws))?;
    run(service_fn(async |event: LambdaEvent<SqsEvent>| {
        let runtime = surroundings(&environment, Stage::Validate, &event.context);
        let stage = Validate { database: database.clone(), queue: source.clone(), runtime: &runtime, policy };
        let failed = stage.run(&queue::deliveries(event.payload)).await;
        runtime.flush();
        Ok::<_, Error>(queue::response(failed))
    }))
    .await
}

async fn inventory() -> Result<(), Error> {
    let (aws, environment, policy) = consumer().await?;
    let database = DynamoDb::from_environment(aws_sdk_dynamodb::Client::new(&aws))?;
    let source = SqsQueue::from_environment(aws_sdk_sqs::Client::new(&aws))?;
    run(service_fn(async |event: LambdaEvent<SqsEvent>| {
        let runtime = surroundings(&environment, Stage::Inventory, &event.context);
        let stage = Inventory { database: database.clone(), queue: source.clone(), runtime: &runtime, policy };
        let failed = stage.run(&queue::deliveries(event.payload)).await;
        runtime.flush();
        Ok::<_, Error>(queue::response(failed))
    }))
    .await
}

async fn payment() -> Result<(), Error> {
    let (aws, environment, policy) = consumer().await?;
    let database = DynamoDb::from_environment(aws_sdk_dynamodb::Client::new(&aws))?;
    let source = SqsQueue::from_environment(aws_sdk_sqs::Client::new(&aws))?;
    let gateway = StripeGateway::from_environment(aws_sdk_secretsmanager::Client::new(&aws))?;
    run(service_fn(async |event: LambdaEvent<SqsEvent>| {
        let runtime = surroundings(&environment, Stage::Payment, &event.context);
        let (database, queue) = (database.clone(), source.clone());
        let stage = Payment { database, gateway: &gateway, queue, runtime: &runtime, policy };
        let failed = stage.run(&queue::deliveries(event.payload)).await;
        runtime.flush();
        Ok::<_, Error>(queue::response(failed))
    }))
    .await
}

async fn fulfilment() -> Result<(), Error> {
    let (aws, environment, policy) = consumer().await?;
    let database = DynamoDb::from_environment(aws_sdk_dynamodb::Client::new(&aws))?;
    let source = SqsQueue::from_environment(aws_sdk_sqs::Client::new(&aws))?;
    let gateway = StripeGateway::from_environment(aws_sdk_secretsmanager::Client::new(&aws))?;
    run(service_fn(async |event: LambdaEvent<SqsEvent>| {
        let runtime = surroundings(&environment, Stage::Fulfilment, &event.context);
        let (database, queue) = (database.clone(), source.clone());
        let stage = Fulfilment { database, gateway: &gateway, queue, runtime: &runtime, policy };
        let failed = stage.run(&queue::deliveries(event.payload)).await;
        runtime.flush();
        Ok::<_, Error>(queue::response(failed))
    }))
    .await
}

async fn notify() -> Result<(), Error> {
    let aws = configuration(Retries::ByTheQueue).await;
    let environment = settings::text(variable::ENVIRONMENT_SUFFIX)?;
    let database = DynamoDb::from_environment(aws_sdk_dynamodb::Client::new(&aws))?;
    let notifier = AwsNotifier::from_environment(&aws)?;
    let dead_letters = SqsQueue::from_environment(aws_sdk_sqs::Client::new(&aws))?;
    let channels = channels()?;
    let texts = Texts::compiled_in(&settings::text(variable::RETAILER_NAME)?)?;
    run(service_fn(async |event: LambdaEvent<StreamEvent>| {
        let runtime = surroundings(&environment, Stage::Notify, &event.context);
        let (database, notifier, queue) = (database.clone(), notifier.clone(), dead_letters.clone());
        let (channels, texts) = (&channels, &texts);
        let stage = Notify { database, notifier, queue, runtime: &runtime, channels, texts };
        let failed = stage.run(&stream::records(event.payload)).await;
        runtime.flush();
        Ok::<_, Error>(stream::response(failed))
    }))
    .await
}

async fn query() -> Result<(), Error> {
    let aws = configuration(Retries::ByTheSdk).await;
    let stage = Query { database: DynamoDb::from_environment(aws_sdk_dynamodb::Client::new(&aws))? };
    run(service_fn(async |event: LambdaEvent<ApiGatewayProxyRequest>| {
        let question = http::question(&event.payload).ok_or_else(|| {
            format!("the API has a route that this function does not know: {:?}", event.payload.resource)
        })?;
        Ok::<_, Error>(http::response(&stage.answer(question).await))
    }))
    .await
}

type Consumer = (aws_config::SdkConfig, String, order_handlers::retry::RetryPolicy);

/// What every consumer of a queue needs.
async fn consumer() -> Result<Consumer, Error> {
    let aws = configuration(Retries::ByTheQueue).await;
    Ok((aws, settings::text(variable::ENVIRONMENT_SUFFIX)?, settings::retry_policy()?))
}

fn surroundings(environment: &str, stage: Stage, context: &Context) -> Surroundings {
    // Lambda tells the deadline in milliseconds after 1970; the stage's clock for it must not jump.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let left = Duration::from_millis(context.deadline).saturating_sub(now).saturating_sub(RESERVE);
    Surroundings::new(environment.to_owned(), stage.name(), Instant::now() + left)
}
