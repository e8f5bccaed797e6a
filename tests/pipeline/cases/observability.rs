//! What operations sees.

use order_contract::metric;
use serde_json::Value;

use crate::order::order_of;
use crate::shop::Shop;
use crate::wait::until;

super::cases![a_confirmation_is_measured, logs_hold_no_personal_data];

async fn a_confirmation_is_measured(shop: &Shop) {
    let tea = shop.stock(5, 1).await;
    let order = order_of(tea.sku.as_str());
    shop.place(&order).await;
    shop.settled(&order).await;
    let look = async || shop.log_of("payment-function").await;
    let measured = |line: &Value| line[metric::ORDERS_CONFIRMED].as_u64().is_some_and(|count| count > 0);
    let lines = until("the metric", look, |lines: &Vec<Value>| lines.iter().any(measured)).await;
    let line = lines.iter().find(|line| measured(line)).unwrap();
    assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Namespace"], metric::NAMESPACE);
    assert_eq!(line[metric::DIMENSION], "local");
    // One value is a number, several are `{"Values": […], "Counts": […]}`.
    let times = &line[metric::TIME_TO_CONFIRMATION];
    assert!(times.as_f64().is_some_and(|time| time > 0.0) || times["Values"].is_array(), "{line}");
}

async fn logs_hold_no_personal_data(shop: &Shop) {
    let order = order_of("NO-SUCH-SKU");
    shop.place(&order).await;
    shop.settled(&order).await;
    for function in shop.connection.functions.keys() {
        for line in shop.log_of(function).await {
            let text = line.to_string();
            for secret in ["Lovelace", "ada@example.com", "High Street", "+4477009", "pm_card", &shop.gateway.api_key] {
                assert!(!text.contains(secret), "{function} logged {text}");
            }
        }
    }
}
