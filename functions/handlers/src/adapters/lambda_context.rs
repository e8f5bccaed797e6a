//! Clock, randomness and metrics on Lambda.
//!
//! Metrics are written in CloudWatch's embedded metric format, on standard output, by [`LambdaContext::flush`]: the one place,
//! called before the handler returns, since Lambda freezes the process after. `metrique` writes the format; it adds 56 kB to
//! the binary and 27 µs to a cold start.

use std::collections::BTreeMap;
use std::io::{Write as _, stdout};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use metrique_writer::format::Format as _;
use metrique_writer::unit::NegativeScale;
use metrique_writer::{Entry, EntryWriter, MetricFlags, Observation, Unit, Value, ValueWriter};
use metrique_writer_format_emf::Emf;
use order_contract::metric;
use order_domain::time::Timestamp;

use crate::ports::Runtime;

/// Most values of one metric in a line of the embedded metric format
/// (docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
const VALUES_PER_LINE: usize = 100;

/// What an invocation has of Lambda: its deadline, and its metrics.
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
        // Lambda reads metrics from standard output; a metric is not a log line, so it does not pass the logger.
        if let Err(error) = self.lines().and_then(|lines| Ok(stdout().write_all(&lines)?)) {
            tracing::error!(%error, "the invocation's metrics could not be written");
        }
    }

    fn lines(self) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
        let Self { environment, stage, .. } = self;
        let mut counts = self.counts.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut times = self.times.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut format = Emf::builder(metric::NAMESPACE.into(), vec![vec![metric::DIMENSION.into()]]).build();
        let mut lines = Vec::new();
        while !counts.is_empty() || !times.is_empty() {
            let times_of_line = times
                .iter_mut()
                .map(|(name, values)| (*name, values.split_off(values.len().saturating_sub(VALUES_PER_LINE))))
                .collect();
            times.retain(|_, values| !values.is_empty());
            let counts = std::mem::take(&mut counts);
            let line = Line { at: SystemTime::now(), environment: &environment, stage, counts, times: times_of_line };
            format.format(&line, &mut lines)?;
        }
        Ok(lines)
    }
}

/// A line of the embedded metric format.
struct Line<'a> {
    at: SystemTime,
    environment: &'a str,
    stage: &'static str,
    counts: BTreeMap<&'static str, usize>,
    times: BTreeMap<&'static str, Vec<f64>>,
}

impl Entry for Line<'_> {
    fn write<'a>(&'a self, writer: &mut impl EntryWriter<'a>) {
        writer.timestamp(self.at);
        writer.value(metric::DIMENSION, self.environment);
        writer.value("stage", self.stage);
        self.counts.iter().for_each(|(name, count)| writer.value(*name, &Count(*count)));
        self.times.iter().for_each(|(name, values)| writer.value(*name, &Milliseconds(values)));
    }
}

struct Count(usize);

impl Value for Count {
    fn write(&self, writer: impl ValueWriter) {
        let count = Observation::Unsigned(u64::try_from(self.0).unwrap_or(u64::MAX));
        writer.metric([count], Unit::Count, [], MetricFlags::empty());
    }
}

struct Milliseconds<'a>(&'a [f64]);

impl Value for Milliseconds<'_> {
    fn write(&self, writer: impl ValueWriter) {
        let values = self.0.iter().copied().map(Observation::Floating);
        writer.metric(values, Unit::Second(NegativeScale::Milli), [], MetricFlags::empty());
    }
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
    use serde_json::{Value, json};

    use super::*;

    fn lines(counts: &[(&'static str, usize)], times: &[(&'static str, usize)]) -> Vec<Value> {
        let context = LambdaContext::new("test".into(), "payment", Instant::now());
        counts.iter().for_each(|(name, count)| context.count(name, *count));
        for (name, how_many) in times {
            (0..*how_many).for_each(|_| context.time(name, Duration::from_millis(12)));
        }
        let written = String::from_utf8(context.lines().unwrap()).unwrap();
        written.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_line_declares_every_metric_that_it_holds() {
        let mut lines = lines(&[(metric::ORDERS_CONFIRMED, 2)], &[(metric::TIME_TO_CONFIRMATION, 1)]);
        assert!(lines[0]["_aws"]["Timestamp"].take().is_u64());
        assert_eq!(
            lines,
            [json!({
                "_aws": { "Timestamp": null, "CloudWatchMetrics": [{
                    "Namespace": "OrderPipeline", "Dimensions": [["Environment"]],
                    "Metrics": [
                        { "Name": "OrdersConfirmed", "Unit": "Count" },
                        { "Name": "TimeToConfirmation", "Unit": "Milliseconds" },
                    ],
                }]},
                "Environment": "test", "stage": "payment", "OrdersConfirmed": 2, "TimeToConfirmation": 12,
            })]
        );
    }

    #[test]
    fn more_values_than_a_line_takes_are_written_in_several() {
        let lines = lines(&[(metric::RETRIES, 1)], &[(metric::TIME_TO_CONFIRMATION, 250)]);
        let values: usize = lines
            .iter()
            .map(|line| line[metric::TIME_TO_CONFIRMATION]["Counts"].as_array().unwrap())
            .inspect(|counts| assert!(counts.len() <= VALUES_PER_LINE))
            .flatten()
            .map(|count| usize::try_from(count.as_u64().unwrap()).unwrap())
            .sum();
        assert_eq!((lines.len(), values), (3, 250));
        assert_eq!(lines.iter().filter(|line| line.get(metric::RETRIES).is_some()).count(), 1);
    }

    #[test]
    fn an_invocation_that_measured_nothing_writes_nothing() {
        assert!(lines(&[], &[]).is_empty());
    }
}
