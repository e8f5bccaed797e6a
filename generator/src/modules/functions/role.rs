//! A function's role: what the pipeline's description permits, as IAM statements, and nothing else.

use super::channels;
use super::conditional_policy::policy_when;
use super::inputs::Given;
use super::source::{dead_letters, queue_of, source_queue};
use crate::aws::iam_role::IamRoleReference;
use crate::aws::iam_role_policy::IamRolePolicyReference;
use crate::aws::{IamRole, IamRolePolicy};
use crate::iam::{Effect, Policy, Statement};
use crate::naming::{logical, suffixed};
use crate::pipeline::{Grant, StageDescription, Table, TableAction, topic_name};
use crate::template;
use crate::terraform::kind::{Boolean, Text};
use crate::terraform::{Expression, Module};

/// The service that the functions' roles are for.
const LAMBDA: &str = "lambda.amazonaws.com";

/// Adds a stage's role with its policies; returns the role and the policy that its source has to wait for.
pub(super) fn add(
    module: &mut Module,
    stage: &StageDescription,
    given: &Given,
    log_group_arn: &Expression<Text>,
) -> (IamRoleReference, IamRolePolicyReference) {
    let name = stage.stage.name();
    let role = module.add(
        &logical(&stage.function()),
        IamRole { assume_role_policy: Policy::assumed_by(LAMBDA) }
            .name(suffixed(&format!("{name}-role"), &given.suffix))
            .description(stage.summary),
    );
    let mut statements = vec![Statement::allow(
        "WriteOwnLogs",
        &["logs:CreateLogStream", "logs:PutLogEvents"],
        vec![template![log_group_arn, ":*"]],
    )];
    statements.extend(source_statements(stage, given));
    statements.extend(stage.grants.iter().flat_map(|grant| grant_statements(*grant, given)));
    if stage.grants.iter().any(|grant| matches!(grant, Grant::Publish(_))) {
        statements.push(Statement::allow(
            "EncryptForTopics",
            &["kms:Decrypt", "kms:GenerateDataKey"],
            vec![given.topics_key_arn.clone().into()],
        ));
    }
    let batch_forms: Vec<Statement> = statements.iter().filter_map(Statement::batch_forms).collect();
    let policy = module.add(
        &logical(&stage.function()),
        IamRolePolicy { role: role.id(), policy: Policy::new(statements).encode() }
            .name(suffixed(&format!("{name}-policy"), &given.suffix)),
    );

    let mut add_when = |condition: &Expression<Boolean>, what: &str, statements: Vec<Statement>| {
        policy_when(module, stage, given, &role, condition, what, statements);
    };
    if !batch_forms.is_empty() {
        add_when(&given.emulator, "emulator", batch_forms);
    }
    let trace = Statement::new("Trace", Effect::Allow, &["xray:PutTelemetryRecords", "xray:PutTraceSegments"])
        .on_any("X-Ray's actions know no resource");
    add_when(&given.xray, "xray", vec![trace]);
    channels::add(module, stage, given, &role);
    (role, policy)
}

/// Receiving from the source, sending to the dead-letter queue, and forwarding.
fn source_statements(stage: &StageDescription, given: &Given) -> Vec<Statement> {
    let mut statements = Vec::new();
    if stage.queue().is_some() {
        let actions =
            ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"];
        statements.push(Statement::allow("Receive", &actions, vec![source_queue(stage, &given.queue_arns)]));
    }
    if stage.dead_letters().is_some() {
        let queue = dead_letters(stage, &given.dead_letter_queue_arns);
        statements.push(Statement::allow("DeadLetter", &["sqs:SendMessage"], vec![queue]));
    }
    if !stage.forwards_to.is_empty() {
        let next = stage.forwards_to.iter().map(|next| queue_of(*next, &given.queue_arns));
        statements.push(Statement::allow("Forward", &["sqs:SendMessage"], next.map(Into::into).collect()));
    }
    statements
}

/// The statements that permit what the pipeline grants; none where a policy of its own does.
fn grant_statements(grant: Grant, given: &Given) -> Vec<Statement> {
    let table_arn = |table: Table| given.table_arns.key(table.name());
    match grant {
        Grant::Table(table, actions) => {
            let names: Vec<_> = actions.iter().copied().map(TableAction::name).collect();
            let id = format!("Use{table:?}");
            vec![Statement::allow(&id, &names, vec![table_arn(table).into()])]
        }
        Grant::ChangeAttributes(table, attributes) => {
            vec![of_attributes("ChangeAttributesOf", table, TableAction::UpdateItem, attributes, given)]
        }
        Grant::PutAttributes(table, attributes) => {
            vec![of_attributes("PutAttributesOf", table, TableAction::PutItem, attributes, given)]
        }
        Grant::Index(table, index) => {
            let index = template![table_arn(table), "/index/", index];
            vec![Statement::allow("QueryIndex", &[TableAction::Query.name()], vec![index])]
        }
        Grant::Stream(table) => {
            let read = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"];
            vec![
                Statement::allow("ReadStream", &read, vec![given.orders_stream_arn.clone().into()]),
                // Listing is permitted on all of a table's streams; a single one cannot be listed.
                Statement::allow(
                    "ListStreams",
                    &["dynamodb:ListStreams"],
                    vec![template![table_arn(table), "/stream/*"]],
                ),
            ]
        }
        Grant::Publish(topic) => {
            let id = format!("Publish{topic:?}");
            vec![Statement::allow(&id, &["sns:Publish"], vec![given.topic_arns.key(&topic_name(topic)).into()])]
        }
        Grant::Secret(secret) => {
            let id = format!("Read{secret:?}");
            vec![Statement::allow(&id, &["secretsmanager:GetSecretValue"], vec![given.secret_arn(secret)])]
        }
        Grant::TextCustomers | Grant::EmailCustomers | Grant::PushToCustomers => Vec::new(),
    }
}

/// One action on a table's items, with these of their attributes.
fn of_attributes(id: &str, table: Table, action: TableAction, attributes: &[&str], given: &Given) -> Statement {
    let arn = given.table_arns.key(table.name());
    Statement::allow(&format!("{id}{table:?}"), &[action.name()], vec![arn.into()]).only_attributes(attributes)
}
