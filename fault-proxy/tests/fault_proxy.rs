//! The fault proxy between a client and a small server: it forwards requests unchanged, and its errors have the formats of
//! AWS and Stripe.

#![expect(
    clippy::unwrap_used,
    reason = "in a test a panic is the report; clippy does not see that helpers are tests too"
)]

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::IntoResponse;
use deployed::client::http_client;
use fault_proxy::{Fault, FaultPlan, FaultProxy, Rule};

/// A received request: method, target, host, body.
type Got = (String, String, String, String);

#[derive(Debug, Default)]
struct Upstream {
    got: Mutex<Vec<Got>>,
}

async fn answer(
    State(upstream): State<Arc<Upstream>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> impl IntoResponse {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let got = (method.to_string(), uri.to_string(), text(headers["host"].as_bytes()), text(&body));
    upstream.got.lock().unwrap().push(got);
    (StatusCode::CREATED, [("x-of-the-server", "yes")], "{}")
}

struct Bench {
    upstream: Arc<Upstream>,
    proxy: FaultProxy,
    http: reqwest::Client,
}

impl Bench {
    async fn set_up() -> Self {
        let upstream = Arc::new(Upstream::default());
        let router = Router::new().fallback(answer).with_state(Arc::clone(&upstream));
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let http = http_client(Duration::from_secs(5)).unwrap();
        Self { upstream, proxy: FaultProxy::before(&url).await.unwrap(), http }
    }

    async fn ask(&self, target: &str) -> reqwest::Result<reqwest::Response> {
        self.http.post(format!("{}{target}", self.proxy.url())).body("a=b").send().await
    }

    fn got(&self) -> usize {
        self.upstream.got.lock().unwrap().len()
    }

    fn always(&self, fault: Fault) {
        self.proxy.set(FaultPlan::only(Rule::always(fault)));
    }

    fn aws(&self) -> aws_config::SdkConfig {
        let credentials = aws_credential_types::Credentials::from_keys("test", "test", None);
        aws_config::SdkConfig::builder()
            .behavior_version(aws_config::BehaviorVersion::latest())
            .region(aws_config::Region::from_static("eu-west-2"))
            .endpoint_url(self.proxy.url())
            .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(credentials))
            .retry_config(aws_config::retry::RetryConfig::disabled())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build()
    }
}

#[tokio::test]
async fn without_a_fault_the_request_is_unchanged_including_its_host() {
    let bench = Bench::set_up().await;
    let url = format!("{}/v1/refunds?x=%2F&y", bench.proxy.url());
    let response = bench.http.put(url).header("Host", "dynamodb.example:1").body("a=b").send().await.unwrap();
    assert_eq!((response.status().as_u16(), &response.headers()["x-of-the-server"]), (201, &"yes".parse().unwrap()));
    assert_eq!(response.text().await.unwrap(), "{}");
    let expected = ("PUT", "/v1/refunds?x=%2F&y", "dynamodb.example:1", "a=b");
    let got = bench.upstream.got.lock().unwrap()[0].clone();
    assert_eq!((got.0.as_str(), got.1.as_str(), got.2.as_str(), got.3.as_str()), expected);
    assert_eq!((bench.proxy.counts().requests, bench.proxy.counts().faults()), (1, 0));
}

#[tokio::test]
async fn a_failed_request_takes_no_effect_and_faults_can_be_cleared() {
    let bench = Bench::set_up().await;
    bench.always(Fault::Error { status: 503 });
    assert_eq!(bench.ask("/").await.unwrap().status(), 503);
    assert_eq!(bench.got(), 0);
    bench.proxy.clear();
    assert_eq!(bench.ask("/").await.unwrap().status(), 201);
    let counts = bench.proxy.counts();
    assert_eq!((counts.requests, counts.injected["error"], counts.unreachable), (2, 1, 0));
}

#[tokio::test]
async fn a_lost_answer_takes_effect_and_ends_the_connection() {
    let bench = Bench::set_up().await;
    bench.always(Fault::LostAnswer);
    let lost = bench.ask("/v1/refunds").await;
    assert!(lost.is_err(), "{lost:?}");
    assert_eq!(bench.got(), 1);
    assert_eq!(bench.proxy.counts().injected_into[&("/v1/refunds".to_owned(), "lost answer")], 1);
}

