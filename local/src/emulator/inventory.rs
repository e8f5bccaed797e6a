//! Lists the emulator's resources of every kind that the pipeline creates.

use serde_json::Value;

use super::api::{Api, ApiFailure, Request};

/// A kind of resource and how to list it.
struct Kind {
    /// Its name in messages.
    name: &'static str,
    /// The service's signing name.
    service: &'static str,
    request: Request<'static>,
    names: Names,
}

/// Where the answer has the names.
#[derive(Clone, Copy)]
enum Names {
    /// In a JSON array of strings, or of objects with the name in a field.
    Json { array: &'static str, field: Option<&'static str> },
    /// In every XML element with this name.
    Xml(&'static str),
}

const fn json(target: &'static str) -> Request<'static> {
    Request::Json { target, input: "{}" }
}

const fn strings(array: &'static str) -> Names {
    Names::Json { array, field: None }
}

const fn objects(array: &'static str, field: &'static str) -> Names {
    Names::Json { array, field: Some(field) }
}

/// Every kind except KMS keys, which AWS deletes only after a waiting period.
const KINDS: &[Kind] = &[
    Kind { name: "queue", service: "sqs", request: json("AmazonSQS.ListQueues"), names: strings("/QueueUrls") },
    Kind {
        name: "topic",
        service: "sns",
        request: Request::Query("Action=ListTopics&Version=2010-03-31"),
        names: Names::Xml("TopicArn"),
    },
    Kind {
        name: "subscription",
        service: "sns",
        request: Request::Query("Action=ListSubscriptions&Version=2010-03-31"),
        names: Names::Xml("SubscriptionArn"),
    },
    Kind {
        name: "table",
        service: "dynamodb",
        request: json("DynamoDB_20120810.ListTables"),
        names: strings("/TableNames"),
    },
    Kind {
        name: "function",
        service: "lambda",
        request: Request::Get("/2015-03-31/functions/"),
        names: objects("/Functions", "FunctionName"),
    },
    Kind {
        name: "event source mapping",
        service: "lambda",
        request: Request::Get("/2015-03-31/event-source-mappings/"),
        names: objects("/EventSourceMappings", "UUID"),
    },
    Kind {
        name: "REST API",
        service: "apigateway",
        request: Request::Get("/restapis"),
        names: objects("/item", "name"),
    },
    Kind {
        name: "usage plan",
        service: "apigateway",
        request: Request::Get("/usageplans"),
        names: objects("/item", "name"),
    },
    Kind { name: "API key", service: "apigateway", request: Request::Get("/apikeys"), names: objects("/item", "name") },
    Kind {
        name: "role",
        service: "iam",
        request: Request::Query("Action=ListRoles&Version=2010-05-08"),
        names: Names::Xml("RoleName"),
    },
    Kind {
        name: "policy",
        service: "iam",
        request: Request::Query("Action=ListPolicies&Scope=Local&Version=2010-05-08"),
        names: Names::Xml("PolicyName"),
    },
    Kind {
        name: "log group",
        service: "logs",
        request: json("Logs_20140328.DescribeLogGroups"),
        names: objects("/logGroups", "logGroupName"),
    },
    Kind {
        name: "alarm",
        service: "monitoring",
        request: Request::Query("Action=DescribeAlarms&Version=2010-08-01"),
        names: Names::Xml("AlarmName"),
    },
    Kind {
        name: "dashboard",
        service: "monitoring",
        request: Request::Query("Action=ListDashboards&Version=2010-08-01"),
        names: Names::Xml("DashboardName"),
    },
    Kind {
        name: "secret",
        service: "secretsmanager",
        request: json("secretsmanager.ListSecrets"),
        names: objects("/SecretList", "Name"),
    },
    Kind {
        name: "schedule",
        service: "scheduler",
        request: Request::Get("/schedules"),
        names: objects("/Schedules", "Name"),
    },
    Kind {
        name: "event rule",
        service: "events",
        request: json("AWSEvents.ListRules"),
        names: objects("/Rules", "Name"),
    },
    Kind {
        name: "configuration set",
        service: "ses",
        request: Request::Get("/v2/email/configuration-sets"),
        names: strings("/ConfigurationSets"),
    },
    Kind {
        name: "e-mail identity",
        service: "ses",
        request: Request::Get("/v2/email/identities"),
        names: objects("/EmailIdentities", "IdentityName"),
    },
    Kind {
        name: "parameter",
        service: "ssm",
        request: json("AmazonSSM.DescribeParameters"),
        names: objects("/Parameters", "Name"),
    },
    Kind {
        name: "KMS alias",
        service: "kms",
        request: json("TrentService.ListAliases"),
        names: objects("/Aliases", "AliasName"),
    },
    Kind {
        name: "schedule group",
        service: "scheduler",
        request: Request::Get("/schedule-groups"),
        names: objects("/ScheduleGroups", "Name"),
    },
];

/// Lists every resource on the emulator, e.g. `queue http://…/payment-queue-local`. A KMS key that waits for its deletion
/// counts as deleted.
///
/// # Errors
///
/// The kind of resource that cannot be listed, and why.
pub async fn inventory(endpoint: &str) -> Result<Vec<String>, (&'static str, ApiFailure)> {
    let api = Api::new(endpoint).map_err(|error| ("resource", error))?;
    let mut found = Vec::new();
    for kind in KINDS {
        let failed = |error| (kind.name, error);
        let answer = api.call(kind.service, kind.request).await.map_err(failed)?;
        let names = names(&answer, kind.names).map_err(failed)?;
        found.extend(
            names
                .into_iter()
                .filter(|name| !belongs_to_aws(kind.name, name))
                .map(|name| format!("{} {name}", kind.name)),
        );
    }
    found.extend(keys(&api).await.map_err(|error| ("KMS key", error))?);
    Ok(found)
}

async fn keys(api: &Api) -> Result<Vec<String>, ApiFailure> {
    let answer = api.call("kms", json("TrentService.ListKeys")).await?;
    let mut found = Vec::new();
    for key in names(&answer, objects("/Keys", "KeyId"))? {
        let input = serde_json::json!({ "KeyId": key }).to_string();
        let description = api.call("kms", Request::Json { target: "TrentService.DescribeKey", input: &input }).await?;
        let description: Value = serde_json::from_str(&description)?;
        let text = |field: &str| description.pointer(field).and_then(Value::as_str).unwrap_or_default();
        if text("/KeyMetadata/KeyState") != "PendingDeletion" && text("/KeyMetadata/KeyManager") != "AWS" {
            found.push(format!("KMS key {key}"));
        }
    }
    Ok(found)
}

/// Resources that AWS creates in every account.
fn belongs_to_aws(kind: &str, name: &str) -> bool {
    (kind == "schedule group" && name == "default") || (kind == "KMS alias" && name.starts_with("alias/aws/"))
}

fn names(answer: &str, place: Names) -> Result<Vec<String>, ApiFailure> {
    match place {
        Names::Xml(element) => Ok(elements(answer, element)),
        Names::Json { array, field } => {
            let document: Value = serde_json::from_str(answer)?;
            let entries = document.pointer(array).and_then(Value::as_array);
            let entries = entries.ok_or_else(|| format!("there is no array {array} in the answer: {answer}"))?;
            let name = |entry: &Value| match field {
                Some(field) => entry.get(field).and_then(Value::as_str).map(str::to_owned),
                None => entry.as_str().map(str::to_owned),
            };
            Ok(entries.iter().map(|entry| name(entry).unwrap_or_else(|| entry.to_string())).collect())
        }
    }
}

/// The texts of all elements `<name>…</name>`.
fn elements(xml: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let texts = xml.split(&open).skip(1).filter_map(|rest| rest.split(&close).next());
    texts.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_each_form_of_answer() {
        let queues = names(r#"{"QueueUrls": ["http://q"]}"#, strings("/QueueUrls")).unwrap();
        assert_eq!(queues, ["http://q"]);
        let secrets = names(r#"{"SecretList": [{"Name": "s"}]}"#, objects("/SecretList", "Name")).unwrap();
        assert_eq!(secrets, ["s"]);
        let xml = "<Topics><member><TopicArn>one</TopicArn></member><member><TopicArn>two</TopicArn></member></Topics>";
        assert_eq!(names(xml, Names::Xml("TopicArn")).unwrap(), ["one", "two"]);
    }

    #[test]
    fn an_answer_in_another_form_is_an_error() {
        assert!(names(r#"{"Message": "what?"}"#, strings("/QueueUrls")).is_err());
        assert!(names("<html>", strings("/QueueUrls")).is_err());
    }

    #[test]
    fn resources_of_aws_itself_are_not_listed() {
        assert!(belongs_to_aws("schedule group", "default"));
        assert!(belongs_to_aws("KMS alias", "alias/aws/sqs"));
        assert!(!belongs_to_aws("KMS alias", "alias/orders-local"));
    }
}
