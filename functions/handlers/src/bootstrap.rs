//! The one binary of every function: the handler's name picks the stage.

// The stages' futures hold the SDK's, which nest deeper than the compiler's default allows.
#![recursion_limit = "256"]

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aws_config::SdkConfig;
use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use aws_lambda_events::dynamodb::Event as StreamEvent;
use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use order_contract::{timeout, variable};
use order_domain::stage::Stage;
use order_handlers::adapters::aws::{Retries, configuration};
use order_handlers::adapters::dynamodb::DynamoDb;
use order_handlers::adapters::lambda_context::LambdaContext;
use order_handlers::adapters::notifier::{AwsNotifier, channels};
use order_handlers::adapters::settings;
use order_handlers::adapters::sqs::SqsQueue;
use order_handlers::adapters::stripe::StripeAccount;
use order_handlers::adapters::webhooks::StripeWebhooks;
use order_handlers::batch::Delivery;
use order_handlers::consumer::StageContext;
use order_handlers::failure::chain;
use order_handlers::lambda::{http, queue, stream};
use order_handlers::stages::contact::Contact;
use order_handlers::stages::fulfilment::Fulfilment;
use order_handlers::stages::inventory::Inventory;
use order_handlers::stages::notify::Notify;
use order_handlers::stages::payment::Payment;
use order_handlers::stages::query::Query;
use order_handlers::stages::reconcile::Reconcile;
use order_handlers::stages::validate::Validate;
use order_handlers::texts::Texts;

#[tokio::main]
async fn main() -> Result<(), Error> {
    start_logging();
    let handler = std::env::var("_HANDLER").unwrap_or_default();
    let Some(stage) = Stage::from_name(&handler) else {
        let names = Stage::ALL.iter().map(|stage| stage.name()).collect::<Vec<_>>().join(", ");
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

/// The table of the stages: what each one needs beside the context that all of them have.
async fn serve(stage: Stage) -> Result<(), Error> {
    match stage {
        Stage::Validate => {
            consume(stage, &aws().await, async |context, batch| Validate { context }.run(batch).await).await
        }
        Stage::Inventory => {
            consume(stage, &aws().await, async |context, batch| Inventory { context }.run(batch).await).await
        }
        Stage::Payment => {
            let aws = aws().await;
            let stripe = StripeAccount::from_environment(aws_sdk_secretsmanager::Client::new(&aws))?;
            consume(stage, &aws, async |context, batch| {
                let gateway = stripe.gateway(context.runtime);
                Payment { context, gateway }.run(batch).await
            })
            .await
        }
        Stage::Fulfilment => {
            let aws = aws().await;
            let stripe = StripeAccount::from_environment(aws_sdk_secretsmanager::Client::new(&aws))?;
            consume(stage, &aws, async |context, batch| {
                let gateway = stripe.gateway(context.runtime);
                Fulfilment { context, gateway }.run(batch).await
            })
            .await
        }
        Stage::Contact => {
            let aws = aws().await;
            let notifier = AwsNotifier::from_environment(&aws)?;
            let (channels, texts) = (channels()?, texts()?);
            consume(stage, &aws, async |context, batch| {
                Contact { context, notifier: notifier.clone(), channels: &channels, texts: &texts }.run(batch).await
            })
            .await
        }
        Stage::Reconcile => {
            let aws = aws().await;
            let webhooks = StripeWebhooks::from_environment(aws_sdk_secretsmanager::Client::new(&aws))?;
            consume(stage, &aws, async |context, batch| Reconcile { context, webhooks: &webhooks }.run(batch).await)
                .await
        }
        Stage::Notify => notify().await,
        Stage::Query => query().await,
    }
}

/// Serves a stage behind a queue: `work` gets the batch, and the context that every such stage has.
async fn consume(
    stage: Stage,
    aws: &SdkConfig,
    work: impl AsyncFn(StageContext<DynamoDb, SqsQueue, &LambdaContext>, &[Delivery]) -> Vec<String>,
) -> Result<(), Error> {
    let environment = settings::text(variable::ENVIRONMENT_SUFFIX)?;
    let tables = DynamoDb::from_environment(aws_sdk_dynamodb::Client::new(aws))?;
    let queues = SqsQueue::from_environment(aws_sdk_sqs::Client::new(aws))?;
    let policy = settings::retry_policy()?;
    run(service_fn(async |event: LambdaEvent<SqsEvent>| {
        let runtime = lambda_context(&environment, stage, &event.context);
        let batch = queue::deliveries(event.payload);
        let context = StageContext { database: tables.clone(), queue: queues.clone(), runtime: &runtime, policy };
        let failed = work(context, &batch).await;
        runtime.flush();
        Ok::<_, Error>(queue::response(&batch, failed)?)
    }))
    .await
}

async fn notify() -> Result<(), Error> {
    let aws = aws().await;
    let environment = settings::text(variable::ENVIRONMENT_SUFFIX)?;
    let database = DynamoDb::from_environment(aws_sdk_dynamodb::Client::new(&aws))?;
    let notifier = AwsNotifier::from_environment(&aws)?;
    let queues = SqsQueue::from_environment(aws_sdk_sqs::Client::new(&aws))?;
    let channels = channels()?;
    run(service_fn(async |event: LambdaEvent<StreamEvent>| {
        let runtime = lambda_context(&environment, Stage::Notify, &event.context);
        let (database, notifier, queue) = (database.clone(), notifier.clone(), queues.clone());
        let stage = Notify { database, notifier, queue, runtime: &runtime, channels: &channels };
        let records = stream::records(event.payload);
        let failed = stage.run(&records).await;
        runtime.flush();
        Ok::<_, Error>(stream::response(&records, failed)?)
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

/// AWS for a function whose source retries.
async fn aws() -> SdkConfig {
    configuration(Retries::ByTheQueue).await
}

/// The customers' messages.
fn texts() -> Result<Texts, Error> {
    let (retailer, support) = (settings::text(variable::RETAILER_NAME)?, settings::text(variable::SUPPORT_CONTACT)?);
    Ok(Texts::compiled_in(&retailer, &support)?)
}

fn lambda_context(environment: &str, stage: Stage, context: &lambda_runtime::Context) -> LambdaContext {
    // Lambda tells the deadline in milliseconds after 1970; the stage's clock for it must not jump.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let left = Duration::from_millis(context.deadline).saturating_sub(now).saturating_sub(timeout::END_OF_BATCH);
    LambdaContext::new(environment.to_owned(), stage.name(), Instant::now() + left)
}