#[tokio::test]
async fn a_slow_request_takes_effect_even_if_the_caller_disconnects() {
    let bench = Bench::set_up().await;
    bench.always(Fault::Slow { by: Duration::from_millis(200) });
    let began = Instant::now();
    assert_eq!(bench.ask("/").await.unwrap().status(), 201);
    assert!(began.elapsed() >= Duration::from_millis(200), "{:?}", began.elapsed());

    bench.always(Fault::Slow { by: Duration::from_secs(2) });
    let url = format!("{}/", bench.proxy.url());
    let impatient = bench.http.post(url).timeout(Duration::from_millis(500)).send().await;
    assert!(impatient.unwrap_err().is_timeout());
    let deadline = Instant::now() + Duration::from_secs(30);
    while bench.got() < 2 {
        assert!(Instant::now() < deadline, "{} requests reached the server", bench.got());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_share_of_the_requests_fails_and_the_seed_decides_which() {
    let bench = Bench::set_up().await;
    let mut runs = Vec::new();
    for seed in [7, 7, 8] {
        bench.proxy.set(FaultPlan::new(seed, vec![Rule::for_share(Fault::Error { status: 500 }, 0.3)]));
        let mut run = Vec::new();
        for _ in 0..100 {
            run.push(bench.ask("/").await.unwrap().status().as_u16());
        }
        runs.push(run);
    }
    let failed = runs[0].iter().filter(|status| **status == 500).count();
    assert!((15..=45).contains(&failed), "{failed} of 100");
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
}

#[tokio::test]
async fn the_aws_sdk_reads_errors_of_both_protocols_and_rules_match_service_and_action() {
    let bench = Bench::set_up().await;
    let (dynamodb, sns) = (aws_sdk_dynamodb::Client::new(&bench.aws()), aws_sdk_sns::Client::new(&bench.aws()));
    bench.proxy.set(FaultPlan::new(
        0,
        vec![
            Rule::always(Fault::Throttled).of_service("dynamodb").of_action("ListTables"),
            Rule::always(Fault::Error { status: 500 }).of_service("sns").of_action("ListTopics"),
        ],
    ));
    let throttled = dynamodb.list_tables().send().await.unwrap_err();
    assert_eq!(throttled.code(), Some("ThrottlingException"), "{throttled:?}");
    let failed = sns.list_topics().send().await.unwrap_err();
    assert_eq!(failed.code(), Some("InternalServerError"), "{failed:?}");
    assert_eq!(bench.got(), 0);
    dynamodb.describe_limits().send().await.unwrap();
    assert_eq!(bench.got(), 1);
    let counts = bench.proxy.counts();
    assert_eq!(counts.injected_into[&("ListTables".to_owned(), "throttled")], 1);
    assert_eq!(counts.injected_into[&("ListTopics".to_owned(), "error")], 1);
}

#[tokio::test]
async fn without_an_upstream_the_proxy_answers_502() {
    let http = http_client(Duration::from_secs(5)).unwrap();
    let proxy = FaultProxy::start().await.unwrap();
    for _ in 0..2 {
        assert_eq!(http.get(proxy.url()).send().await.unwrap().status(), 502);
        // No server listens on port 1.
        proxy.set_upstream("http://127.0.0.1:1");
    }
    assert_eq!(proxy.counts().unreachable, 2);
}

#[tokio::test]
async fn a_stopped_proxy_refuses_connections_and_restarts_at_the_same_address() {
    let bench = Bench::set_up().await;
    assert_eq!(bench.ask("/").await.unwrap().status(), 201);
    // The client may reuse its old connection, which must not be served either.
    bench.proxy.go_down().await;
    let refused = bench.ask("/").await.unwrap_err();
    assert!(refused.is_connect(), "{refused:?}");
    assert_eq!(bench.got(), 1);
    bench.proxy.come_back().await.unwrap();
    assert_eq!(bench.ask("/").await.unwrap().status(), 201);
    assert_eq!(bench.proxy.counts().requests, 2);
}
