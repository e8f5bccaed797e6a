//! The one dashboard: from what the business notices down to what each part does.

use order_contract::metric;

use super::watched::{PERIOD_SECONDS, Watched};
use crate::object;
use crate::pipeline::{self, Queue, Source, Subject};
use crate::terraform::kind::Text;
use crate::terraform::{Expression, Json};

/// Columns of a dashboard.
const WIDTH: u32 = 24;
const HEIGHT: u32 = 6;
const REGION: &str = crate::environment::Region::NAME;

/// A graph: its title, its statistic, and its lines as subject, metric and label.
struct Graph {
    title: &'static str,
    statistic: &'static str,
    lines: Vec<(Subject, &'static str, String)>,
}

/// The dashboard's document.
pub(super) fn body(watched: &Watched, alarm_arns: Vec<Expression<Text>>) -> Json {
    let mut widgets = vec![object! {
        "type": "alarm", "x": 0, "y": 0, "width": WIDTH, "height": HEIGHT,
        "properties": object! { "title": "Alarms", "alarms": alarm_arns },
    }];
    let graphs = graphs();
    let columns: u32 = 2;
    for (index, graph) in (0u32..).zip(&graphs) {
        widgets.push(object! {
            "type": "metric",
            "x": index % columns * (WIDTH / columns),
            "y": HEIGHT + index / columns * HEIGHT,
            "width": WIDTH / columns,
            "height": HEIGHT,
            "properties": object! {
                "title": graph.title,
                "region": REGION,
                "view": "timeSeries",
                "stat": graph.statistic,
                "period": PERIOD_SECONDS,
                "metrics": metrics(watched, graph),
            },
        });
    }
    object! { "widgets": widgets }
}

fn metrics(watched: &Watched, graph: &Graph) -> Vec<Json> {
    let line = |(subject, metric, label): &(Subject, &'static str, String)| {
        let (namespace, dimensions) = watched.metrics_of(*subject);
        let mut line: Vec<Json> = vec![namespace.into(), (*metric).into()];
        for (name, value) in dimensions {
            line.extend([name.into(), value.into()]);
        }
        line.push(object! { "label": label.as_str() });
        Json::array(line)
    };
    graph.lines.iter().map(line).collect()
}

fn graphs() -> Vec<Graph> {
    let stages = pipeline::stages();
    let business = |metric: &'static str| (Subject::Business, metric, metric.to_owned());
    let queues: Vec<Queue> = stages.iter().filter_map(|stage| stage.queue().map(|(queue, _)| queue)).collect();
    let dead_letters: Vec<Queue> = stages.iter().filter_map(|stage| stage.dead_letters()).collect();
    let of_queues = |queues: &[Queue], metric: &'static str| {
        queues.iter().map(|queue| (Subject::Queue(*queue), metric, queue.name())).collect()
    };
    let of_functions = |metric: &'static str| {
        stages.iter().map(|stage| (Subject::Function(stage.stage), metric, stage.function())).collect()
    };
    let streams = stages.iter().filter(|stage| matches!(stage.source, Source::OrderEvents(_)));
    vec![
        Graph {
            title: "Orders a minute",
            statistic: "Sum",
            lines: [
                metric::ORDERS_RECEIVED,
                metric::ORDERS_CONFIRMED,
                metric::ORDERS_REJECTED,
                metric::ORDERS_FAILED,
                metric::ORDER_CONFLICTS,
                metric::NOTIFICATIONS_SENT,
            ]
            .map(business)
            .to_vec(),
        },
        Graph {
            title: "Acceptance to confirmation (p95, ms)",
            statistic: "p95",
            lines: vec![business(metric::TIME_TO_CONFIRMATION)],
        },
        Graph {
            title: "API requests and errors",
            statistic: "Sum",
            lines: ["Count", "4XXError", "5XXError"].map(|metric| (Subject::Api, metric, metric.to_owned())).to_vec(),
        },
        Graph {
            title: "API latency (p99, ms)",
            statistic: "p99",
            lines: vec![(Subject::Api, "Latency", "Latency".to_owned())],
        },
        Graph {
            title: "Messages waiting",
            statistic: "Maximum",
            lines: of_queues(&queues, "ApproximateNumberOfMessagesVisible"),
        },
        Graph {
            title: "Age of the oldest message (s)",
            statistic: "Maximum",
            lines: of_queues(&queues, "ApproximateAgeOfOldestMessage"),
        },
        Graph {
            title: "Dead-lettered messages",
            statistic: "Maximum",
            lines: of_queues(&dead_letters, "ApproximateNumberOfMessagesVisible"),
        },
        Graph { title: "Retries", statistic: "Sum", lines: vec![business(metric::RETRIES)] },
        Graph { title: "Function errors", statistic: "Sum", lines: of_functions("Errors") },
        Graph { title: "Function duration (p99, ms)", statistic: "p99", lines: of_functions("Duration") },
        Graph { title: "Function throttles", statistic: "Sum", lines: of_functions("Throttles") },
        Graph {
            title: "Age of the oldest unpublished event (ms)",
            statistic: "Maximum",
            lines: streams.map(|stage| (Subject::Function(stage.stage), "IteratorAge", stage.function())).collect(),
        },
    ]
}
