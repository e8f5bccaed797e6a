//! Clock, chance and metrics on Lambda.
//!
//! Metrics are written in CloudWatch's embedded metric format, one line on standard output for an invocation, by
//! [`LambdaContext::flush`]: the one place, called before the handler returns, since Lambda freezes the process after.
//! Format: docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use order_contract::metric;
use order_domain::time::Timestamp;
use serde_json::{Map, Value, json};

use crate::ports::Runtime;

/// Most values of one metric in a line of the embedded metric format.
const VALUES_PER_LINE: usize = 100;

/// An invocation's lambda_context.
#[derive(Debug)]
pub struct LambdaContext {
    environment: String,
    stage: &'static str,
    deadline: Instant,
    counts: Mutex<BTreeMap<&'static str, usize>>,
    times: Mutex<BTreeMap<&'static str, Vec<f64>>>,
}

impl LambdaContext {
    /// For an invocation that must be answered before `deadline`.
    #[must_use]
    pub fn new(environment: String, stage: &'static str, deadline: Instant) -> Self {
        Self { environment, stage, deadline, counts: Mutex::default(), times: Mutex::default() }
    }

    /// Writes what was measured. Without this call an invocation's metrics are lost.
    pub fn flush(self) {
        let mut counts = self.counts.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut times = self.times.into_inner().unwrap_or_else(PoisonError::into_inner);
        while !counts.is_empty() || times.values().any(|values| !values.is_empty()) {
            let line_times = times
                .iter_mut()
                .map(|(name, values)| (*name, values.split_off(values.len().saturating_sub(VALUES_PER_LINE))))
                .filter(|(_, values)| !values.is_empty())
                .collect();
            let now = Timestamp::now();
            // Lambda reads metrics from standard output; a metric is no log line, so it does not pass the logger.
            println!("{}", document(now, &self.environment, self.stage, &std::mem::take(&mut counts), &line_times));
        }
    }
}

fn document(
    at: Timestamp,
    environment: &str,
    stage: &str,
    counts: &BTreeMap<&'static str, usize>,
    times: &BTreeMap<&'static str, Vec<f64>>,
) -> Value {
    let definitions: Vec<Value> = counts
        .keys()
        .map(|name| json!({ "Name": name, "Unit": "Count" }))
        .chain(times.keys().map(|name| json!({ "Name": name, "Unit": "Milliseconds" })))
        .collect();
    let mut fields = Map::new();
    fields.insert(
        "_aws".into(),
        json!({
            "Timestamp": at.unix_milliseconds(),
            "CloudWatchMetrics": [{
                "Namespace": metric::NAMESPACE, "Dimensions": [[metric::DIMENSION]], "Metrics": definitions,
            }],
        }),
    );
    fields.insert(metric::DIMENSION.into(), environment.into());
    fields.insert("stage".into(), stage.into());
    fields.extend(counts.iter().map(|(name, count)| ((*name).to_owned(), json!(count))));
    fields.extend(times.iter().map(|(name, values)| ((*name).to_owned(), json!(values))));
    Value::Object(fields)
}

impl Runtime for LambdaContext {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn random(&self) -> f64 {
        rand::random()
    }

    fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    fn count(&self, metric: &'static str, how_many: usize) {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner).entry(metric).or_default() += how_many;
    }

    fn time(&self, metric: &'static str, how_long: Duration) {
        let milliseconds = how_long.as_secs_f64() * 1000.0;
        self.times.lock().unwrap_or_else(PoisonError::into_inner).entry(metric).or_default().push(milliseconds);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_declares_every_metric_that_it_holds() {
        let counts = BTreeMap::from([(metric::ORDERS_CONFIRMED, 2)]);
        let times = BTreeMap::from([(metric::TIME_TO_CONFIRMATION, vec![12.0, 30.5])]);
        let line = document(Timestamp::from_unix_seconds(1).unwrap(), "test", "payment", &counts, &times);
        assert_eq!(
            line,
            json!({
                "_aws": { "Timestamp": 1000, "CloudWatchMetrics": [{
                    "Namespace": "OrderPipeline", "Dimensions": [["Environment"]],
                    "Metrics": [
                        { "Name": "OrdersConfirmed", "Unit": "Count" },
                        { "Name": "TimeToConfirmation", "Unit": "Milliseconds" },
                    ],
                }]},
                "Environment": "test", "stage": "payment", "OrdersConfirmed": 2, "TimeToConfirmation": [12.0, 30.5],
            })
        );
    }
}
