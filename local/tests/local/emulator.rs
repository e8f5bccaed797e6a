//! Starts and stops the emulator.

use std::time::Duration;

use local::emulator::{Api, Emulator, EmulatorError, EmulatorOptions, Launch, Request, answers, inventory};
use local::toolchain::TerraformChoice;
use terminal::cancel::Cancel;

use super::toolchain;

async fn options(directory: &tempfile::TempDir) -> EmulatorOptions {
    let python = toolchain(TerraformChoice::Auto).await.python.python();
    EmulatorOptions { python, directory: directory.path().to_owned(), detached: false }
}

#[tokio::test]
async fn it_answers_is_empty_and_leaves_no_process() {
    let directory = tempfile::tempdir().unwrap();
    let emulator = Emulator::start(&options(&directory).await, &Cancel::new()).await.unwrap();
    let (endpoint, group) = (emulator.endpoint().to_owned(), emulator.group().unwrap());
    assert!(answers(&endpoint).await);
    assert_eq!(inventory(&endpoint).await.unwrap(), Vec::<String>::new());
    emulator.stop().await;
    assert!(!answers(&endpoint).await);
    assert!(!group.is_alive());
}

#[tokio::test]
async fn two_run_side_by_side() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (first, second) = (options(&one).await, options(&two).await);
    let cancel = Cancel::new();
    let (first, second) = tokio::join!(Emulator::start(&first, &cancel), Emulator::start(&second, &cancel));
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_ne!(first.endpoint(), second.endpoint());
    first.stop().await;
    assert!(answers(second.endpoint()).await);
    second.stop().await;
}

/// Dropping it closes the supervisor's pipe, as the kernel does when this process is killed.
#[tokio::test]
async fn it_ends_when_its_owner_ends() {
    let directory = tempfile::tempdir().unwrap();
    let emulator = Emulator::start(&options(&directory).await, &Cancel::new()).await.unwrap();
    let (endpoint, group) = (emulator.endpoint().to_owned(), emulator.group().unwrap());
    drop(emulator);
    assert!(group.gone_within(Duration::from_secs(20)).await, "the emulator's processes are still there");
    assert!(!answers(&endpoint).await);
}

#[tokio::test]
async fn a_start_that_is_cancelled_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let cancel = Cancel::new();
    cancel.cancel();
    let error = Emulator::start(&options(&directory).await, &cancel).await.unwrap_err();
    assert!(matches!(error, EmulatorError::Cancelled), "{error}");
}

const CREATE_QUEUE: Request<'static> =
    Request::Json { target: "AmazonSQS.CreateQueue", input: r#"{"QueueName":"orders"}"# };
const LIST_QUEUES: Request<'static> = Request::Json { target: "AmazonSQS.ListQueues", input: "{}" };

#[tokio::test]
async fn a_halted_emulator_resumes_at_the_same_address_with_its_state() {
    let directory = tempfile::tempdir().unwrap();
    let launch = Launch::new(options(&directory).await).keeping_state(true);
    let emulator = launch.start(&Cancel::new()).await.unwrap();
    let (endpoint, group) = (emulator.endpoint().to_owned(), emulator.group().unwrap());
    Api::new(&endpoint).unwrap().call("sqs", CREATE_QUEUE).await.unwrap();
    emulator.halt().await.unwrap();
    assert!(!group.is_alive() && !answers(&endpoint).await);
    emulator.resume(&Cancel::new()).await.unwrap();
    assert_eq!(emulator.endpoint(), endpoint);
    let queues = Api::new(&endpoint).unwrap().call("sqs", LIST_QUEUES).await.unwrap();
    assert!(queues.contains("/orders"), "{queues}");
    let group = emulator.group().unwrap();
    emulator.stop().await;
    assert!(!group.is_alive());
}

#[tokio::test]
async fn an_emulator_without_saved_state_cannot_be_halted() {
    let directory = tempfile::tempdir().unwrap();
    let emulator = Emulator::start(&options(&directory).await, &Cancel::new()).await.unwrap();
    let error = emulator.halt().await.unwrap_err();
    assert!(matches!(error, EmulatorError::KeepsNoState), "{error}");
    assert!(answers(emulator.endpoint()).await);
    emulator.stop().await;
}
