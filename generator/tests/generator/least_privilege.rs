//! No permission is wider than what it is for. A wildcard has to stand in the list here, with its reason.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::support::{address, resources};

/// Every wildcard in a policy: where it is, how it is written, and why it cannot be narrower.
const WILDCARDS: [(&str, &str, &str); 12] = [
    ("api.aws_iam_role_policy.logging", "\"Resource\" = \"*\"", "API Gateway refuses a narrower role for its logs"),
    ("functions.aws_iam_role_policy.*_function", ".arn}:*\"", "the streams of the function's own log group"),
    ("functions.aws_iam_role_policy.*_function_xray", "\"Resource\" = \"*\"", "X-Ray's actions know no resource"),
    ("functions.aws_iam_role_policy.notify_function", "/stream/*\"", "streams are listed by table, not by stream"),
    (
        "functions.aws_iam_role_policy.contact_function_email_emulator",
        "\"Resource\" = \"*\"",
        "the emulator asks for the sending of mail without a resource; AWS never has this policy",
    ),
    ("functions.aws_iam_role_policy.contact_function_push", ":endpoint/*\"", "every customer's device is one"),
    (
        "functions.aws_iam_role_policy.contact_function_sms",
        ":sns:*:*:*\"",
        "all topics, which are excluded: a number has no ARN",
    ),
    ("queues.aws_sqs_queue.*", "\"sqs:*\"", "forbids, without TLS"),
    ("queues.aws_sqs_queue.*", "\"AWS\" = \"*\"", "forbids everybody"),
    ("topics.aws_kms_key.topics_key", "\"Resource\" = \"*\"", "a key's policy is about that key"),
    ("topics.aws_kms_key.topics_key", "\"kms:*\"", "the account's own policies decide who uses its key"),
    ("topics.aws_sns_topic.*", "\"AWS\" = \"*\"", "forbids everybody"),
];

/// The documents of a resource that say who may do what.
const POLICIES: [&str; 2] = ["assume_role_policy", "policy"];

fn fits(pattern: &str, address: &str) -> bool {
    match pattern.split_once('*') {
        Some((start, end)) => address.starts_with(start) && address.ends_with(end),
        None => pattern == address,
    }
}

/// The quoted texts with a star in a policy, each with the little before it that says what it is.
fn wildcards(policy: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in policy.match_indices("*\"") {
        let start = policy[..at].rfind(['"', '}']).unwrap_or(0);
        let from = policy[..start].rfind(['{', ',', '[']).map_or(0, |from| from + 1);
        found.insert(policy[from..at + 2].trim().to_owned());
    }
    found
}

#[test]
fn every_wildcard_in_a_policy_is_known_and_has_a_reason() {
    let mut unknown = Vec::new();
    let mut used = BTreeSet::new();
    for each in resources() {
        let address = address(&each);
        for policy in POLICIES.iter().filter_map(|argument| each.1.body.get(*argument)).filter_map(Value::as_str) {
            for wildcard in wildcards(policy) {
                let known = WILDCARDS
                    .iter()
                    .position(|(pattern, written, _)| fits(pattern, &address) && wildcard.ends_with(written));
                match known {
                    Some(index) => drop(used.insert(index)),
                    None => unknown.push(format!("{address}: {wildcard}")),
                }
            }
        }
    }
    assert!(unknown.is_empty(), "wildcards without a reason: {unknown:#?}");
    let stale: Vec<_> = (0..WILDCARDS.len()).filter(|index| !used.contains(index)).collect();
    assert!(
        stale.is_empty(),
        "no longer written: {:?}",
        stale.iter().map(|index| WILDCARDS[*index]).collect::<Vec<_>>()
    );
}

/// P7: elsewhere the Terraform could not be validated, and one role served all functions.
#[test]
fn every_function_has_a_role_of_its_own() {
    let mut roles = BTreeMap::new();
    for (_, function) in resources().into_iter().filter(|(_, resource)| resource.type_name == "aws_lambda_function") {
        let role = function.body["role"].as_str().unwrap().to_owned();
        let other = roles.insert(role, function.name.clone());
        assert_eq!(other, None, "{} shares its role", function.name);
    }
}

#[test]
fn the_query_function_can_change_nothing() {
    let policies = resources();
    let (_, policy) = policies
        .iter()
        .find(|(_, resource)| resource.type_name == "aws_iam_role_policy" && resource.name == "query_function")
        .unwrap();
    let text = policy.body["policy"].as_str().unwrap();
    for word in ["Put", "Update", "Delete", "Write", "Send", "Publish"] {
        assert!(!text.replace("logs:PutLogEvents", "").contains(&format!(":{word}")), "{word} in {text}");
    }
}
