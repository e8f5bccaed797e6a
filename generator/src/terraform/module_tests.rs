//! What a module's document says, and which mistakes it reports.

use serde_json::{Value as JsonValue, json};

use super::{Literal, Module, ModuleError, Reference, Resource, Value, Variable, block_when, kind};
use crate::aws::lambda_function::{Environment, TracingConfig};
use crate::aws::{IamRole, LambdaFunction, SnsTopic, SqsQueue};
use crate::template;

fn document(module: &Module, file: &str) -> JsonValue {
    let files = module.files().unwrap();
    let file = files.iter().find(|rendered| rendered.path.ends_with(format!("{file}.tf.json"))).unwrap();
    serde_json::from_str(&file.content).unwrap()
}

#[test]
fn resources_stand_by_type_and_name_whatever_the_order_in_which_they_were_added() {
    let build = |names: [&str; 2]| {
        let mut module = Module::new("example", "An example.");
        for name in names {
            module.add(name, SqsQueue {}.name(name));
            module.add(name, SnsTopic {}.name(name));
        }
        module.files().unwrap()
    };
    assert_eq!(build(["a", "b"]), build(["b", "a"]));
}

#[test]
fn references_conditions_and_meta_arguments_are_written_as_terraform_reads_them() {
    let mut module = Module::new("example", "An example.");
    let on = module.variable(&Variable::<kind::Boolean>::new("on", "Switch.").default(false));
    let role = module.add("role", IamRole { assume_role_policy: "{}" });
    let maybe = module.add_when(&on, "maybe", SqsQueue {}.name("maybe"));
    module.add(
        "function",
        LambdaFunction { function_name: template!["f-", &on], role: role.arn() }
            .environment(Environment {}.variables([("URL", maybe.under_same_condition().url())]))
            .tracing_config(block_when(&on, TracingConfig { mode: "Active" }))
            .depends_on(&[&maybe, &role])
            .create_before_destroy(),
    );
    assert_eq!(
        document(&module, "main")["resource"],
        json!({
            "aws_iam_role": { "role": { "assume_role_policy": "{}" } },
            "aws_lambda_function": { "function": {
                "function_name": "f-${var.on}",
                "role": "${aws_iam_role.role.arn}",
                "environment": [{ "variables": { "URL": "${aws_sqs_queue.maybe[0].url}" } }],
                "dynamic": { "tracing_config": [{
                    "for_each": "${var.on ? [true] : []}", "content": { "mode": "Active" },
                }] },
                "lifecycle": { "create_before_destroy": true },
                "depends_on": ["aws_sqs_queue.maybe", "aws_iam_role.role"],
            } },
            "aws_sqs_queue": { "maybe": { "name": "maybe", "count": "${var.on ? 1 : 0}" } },
        })
    );
}

#[test]
fn a_renamed_resource_is_moved_instead_of_destroyed() {
    let mut module = Module::new("example", "An example.");
    let queue = module.add("new_name", SqsQueue {}.name("q"));
    module.moved("aws_sqs_queue.old_name", &queue);
    let moved = json!([{ "from": "aws_sqs_queue.old_name", "to": "aws_sqs_queue.new_name" }]);
    assert_eq!(document(&module, "main")["moved"], moved);
    assert_eq!(queue.address().as_str(), "aws_sqs_queue.new_name");
}

#[test]
fn a_variables_default_is_taken_literally_and_an_outputs_value_is_not() {
    let mut module = Module::new("example", "An example.");
    module.variable(&Variable::<kind::Text>::new("greeting", "Hello.").default("${x}"));
    module.output("greeting", "Hello.", "${x}");
    assert_eq!(document(&module, "variables")["variable"]["greeting"]["default"], "${x}");
    assert_eq!(document(&module, "outputs")["output"]["greeting"]["value"], "$${x}");
}

#[test]
fn a_name_used_twice_is_an_error_that_names_it() {
    let mut module = Module::new("example", "An example.");
    module.add("queue", SqsQueue {});
    module.add("queue", SqsQueue {});
    let duplicate = ModuleError::Duplicate {
        module: "example".to_owned(),
        what: "resource",
        name: "aws_sqs_queue.queue".to_owned(),
    };
    assert_eq!(module.files(), Err(duplicate));
}

#[test]
fn a_call_with_a_missing_or_unknown_input_is_an_error_that_names_it() {
    let mut called = Module::new("called", "Called.");
    let needed = Variable::<kind::Text>::new("needed", "Has to be given.");
    called.variable(&needed);
    let stranger = Variable::<kind::Text>::new("stranger", "Of another module.");

    let mut without = Module::new("caller", "Calls.");
    without.call(&called, vec![]);
    assert!(matches!(without.files(), Err(ModuleError::MissingInput { variable, .. }) if variable == "needed"));

    let mut with_another = Module::new("caller", "Calls.");
    with_another.call(&called, vec![needed.set("x"), stranger.set("y")]);
    assert!(matches!(with_another.files(), Err(ModuleError::UnknownInput { variable, .. }) if variable == "stranger"));
}

#[test]
fn null_and_a_backends_literals_are_written_as_they_are() {
    let mut module = Module::new("example", "An example.");
    module.add("queue", SqsQueue {}.policy(Value::null()));
    module.backend("s3", vec![("bucket", Literal::from("b")), ("encrypt", true.into())]);
    assert_eq!(document(&module, "main")["resource"]["aws_sqs_queue"]["queue"]["policy"], JsonValue::Null);
    assert_eq!(document(&module, "versions")["terraform"]["backend"]["s3"], json!({ "bucket": "b", "encrypt": true }));
}
