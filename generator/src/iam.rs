//! IAM policy documents. A resource is a reference or built from references; a wildcard has a constructor of its own,
//! so that each can be found and has to say why.

use crate::object;
use crate::template;
use crate::terraform::kind::Text;
use crate::terraform::{Expression, Json, Value};

/// A policy document.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    statements: Vec<Statement>,
}

impl Policy {
    /// A policy of these statements.
    #[must_use]
    pub fn new(statements: Vec<Statement>) -> Self {
        Self { statements }
    }

    /// The policy that lets a service assume a role, e.g. `lambda.amazonaws.com`.
    #[must_use]
    pub fn assumed_by(service: &str) -> Value<Text> {
        let statement = Statement::new("AssumeRole", Effect::Allow, &["sts:AssumeRole"]).principal_service(service);
        Self::new(vec![statement]).encode()
    }

    /// The policy that lets a service assume a role for a resource of this account only: nobody else can make the service
    /// use it for them (the "confused deputy").
    #[must_use]
    pub fn assumed_by_for(service: &str, account: &Expression<Text>, source: Value<Text>) -> Value<Text> {
        let statement = Statement::new("AssumeRole", Effect::Allow, &["sts:AssumeRole"])
            .principal_service(service)
            .from_account(account)
            .from_source(source);
        Self::new(vec![statement]).encode()
    }

    /// The document as an argument takes it.
    #[must_use]
    pub fn encode(&self) -> Value<Text> {
        let statements: Vec<Json> = self.statements.iter().map(Statement::json).collect();
        object! { "Version": "2012-10-17", "Statement": statements }.encode()
    }
}

/// Whether a statement permits or forbids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Permits.
    Allow,
    /// Forbids, whatever else permits.
    Deny,
}

/// One statement of a policy.
#[derive(Debug, Clone)]
pub struct Statement {
    actions: Vec<String>,
    entries: Vec<(String, Json)>,
    /// By operator; all of them have to hold.
    conditions: Vec<(&'static str, Vec<(String, Json)>)>,
}

/// Actions whose batch form AWS permits under the same name, and the name under which the emulator asks for it.
const BATCH_FORMS: [(&str, &str); 3] = [
    ("sns:Publish", "sns:PublishBatch"),
    ("sqs:ChangeMessageVisibility", "sqs:ChangeMessageVisibilityBatch"),
    ("sqs:SendMessage", "sqs:SendMessageBatch"),
];

impl Statement {
    /// A statement about these actions.
    #[must_use]
    pub fn new(id: &str, effect: Effect, actions: &[&str]) -> Self {
        let effect = match effect {
            Effect::Allow => "Allow",
            Effect::Deny => "Deny",
        };
        let names = actions.iter().map(ToString::to_string).collect();
        let entries = [("Sid", id.into()), ("Effect", effect.into()), ("Action", actions.to_vec().into())];
        let entries = entries.map(|(key, value): (_, Json)| (key.to_owned(), value)).to_vec();
        Self { actions: names, entries, conditions: Vec::new() }
    }

    /// The same for the batch forms of its actions, as the emulator names them; `None` where there are none. AWS knows no
    /// such actions: there the single form permits the batch (Service Authorization Reference, Amazon SQS and SNS).
    #[must_use]
    pub fn batch_forms(&self) -> Option<Self> {
        let forms = BATCH_FORMS.iter().filter(|(single, _)| self.actions.iter().any(|action| action == single));
        let actions: Vec<&str> = forms.map(|(_, batch)| *batch).collect();
        if actions.is_empty() {
            return None;
        }
        let mut batch = self.clone();
        batch.entries.retain(|(key, _)| key != "Action");
        Some(batch.with("Action", actions.into()))
    }

    /// Permits these actions on these resources.
    #[must_use]
    pub fn allow(id: &str, actions: &[&str], resources: Vec<Value<Text>>) -> Self {
        Self::new(id, Effect::Allow, actions).on(resources)
    }

    /// What it is about.
    #[must_use]
    pub fn on(self, resources: Vec<Value<Text>>) -> Self {
        self.with("Resource", resources.into())
    }

    /// Everything but these, for resources that have no ARN of their own.
    #[must_use]
    pub fn on_all_but(self, resources: Vec<Value<Text>>) -> Self {
        self.with("NotResource", resources.into())
    }

    /// Any resource. Only for actions that know no resource, or where the policy is attached to the one resource.
    #[must_use]
    pub fn on_any(self, _reason: &'static str) -> Self {
        self.with("Resource", "*".into())
    }

    /// For a service of AWS, in a resource's policy.
    #[must_use]
    pub fn principal_service(self, service: &str) -> Self {
        self.with("Principal", object! { "Service": service })
    }

    /// For the account itself, whose own policies then decide who, in a resource's policy.
    #[must_use]
    pub fn principal_account(self, partition: &Expression<Text>, account: &Expression<Text>) -> Self {
        self.with("Principal", object! { "AWS": template!["arn:", partition, ":iam::", account, ":root"] })
    }

    /// For everybody, in a resource's policy that forbids.
    #[must_use]
    pub fn principal_everybody(self) -> Self {
        self.with("Principal", object! { "AWS": "*" })
    }

    /// Only for requests of the account, where a service acts for it.
    #[must_use]
    pub fn from_account(self, account: &Expression<Text>) -> Self {
        self.when("StringEquals", "aws:SourceAccount", account.into())
    }

    /// Only for requests that are not encrypted on their way.
    #[must_use]
    pub fn without_tls(self) -> Self {
        self.when("Bool", "aws:SecureTransport", "false".into())
    }

    /// Only for requests of this resource.
    #[must_use]
    pub fn from_source(self, arn: impl Into<Value<Text>>) -> Self {
        self.from_sources(vec![arn.into()])
    }

    /// Only for requests of one of these resources.
    #[must_use]
    pub fn from_sources(self, arns: Vec<Value<Text>>) -> Self {
        self.when("ArnLike", "aws:SourceArn", arns.into())
    }

    /// Only for items' requests that name no attribute but these, in their keys, conditions or changes, and that give
    /// nothing back: what they return could hold the others.
    #[must_use]
    pub fn only_attributes(self, attributes: &[&str]) -> Self {
        self.when("ForAllValues:StringEquals", "dynamodb:Attributes", attributes.to_vec().into()).when(
            "StringEqualsIfExists",
            "dynamodb:ReturnValues",
            "NONE".into(),
        )
    }

    /// Only for mail from this address.
    #[must_use]
    pub fn sent_from(self, address: &Expression<Text>) -> Self {
        self.when("StringEquals", "ses:FromAddress", address.into())
    }

    fn when(mut self, operator: &'static str, key: &str, value: Json) -> Self {
        match self.conditions.iter_mut().find(|(existing, _)| *existing == operator) {
            Some((_, conditions)) => conditions.push((key.to_owned(), value)),
            None => self.conditions.push((operator, vec![(key.to_owned(), value)])),
        }
        self
    }

    fn with(mut self, key: &str, value: Json) -> Self {
        self.entries.push((key.to_owned(), value));
        self
    }

    fn json(&self) -> Json {
        let mut entries = self.entries.clone();
        if !self.conditions.is_empty() {
            let of =
                |(operator, conditions): &(&str, Vec<_>)| ((*operator).to_owned(), Json::object(conditions.clone()));
            entries.push(("Condition".to_owned(), Json::object(self.conditions.iter().map(of).collect())));
        }
        Json::object(entries)
    }
}
