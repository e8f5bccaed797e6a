//! Tests that break something on purpose, and so have the environment to themselves.

use ops::client::Found;
use ops::emulator::Request;
use serde_json::Value;

use crate::order::{id, order_of};
use crate::shop::Shop;
use crate::wait::until;

/// This file's tests.
pub fn cases() -> Vec<super::Case> {
    vec![super::Case {
        name: "a_function_without_its_policy_fails_and_with_it_works",
        run: |shop| {
            Box::pin(async move {
                let _use = shop.alone().await;
                a_function_without_its_policy_fails_and_with_it_works(&shop).await;
            })
        },
    }]
}

async fn a_function_without_its_policy_fails_and_with_it_works(shop: &Shop) {
    let tea = shop.stock(5, 1).await;
    let order = order_of(tea.sku.as_str());
    shop.place(&order).await;
    shop.settled(&order).await;
    let status = async || match shop.api.order(id(&order)).await.unwrap() {
        Found::Found(_) => 200,
        Found::Problem(problem) => problem.status,
    };
    assert_eq!(status().await, 200);

    let role = "query-role-local";
    let name = policy_name(shop, role).await;
    let get = format!("Action=GetRolePolicy&Version=2010-05-08&RoleName={role}&PolicyName={name}");
    let policy = between(&shop.aws("iam", Request::Query(&get)).await, "PolicyDocument");
    let delete = format!("Action=DeleteRolePolicy&Version=2010-05-08&RoleName={role}&PolicyName={name}");
    shop.aws("iam", Request::Query(&delete)).await;
    let without = until("a refusal", status, |status| *status != 200).await;
    assert_eq!(without, 503);
    let denied = |line: &Value| line.to_string().contains("AccessDenied");
    let look = async || shop.log_of("query-function").await;
    until("the denial in the log", look, |lines: &Vec<Value>| lines.iter().any(denied)).await;

    // The document came URL-encoded, as IAM answers, and goes back as it came.
    let put =
        format!("Action=PutRolePolicy&Version=2010-05-08&RoleName={role}&PolicyName={name}&PolicyDocument={policy}");
    shop.aws("iam", Request::Query(&put)).await;
    until("the order, with the policy back", status, |status| *status == 200).await;
}

async fn policy_name(shop: &Shop, role: &str) -> String {
    let list = format!("Action=ListRolePolicies&Version=2010-05-08&RoleName={role}");
    between(&shop.aws("iam", Request::Query(&list)).await, "member")
}

/// The text of the first element of this name.
fn between(xml: &str, element: &str) -> String {
    let after = xml.split_once(&format!("<{element}>")).expect(element).1;
    after.split_once(&format!("</{element}>")).expect(element).0.to_owned()
}
