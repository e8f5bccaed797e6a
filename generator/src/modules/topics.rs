//! `modules/topics`: what other systems subscribe to, and the topic for alarms, encrypted with a key of our own.

use order_domain::notification::Topic;

use super::location::Location;
use super::{environment_suffix, require_tls};
use crate::aws::{KmsAlias, KmsKey, SnsTopic, SnsTopicSubscription};
use crate::iam::{Effect, Policy, Statement};
use crate::naming::{logical, suffixed};
use crate::pipeline::{ALARMS_TOPIC, topic_name};
use crate::template;
use crate::terraform::kind::{Map, Text};
use crate::terraform::{Module, Output, Value, Variable};

/// The service that publishes when an alarm changes its state.
const CLOUDWATCH: &str = "cloudwatch.amazonaws.com";

/// The module with its inputs and outputs.
pub struct Topics {
    /// The module.
    pub module: Module,
    /// The address that gets the alarms.
    pub alarm_email: Variable<Text>,
    /// ARN of each topic for other systems, by its name without the suffix.
    pub topic_arns: Output<Map<Text>>,
    /// ARN of the topic for alarms.
    pub alarms_topic_arn: Output<Text>,
    /// ARN of the key that encrypts the topics.
    pub topics_key_arn: Output<Text>,
}

/// The module of the pipeline's topics.
#[must_use]
pub fn define() -> Topics {
    let mut module = Module::new("topics", "The topics that tell other systems of an order, and the one for alarms.");
    let alarm_email = Variable::new(
        "alarm_email",
        "Who is told by e-mail when an alarm fires, after they have confirmed; `null` for nobody.",
    )
    .default(Value::null());
    let suffix = module.variable(&environment_suffix());
    let tls_only = module.variable(&require_tls());
    let email = module.variable(&alarm_email);
    let location = Location::of(&mut module);

    // The key that AWS manages for SNS cannot be used by CloudWatch: alarms would be dropped without a word.
    let key = module.add(
        "topics_key",
        KmsKey {}
            .description(template!["Encrypts the topics of the order pipeline, ", &suffix])
            .enable_key_rotation(true)
            .deletion_window_in_days(7)
            .policy(key_policy(&location)),
    );
    module.add(
        "topics_key",
        KmsAlias { target_key_id: key.key_id() }.name(template!["alias/", suffixed("topics-key", &suffix)]),
    );

    let topics = Topic::ALL.iter().copied().map(topic_name).map(|name| {
        let deny = deny_without_tls(location.arn("sns", suffixed(&name, &suffix)));
        let added = module.add(
            &logical(&name),
            SnsTopic {}
                .name(suffixed(&name, &suffix))
                .kms_master_key_id(key.arn())
                .policy(tls_only.choose(Policy::new(vec![deny]).encode(), Value::null())),
        );
        (name, added.arn())
    });
    let topics: Vec<_> = topics.collect();

    let alarms_arn = location.arn("sns", suffixed(ALARMS_TOPIC, &suffix));
    let from_cloudwatch = Statement::new("AlarmsOfThisAccount", Effect::Allow, &["sns:Publish"])
        .principal_service(CLOUDWATCH)
        .on(vec![alarms_arn.clone()])
        .from_account(&location.account);
    let with_tls = Policy::new(vec![from_cloudwatch.clone(), deny_without_tls(alarms_arn)]);
    let alarms = module.add(
        &logical(ALARMS_TOPIC),
        SnsTopic {}
            .name(suffixed(ALARMS_TOPIC, &suffix))
            .kms_master_key_id(key.arn())
            .policy(tls_only.choose(with_tls.encode(), Policy::new(vec![from_cloudwatch]).encode())),
    );
    module.add_when(
        &email.is_set(),
        "alarms_email",
        SnsTopicSubscription { topic_arn: alarms.arn(), protocol: "email", endpoint: &email },
    );

    Topics {
        topic_arns: module.output(
            "topic_arns",
            "ARN of each topic for other systems, by its name without the suffix.",
            topics,
        ),
        alarms_topic_arn: module.output("alarms_topic_arn", "ARN of the topic that every alarm goes to.", alarms.arn()),
        topics_key_arn: module.output("topics_key_arn", "ARN of the key that encrypts the topics.", key.arn()),
        alarm_email,
        module,
    }
}

/// The account's own policies decide who uses the key; CloudWatch, which has none there, is named.
fn key_policy(location: &Location) -> Value<Text> {
    let own_resource = "a key's policy is about that key";
    let account = Statement::new("PoliciesOfThisAccount", Effect::Allow, &["kms:*"])
        .principal_account(&location.partition, &location.account)
        .on_any(own_resource);
    let cloudwatch = Statement::new("AlarmsOfThisAccount", Effect::Allow, &["kms:Decrypt", "kms:GenerateDataKey"])
        .principal_service(CLOUDWATCH)
        .on_any(own_resource)
        .from_account(&location.account);
    Policy::new(vec![account, cloudwatch]).encode()
}

/// SNS takes no `sns:*` in a topic's policy; publishing is the only action that carries customers' data.
fn deny_without_tls(topic: Value<Text>) -> Statement {
    Statement::new("DenyWithoutTls", Effect::Deny, &["sns:Publish"]).principal_everybody().on(vec![topic]).without_tls()
}
