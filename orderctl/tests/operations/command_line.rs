//! Runs the `orderctl` executable as a script does, and checks its output and exit codes.
//!
//! The emulator replaces AWS: endpoint and keys come from the environment variables that every AWS tool reads.

use std::path::Path;
use std::process::{Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::process::Command;

use crate::pipeline::{Pipeline, until};

fn command(pipeline: &Pipeline, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orderctl"));
    command
        .args(arguments)
        .args(["--suffix", "local"])
        .env_clear()
        .env("AWS_ENDPOINT_URL", &pipeline.connection.endpoint)
        .env("AWS_ACCESS_KEY_ID", &pipeline.connection.access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", &pipeline.connection.secret_access_key)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

async fn run(pipeline: &Pipeline, arguments: &[&str]) -> Output {
    command(pipeline, arguments).output().await.unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn printed(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn list_exits_with_one_if_there_are_messages_and_redrive_with_zero() {
    let pipeline = Pipeline::start().await;
    let empty = run(&pipeline, &["dlq", "list", "--json"]).await;
    assert_eq!((code(&empty), printed(&empty)[1]["messages"].as_u64()), (0, Some(0)));
    pipeline.dead_letter("payment-dlq", "ord-1", "REQUEST_REFUSED").await;
    let listed = run(&pipeline, &["dlq", "list", "--json"]).await;
    assert_eq!(code(&listed), 1);
    assert_eq!(printed(&listed)[1]["groups"][0]["reason"], "REQUEST_REFUSED");

    let redriven = run(&pipeline, &["dlq", "redrive", "--all", "--json"]).await;
    assert_eq!(code(&redriven), 0, "{}", String::from_utf8_lossy(&redriven.stderr));
    let payment = &printed(&redriven)[1];
    assert_eq!((payment["moved"].as_u64(), payment["to"].as_str()), (Some(1), Some("payment-queue")));
    // Without --by the record has the caller's AWS identity.
    assert!(payment["by"].as_str().unwrap().starts_with("arn:aws:"), "{payment}");
    assert_eq!(code(&run(&pipeline, &["dlq", "show", "shipping"]).await), 2);

    // A discard needs a filter.
    pipeline.dead_letter("payment-dlq", "ord-2", "ILLEGAL_COMMAND").await;
    assert_eq!(code(&run(&pipeline, &["dlq", "discard", "payment-dlq"]).await), 2);
    assert_eq!(pipeline.visible("payment-dlq").await, 1);
    let discarded = run(&pipeline, &["dlq", "discard", "payment-dlq", "--order", "ord-2", "--json"]).await;
    assert_eq!((code(&discarded), printed(&discarded)[0]["moved"].as_u64()), (0, Some(1)));
    assert_eq!(pipeline.visible("payment-dlq").await, 0);
    pipeline.stop().await;
}

#[tokio::test]
async fn ctrl_c_stops_a_redrive_with_a_summary_and_130() {
    let pipeline = Pipeline::start().await;
    for number in 0..40 {
        pipeline.dead_letter("payment-dlq", &format!("ord-{number}"), "A").await;
    }
    let redrive = command(&pipeline, &["dlq", "redrive", "payment-dlq", "--rate", "5", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = Pid::from_raw(redrive.id().unwrap().try_into().unwrap()).unwrap();
    until("a message moved", async || pipeline.visible("payment-queue").await, |moved| *moved >= 2).await;
    kill_process(pid, Signal::INT).unwrap();
    let output = redrive.wait_with_output().await.unwrap();
    assert_eq!(code(&output), 130, "{}", String::from_utf8_lossy(&output.stderr));
    let summary = &printed(&output)[0];
    let (left, moved) = (pipeline.visible("payment-dlq").await, pipeline.visible("payment-queue").await);
    assert_eq!((summary["moved"].as_u64(), left + moved), (Some(moved), 40));
    assert_eq!(summary["interrupted"], true);
    pipeline.stop().await;
}

fn sheet(directory: &Path, rows: &str) -> String {
    let path = directory.join("stock.csv");
    std::fs::write(&path, format!("sku,name,unit_price_minor,currency,vat_percent,units,shards\n{rows}")).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_bad_row_is_reported_with_its_line_and_nothing_is_imported() {
    let pipeline = Pipeline::start().await;
    let directory = tempfile::tempdir().unwrap();
    let bad = sheet(directory.path(), "TEA,Tea,749,GBP,20,12,1\nMUG,Mug,1250,GBP,20,-7,1\n");
    let refused = run(&pipeline, &["stock", "import", &bad]).await;
    assert_eq!(code(&refused), 1);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("line 3, column units: `-7` is negative"), "{said}");
    let nothing = run(&pipeline, &["stock", "show", "--json"]).await;
    assert_eq!((code(&nothing), printed(&nothing)), (0, serde_json::json!([])));

    let good = sheet(directory.path(), "TEA,Tea,749,GBP,20,12,2\n");
    assert_eq!(code(&run(&pipeline, &["stock", "import", &good]).await), 0);
    assert_eq!(code(&run(&pipeline, &["stock", "set", "TEA", "--units", "30", "--shards", "1"]).await), 0);
    assert_eq!(code(&run(&pipeline, &["stock", "add", "TEA", "--units", "3"]).await), 0);
    let shown = run(&pipeline, &["stock", "show", "TEA", "NONE", "--json"]).await;
    assert_eq!((code(&shown), printed(&shown)[0]["free"].as_u64()), (1, Some(33)));
    assert_eq!(code(&run(&pipeline, &["stock", "set", "TEA", "--units", "-1"]).await), 2);
    pipeline.stop().await;
}

#[tokio::test]
async fn an_incomplete_replay_exits_with_one() {
    let pipeline = Pipeline::start().await;
    pipeline.deploy_notify().await;
    pipeline.store_event("ord-1", 1, "2026-11-20T08:30:00Z", "m").await;
    pipeline.store_event("ord-1", 2, "2026-11-20T08:30:01Z", "fail").await;
    let window = ["replay", "--since", "2026-11-20T08:00:00Z", "--until", "2026-11-20T08:30:00Z", "--json"];
    let published = run(&pipeline, &window).await;
    assert_eq!((code(&published), printed(&published)["done"].as_u64()), (0, Some(1)));
    let failed = run(&pipeline, &["replay", "--order", "ord-1", "--json"]).await;
    assert_eq!((code(&failed), printed(&failed)["failed"][0]["sequence"].as_u64()), (1, Some(2)));
    assert_eq!(code(&run(&pipeline, &["replay", "--since", "1h", "--until", "2h"]).await), 2);
    pipeline.stop().await;
}
