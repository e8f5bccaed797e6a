//! The page of permissions holds every statement of every role, and the orders are safe from all of them.

use std::collections::BTreeSet;

use generator::docs::permissions::{self, Role};
use generator::modules;

use crate::support::resources;

fn roles() -> Vec<Role> {
    permissions::roles(&modules::all()).unwrap()
}

/// Counted in the text of the policies, without the reader that makes the page.
#[test]
fn every_statement_of_every_role_is_on_the_page() {
    let policies: Vec<String> = resources()
        .iter()
        .filter(|(_, resource)| resource.type_name == "aws_iam_role_policy")
        .map(|(_, resource)| resource.body["policy"].as_str().unwrap().to_owned())
        .collect();
    let written: usize = policies.iter().map(|policy| policy.matches("\"Sid\" = ").count()).sum();
    let page = permissions::file(&modules::all()).unwrap().content;
    let rows = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| statement")).count();
    // A row of dashes under each role's heading is none.
    assert_eq!(rows - roles().len(), written);

    let quoted = |policy: &String| policy.split('"').map(str::to_owned).collect::<Vec<_>>();
    let is_action = |word: &String| {
        word.split_once(':').is_some_and(|(service, action)| {
            service.chars().all(|c| c.is_ascii_lowercase()) && action.starts_with(|c: char| c.is_ascii_uppercase())
        })
    };
    let actions: BTreeSet<String> = policies.iter().flat_map(quoted).filter(is_action).collect();
    assert!(actions.len() > 20, "{actions:?}");
    for action in actions.iter().filter(|action| {
        !["ses:FromAddress", "dynamodb:Attributes", "dynamodb:ReturnValues"].contains(&action.as_str())
    }) {
        assert!(page.contains(&format!("`{action}`")), "{action} is not on the page");
    }
}

#[test]
fn every_role_of_the_modules_is_on_the_page_and_may_do_something() {
    let declared = resources().iter().filter(|(_, resource)| resource.type_name == "aws_iam_role").count();
    let roles = roles();
    assert_eq!(roles.len(), declared);
    for role in &roles {
        assert!(!role.permissions.is_empty(), "{} may do nothing", role.name);
        assert!(role.assumed_by.ends_with(".amazonaws.com"), "{} is for {}", role.name, role.assumed_by);
        assert!(role.permissions.iter().all(|permission| permission.effect == "Allow"), "{}", role.name);
    }
    let policies = resources().iter().filter(|(_, resource)| resource.type_name == "aws_iam_role_policy").count();
    assert!(policies > roles.len(), "{policies} policies");
}

/// An order is changed by replacing it under a condition on its version, never in place, and it is never removed. Who does
/// not decide on orders can write none, nor an event: only the records of notifications.
#[test]
fn no_role_may_delete_orders_or_change_them_in_place() {
    let mut writers = BTreeSet::new();
    for role in roles() {
        for permission in role.permissions.iter().filter(|permission| {
            permission.resources.iter().any(|resource| resource.starts_with("orders-table") || resource == "*")
        }) {
            for action in permission.actions.iter().filter(|action| action.starts_with("dynamodb:")) {
                match action.trim_start_matches("dynamodb:") {
                    "GetItem" | "BatchGetItem" | "Query" | "ListStreams" => {}
                    "PutItem" if ["notify-role", "contact-role"].contains(&role.name.as_str()) => {
                        assert_eq!(permission.actions, ["dynamodb:PutItem"], "the condition would be on reads too");
                        assert_eq!(permission.conditions, only_attributes("pk, sk, at, refused"), "{}", role.name);
                    }
                    "PutItem" => {
                        writers.insert(role.name.clone());
                    }
                    "UpdateItem" => {
                        assert_eq!(role.name, "reconcile-role");
                        assert_eq!(permission.conditions, only_attributes("pk, sk, version, nextCheckAt, openShard"));
                    }
                    _ => panic!("{} may {action} on {:?}", role.name, permission.resources),
                }
            }
        }
    }
    let decide = ["fulfilment-role", "inventory-role", "payment-role", "validate-role"];
    assert_eq!(writers, decide.map(str::to_owned).into());
}

fn only_attributes(names: &str) -> [String; 2] {
    [
        format!("dynamodb:Attributes ForAllValues:StringEquals {names}"),
        "dynamodb:ReturnValues StringEqualsIfExists NONE".to_owned(),
    ]
}

/// The page says who can overwrite an event in spite of every policy, and what prevents it.
#[test]
fn the_page_names_who_could_overwrite_an_event_and_what_prevents_it() {
    let page = permissions::file(&modules::all()).unwrap().content;
    for said in [
        "`fulfilment-role`, `inventory-role`, `payment-role` and `validate-role` write orders and events",
        "`contact-role` and `notify-role` can write the attributes of a notification's record",
        "`attribute_not_exists(pk)`",
        "No role may delete from the orders table",
        "and `reconcile-role` alone may",
    ] {
        assert!(page.contains(said), "{said:?} is not on the page");
    }
}

#[test]
fn only_the_stages_that_settle_money_can_read_the_gateways_key_and_only_the_one_that_hears_of_it_its_signing_key() {
    let readers = |secret: &str| -> Vec<String> {
        let reads = |role: &&Role| role.permissions.iter().any(|it| it.resources.contains(&format!("secret {secret}")));
        roles().iter().filter(reads).map(|role| role.name.clone()).collect()
    };
    assert_eq!(readers("payment-gateway-secret"), ["fulfilment-role", "payment-role"]);
    assert_eq!(readers("webhook-secret"), ["reconcile-role"]);
}
