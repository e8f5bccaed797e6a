//! The house rules for every generated document: names, tags, encryption, destroyability, alarms.

use std::collections::{BTreeMap, BTreeSet};

use generator::terraform::{Declared, Module};
use serde_json::Value;

use crate::support::{address, of_type, resources, roots};

/// The arguments that name a resource at AWS.
const NAMES: [&str; 10] = [
    "alarm_name",
    "dashboard_name",
    "event_destination_name",
    // After the destination's, which names its set too.
    "configuration_set_name",
    "function_name",
    "group_name",
    "name",
    "rule_name",
    "secret_name",
    "topic_name",
];

/// The keys of a map variable that a text refers to: `var.queue_names["payment-queue"]` refers to `payment-queue`.
fn keys_of(map: &str, value: &Value) -> BTreeSet<String> {
    let text = value.to_string();
    let start = format!("var.{map}[\\\"");
    text.split(&start).skip(1).filter_map(|rest| rest.split("\\\"").next()).map(str::to_owned).collect()
}

#[test]
fn every_name_at_aws_ends_in_the_environments_suffix() {
    // Their names are the API's own, and the API's name ends in the suffix. A permission's function is named elsewhere.
    let without = ["aws_api_gateway_model", "aws_lambda_event_source_mapping", "aws_lambda_permission"];
    let named = resources().into_iter().filter(|(_, resource)| !without.contains(&resource.type_name.as_str()));
    let wrong: Vec<_> = named
        .filter_map(|each| {
            let name = NAMES.iter().find_map(|argument| each.1.body.get(*argument)?.as_str().map(str::to_owned))?;
            (!name.ends_with("-${var.environment_suffix}")).then(|| format!("{}: {name}", address(&each)))
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn everything_is_tagged_with_its_environment_and_application() {
    for root in roots() {
        let files = root.files().unwrap();
        let file = files.iter().find(|file| file.path.ends_with("providers.tf.json")).unwrap();
        let document: Value = serde_json::from_str(&file.content).unwrap();
        let tags = &document["provider"]["aws"]["default_tags"][0]["tags"];
        assert_eq!(tags["Environment"], root.name());
        assert_eq!(tags["Application"], "order-pipeline");
    }
    // The provider's default tags reach every resource that takes tags and does not set its own.
    let own: Vec<_> = resources().iter().filter(|(_, it)| it.body.contains_key("tags")).map(address).collect();
    assert!(own.is_empty(), "{own:?} would hide the provider's default tags");
}

#[test]
fn nothing_stands_in_the_way_of_destroy() {
    for each in resources() {
        let (_, resource) = &each;
        let text = Value::Object(resource.body.clone()).to_string();
        for word in ["prevent_destroy", "skip_destroy", "retain_on_delete"] {
            assert!(!text.contains(word), "{} has {word}", address(&each));
        }
        assert_ne!(resource.body.get("deletion_protection_enabled"), Some(&true.into()), "{}", address(&each));
        match resource.type_name.as_str() {
            "aws_secretsmanager_secret" => assert_eq!(resource.body["recovery_window_in_days"], 0),
            "aws_kms_key" => assert_eq!(resource.body["deletion_window_in_days"], 7),
            _ => {}
        }
    }
}

#[test]
fn what_holds_customers_data_is_encrypted_and_can_be_restored() {
    for (name, queue) in of_type("aws_sqs_queue") {
        assert_eq!(queue.body["sqs_managed_sse_enabled"], true, "{name}");
    }
    for (name, topic) in of_type("aws_sns_topic") {
        assert_eq!(topic.body["kms_master_key_id"], "${aws_kms_key.topics_key.arn}", "{name}");
    }
    for (name, table) in of_type("aws_dynamodb_table") {
        assert_eq!(table.body["server_side_encryption"][0]["enabled"], true, "{name}");
        assert_eq!(table.body["point_in_time_recovery"][0]["enabled"], true, "{name}");
    }
    assert_eq!(of_type("aws_kms_key")["topics_key"].body["enable_key_rotation"], true);
}

#[test]
fn every_log_group_is_ours_and_forgets() {
    let groups = of_type("aws_cloudwatch_log_group");
    for (name, group) in &groups {
        assert_eq!(group.body["retention_in_days"], "${var.log_retention_days}", "{name}");
    }
    for (name, function) in of_type("aws_lambda_function") {
        let group = format!("${{aws_cloudwatch_log_group.{name}.name}}");
        assert_eq!(function.body["logging_config"][0]["log_group"], group.as_str());
        assert!(groups.contains_key(&name), "{name}");
    }
}

#[test]
fn every_queue_has_a_dead_letter_queue_that_keeps_messages_longer() {
    let queues = of_type("aws_sqs_queue");
    let (dead_letter, work): (BTreeMap<_, _>, BTreeMap<_, _>) =
        queues.into_iter().partition(|(_, queue)| queue.body.contains_key("redrive_allow_policy"));
    for (name, queue) in &work {
        let redrive = queue.body["redrive_policy"].as_str().unwrap();
        let (target, of) = dead_letter
            .iter()
            .find(|(target, _)| redrive.contains(&format!("aws_sqs_queue.{target}.arn")))
            .unwrap_or_else(|| panic!("{name} has no dead-letter queue: {redrive}"));
        let seconds = |queue: &Declared| queue.body["message_retention_seconds"].as_u64().unwrap();
        assert!(seconds(of) > seconds(queue), "{target} forgets sooner than {name}");
    }
}

#[test]
fn a_message_stays_hidden_for_six_times_its_functions_timeout() {
    let (queues, functions) = (of_type("aws_sqs_queue"), of_type("aws_lambda_function"));
    let mut checked = 0;
    for (name, mapping) in of_type("aws_lambda_event_source_mapping") {
        let timeout = functions[&name].body["timeout"].as_u64().unwrap();
        for queue in keys_of("queue_arns", &mapping.body["event_source_arn"]) {
            let visibility = queues[&queue.replace('-', "_")].body["visibility_timeout_seconds"].as_u64().unwrap();
            assert!(visibility >= 6 * timeout, "{queue}: {visibility} s for a timeout of {timeout} s");
            checked += 1;
        }
    }
    assert_eq!(checked, pipeline_queues(), "a queue has no mapping");
}

#[test]
fn every_event_source_has_a_bound_on_what_runs_at_the_same_time() {
    let module = generator::modules::functions::define().module;
    let bounds =
        module.variables().find(|variable| variable.name() == "maximum_concurrency").unwrap().default().unwrap();
    for (name, mapping) in of_type("aws_lambda_event_source_mapping") {
        let of_queue = mapping.body.get("scaling_config").and_then(|scaling| {
            let key = keys_of("maximum_concurrency", &scaling[0]["maximum_concurrency"]).pop_first()?;
            assert_eq!(key, name.replace("_function", "-queue"), "the bound is another queue's");
            bounds[key].as_u64()
        });
        let of_stream = mapping.body.get("parallelization_factor").and_then(Value::as_u64);
        let bound = of_queue.or(of_stream).unwrap_or_else(|| panic!("{name} has none"));
        // Lambda takes no less than 2 for a queue, and a new account has ten to share.
        assert!((1..=20).contains(&bound) && (of_stream.is_some() || bound >= 2), "{name}: {bound}");
    }
}

#[test]
fn every_mapping_reports_the_messages_that_failed() {
    for (name, mapping) in of_type("aws_lambda_event_source_mapping") {
        assert_eq!(mapping.body["function_response_types"][0], "ReportBatchItemFailures", "{name}");
    }
}

/// What exists less what is alarmed on: an alarm that somebody forgot is a name in this list.
#[test]
fn nothing_is_without_its_alarms() {
    let mut missing = BTreeSet::new();
    let alarms = of_type("aws_cloudwatch_metric_alarm");
    let watched = |map: &str, key: &str, metric: &str| {
        alarms
            .values()
            .any(|alarm| alarm.body["metric_name"] == metric && keys_of(map, &alarm.body["dimensions"]).contains(key))
    };
    for (name, queue) in of_type("aws_sqs_queue") {
        let key = name.replace('_', "-");
        let is_dead_letter_queue = queue.body.contains_key("redrive_allow_policy");
        let metric =
            if is_dead_letter_queue { "ApproximateNumberOfMessagesVisible" } else { "ApproximateAgeOfOldestMessage" };
        if !watched("queue_names", &key, metric) {
            missing.insert(format!("{key}: {metric}"));
        }
    }
    for (name, _) in of_type("aws_lambda_function") {
        let key = name.replace('_', "-");
        for metric in ["Errors", "Throttles"] {
            if !watched("function_names", &key, metric) {
                missing.insert(format!("{key}: {metric}"));
            }
        }
    }
    for (name, mapping) in of_type("aws_lambda_event_source_mapping") {
        let key = name.replace('_', "-");
        if mapping.body.contains_key("starting_position") && !watched("function_names", &key, "IteratorAge") {
            missing.insert(format!("{key}: IteratorAge"));
        }
    }
    for (name, _) in of_type("aws_scheduler_schedule") {
        let silence = alarms.get(&format!("{name}_silent_alarm"));
        if !silence.is_some_and(|alarm| alarm.body["comparison_operator"] == "LessThanThreshold") {
            missing.insert(format!("{name}: silence"));
        }
    }
    for (name, rule) in of_type("aws_cloudwatch_event_rule") {
        let fails = |alarm: &Declared| {
            alarm.body["metric_name"] == "FailedInvocations"
                && alarm.body["dimensions"]["RuleName"] == rule.body["name"]
        };
        if !alarms.values().any(fails) {
            missing.insert(format!("{name}: FailedInvocations"));
        }
    }
    assert!(missing.is_empty(), "without an alarm: {missing:#?}");

    for (name, alarm) in alarms {
        assert_eq!(alarm.body["alarm_actions"][0], "${var.alarms_topic_arn}", "{name}");
        assert!(alarm.body["alarm_description"].as_str().unwrap().len() > 40, "{name} says too little");
    }
}

#[test]
fn an_environment_gives_what_the_operations_rely_on() {
    let expected = BTreeSet::from([
        "alarms_topic_arn",
        "api_endpoint",
        "api_id",
        "api_stage",
        "dashboard_name",
        "function_names",
        "inventory_table_name",
        "log_group_names",
        "orders_table_name",
        "payment_secret_arn",
        "queue_urls",
        "topic_arns",
        "webhook_secret_arn",
    ]);
    for root in roots() {
        let outputs: BTreeSet<_> = root.outputs().map(|output| output.name().to_owned()).collect();
        assert_eq!(outputs, expected.iter().map(|name| (*name).to_owned()).collect());
    }
}

#[test]
fn only_an_emulators_environment_can_be_pointed_elsewhere_or_used_without_tls() {
    for (environment, root) in crate::support::environments().iter().zip(roots()) {
        let text: String = root.files().unwrap().iter().map(|file| file.content.as_str()).collect();
        for relaxed in ["aws_endpoint", "skip_credentials_validation", "\"require_tls\": false"] {
            assert_eq!(text.contains(relaxed), environment.emulator, "{}: {relaxed}", root.name());
        }
    }
}

#[test]
fn the_same_description_gives_the_same_files() {
    let render = |modules: Vec<Module>| modules.iter().flat_map(|module| module.files().unwrap()).collect::<Vec<_>>();
    assert_eq!(render(generator::modules::all()), render(generator::modules::all()));
    assert_eq!(render(roots()), render(roots()));
}

/// The stages that a queue feeds, by the pipeline's description.
fn pipeline_queues() -> usize {
    generator::pipeline::stages().iter().filter(|stage| stage.queue().is_some()).count()
}
