//! Tests that break something on purpose, and so have the environment to themselves.

use deployed::client::Found;
use serde_json::Value;

use crate::order::{id, order_of};
use crate::permissions::Permissions;
use crate::shop::Shop;
use crate::wait::until;

super::cases_alone![a_function_without_its_policy_fails_and_with_it_works];

/// P7: elsewhere the Terraform could not be validated, and one role served all functions.
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

    let permissions = Permissions::take_from(shop, "query-role-local").await;
    let without = until("a refusal", status, |status| *status != 200).await;
    assert_eq!(without, 503);
    let denied = |line: &Value| line.to_string().contains("AccessDenied");
    let look = async || shop.log_of("query-function").await;
    until("the denial in the log", look, |lines: &Vec<Value>| lines.iter().any(denied)).await;

    permissions.restore(shop).await;
    until("the order, with the policy back", status, |status| *status == 200).await;
}
