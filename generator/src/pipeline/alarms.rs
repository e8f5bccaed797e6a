//! The alarms, derived from the stages: every queue, function and dead-letter queue, the API, and what a
//! customer notices.

use order_contract::mail_event::MailFate;
use order_contract::metric;
use order_domain::stage::Stage;

use super::names::{Queue, mail_rule};
use super::{Source, StageDescription, stages};

/// An alarm of the pipeline.
#[derive(Debug, Clone, PartialEq)]
pub struct Alarm {
    /// The name without the suffix, e.g. `payment-queue-age-alarm`.
    pub name: String,
    /// What it means and what to do first, for the person on call.
    pub description: String,
    /// What is watched.
    pub subject: Subject,
    /// The metric in the subject's namespace.
    pub metric: &'static str,
    /// How a period's values become one.
    pub statistic: Statistic,
    /// When it fires.
    pub threshold: Threshold,
    /// How bad it is.
    pub severity: Severity,
}

/// What an alarm watches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Subject {
    /// A queue.
    Queue(Queue),
    /// A stage's function.
    Function(Stage),
    /// The API's stage.
    Api,
    /// The rule that forwards SES's reports about mails with this fate, where the environment sends mails.
    MailRule(MailFate),
    /// The business metrics of the environment.
    Business,
}

/// How a period's values become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statistic {
    /// The greatest value.
    Maximum,
    /// All values together.
    Sum,
    /// A percentile, e.g. `p99`.
    Percentile(&'static str),
}

/// When an alarm fires: the value is outside of its limit in `breaches` of the last `of` minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Threshold {
    /// What is still fine.
    pub limit: Limit,
    /// Minutes that have to be bad.
    pub breaches: u32,
    /// Minutes that are checked.
    pub of: u32,
}

/// What is still fine, in a metric's unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// This much, and no more. A minute without data is a quiet one.
    AtMost(u32),
    /// This much, and no less. A minute without data is a bad one.
    AtLeast(u32),
}

/// How bad it is that an alarm fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Orders are late or lost, or customers are turned away: somebody is paged.
    Page,
    /// Somebody looks in the morning.
    Ticket,
}

const AT_ONCE: fn(u32) -> Threshold = |most| Threshold { limit: Limit::AtMost(most), breaches: 1, of: 1 };
const FOR_THREE_MINUTES: fn(u32) -> Threshold = |most| Threshold { limit: Limit::AtMost(most), breaches: 3, of: 3 };
const THREE_OF_FIVE_MINUTES: fn(u32) -> Threshold = |most| Threshold { limit: Limit::AtMost(most), breaches: 3, of: 5 };

/// Longest acceptable time from acceptance to confirmation for 19 of 20 orders, in milliseconds.
const CONFIRMATION_MILLISECONDS: u32 = 5000;
/// Longest acceptable answer of the API for 99 of 100 requests, in milliseconds.
const API_LATENCY_MILLISECONDS: u32 = 1000;

/// Troubles that show neither in a queue nor in a dead-letter queue, since the pipeline handles them itself, and that somebody
/// should know of: name, metric, when the alarm fires, and what it means.
fn business_alarms() -> [(&'static str, &'static str, Threshold, Severity, &'static str); 7] {
    use Severity::{Page, Ticket};
    [
        (
            "retried-for-long-alarm",
            metric::RETRIED_FOR_LONG,
            // A single random failure should page nobody, and retries are up to a quarter of an hour apart by then.
            Threshold { limit: Limit::AtMost(0), breaches: 3, of: 30 },
            Page,
            "A service that a stage calls has failed for more than five minutes: messages wait, and orders or customers with them. \
         Nothing is lost while they wait. First: look at the dashboard for the stage that retries, then in its log for what fails \
         (`a delivery returns to its queue`).",
        ),
        (
            "order-conflicts-alarm",
            metric::ORDER_CONFLICTS,
            AT_ONCE(0),
            Ticket,
            "An order id was used again with a different order: the first one stands, the second was not placed. First: find the \
         ORDER_CONFLICT events in the orders table, and ask the client's developers why it used an id twice.",
        ),
        (
            "webhooks-refused-alarm",
            metric::WEBHOOKS_REFUSED,
            // Anybody can send one now and then; the gateway with another secret than ours sends them all the time.
            Threshold { limit: Limit::AtMost(0), breaches: 10, of: 60 },
            Ticket,
            "Webhooks arrive that the known secret did not sign. First: compare the signing secret of the gateway's endpoint with \
         the webhook secret in Secrets Manager; if they are the same, somebody else sends them. The \
         reconciler looks after orders meanwhile, but nothing else reports a refund that fails later.",
        ),
        (
            "gateway-circuit-opened-alarm",
            metric::GATEWAY_CIRCUIT_OPENED,
            AT_ONCE(0),
            Ticket,
            "The payment gateway fails or is slow, so the circuit breaker stops calls for a while: orders wait for their payment. First: look at the \
         gateway's status page, then at the payment function's log for its answers. No redrive is needed.",
        ),
        (
            "orders-requeued-alarm",
            metric::ORDERS_REQUEUED,
            THREE_OF_FIVE_MINUTES(20),
            Ticket,
            "Many orders stopped moving and were put back on their queues. First: look at the dashboard for the stage whose messages \
         are late or fail; the reconciler only repeats what that stage is asked for.",
        ),
        (
            "orders-unreadable-alarm",
            metric::ORDERS_UNREADABLE,
            AT_ONCE(0),
            Ticket,
            "This version of the code cannot read some orders that stopped moving. First: find out which ones and why in the reconcile \
         function's log; deploy the version that can read them, or fix the items.",
        ),
        (
            "notifications-refused-alarm",
            metric::NOTIFICATIONS_REFUSED,
            // A wrong number now and then is the customer's.
            THREE_OF_FIVE_MINUTES(20),
            Ticket,
            "Many e-mails, text messages or pushes are refused for good, at once or after they were sent, and are not tried again. \
         First: look in the contact function's log for the reason; in SES's sandbox every address that is not verified is refused, \
         and everywhere numbers of calling codes that env.toml does not list. Where mails bounce (BOUNCED, NOT_TAKEN) or are \
         reported (COMPLAINED), look at the account's reputation in SES before SES stops it.",
        ),
    ]
}

/// Every alarm of the pipeline.
#[must_use]
pub fn alarms() -> Vec<Alarm> {
    let mut alarms: Vec<_> = stages().iter().flat_map(of_stage).collect();
    alarms.push(Alarm {
        name: "api-server-errors-alarm".to_owned(),
        description: "The API answers 5xx: orders may be turned away. First: look at the stage's access log for which \
                      route and which integration, then at SQS's service health."
            .to_owned(),
        subject: Subject::Api,
        metric: "5XXError",
        statistic: Statistic::Sum,
        threshold: THREE_OF_FIVE_MINUTES(5),
        severity: Severity::Page,
    });
    alarms.push(Alarm {
        name: "api-latency-alarm".to_owned(),
        description: format!(
            "One API request in a hundred takes longer than {API_LATENCY_MILLISECONDS} ms. First: look at the query \
             function's duration, then at DynamoDB's latency."
        ),
        subject: Subject::Api,
        metric: "Latency",
        statistic: Statistic::Percentile("p99"),
        threshold: FOR_THREE_MINUTES(API_LATENCY_MILLISECONDS),
        severity: Severity::Ticket,
    });
    alarms.push(Alarm {
        name: "confirmation-latency-alarm".to_owned(),
        description: format!(
            "One order in twenty takes longer than {CONFIRMATION_MILLISECONDS} ms from acceptance to confirmation. \
             First: look at the dashboard for the queue with the oldest message; its stage is the slow one."
        ),
        subject: Subject::Business,
        metric: metric::TIME_TO_CONFIRMATION,
        statistic: Statistic::Percentile("p95"),
        threshold: FOR_THREE_MINUTES(CONFIRMATION_MILLISECONDS),
        severity: Severity::Page,
    });
    alarms.extend(MailFate::ALL.iter().copied().map(|fate| {
        let rule = mail_rule(fate);
        Alarm {
            name: format!("{rule}-alarm"),
            description: format!(
                "EventBridge cannot forward SES's report about a mail ({}): the history still says that it was sent. First: check \
                 whether the policy of the contact stage's queue lets {rule} send.",
                fate.name()
            ),
            subject: Subject::MailRule(fate),
            metric: "FailedInvocations",
            statistic: Statistic::Sum,
            threshold: AT_ONCE(0),
            severity: Severity::Ticket,
        }
    }));
    alarms.extend(business_alarms().map(|(name, metric, threshold, severity, description)| Alarm {
        name: name.to_owned(),
        description: description.to_owned(),
        subject: Subject::Business,
        metric,
        statistic: Statistic::Sum,
        threshold,
        severity,
    }));
    alarms
}

fn of_stage(stage: &StageDescription) -> Vec<Alarm> {
    let name = stage.stage.name();
    let mut alarms = vec![
        Alarm {
            name: format!("{name}-function-errors-alarm"),
            description: format!(
                "The {name} function fails as a whole, not just for single messages. First: look for panics and \
                 timeouts in its log group, and roll the last deployment back where they began with it."
            ),
            subject: Subject::Function(stage.stage),
            metric: "Errors",
            statistic: Statistic::Sum,
            threshold: THREE_OF_FIVE_MINUTES(0),
            severity: Severity::Page,
        },
        Alarm {
            name: format!("{name}-function-throttles-alarm"),
            description: format!(
                "Invocations of the {name} function are refused: the account's concurrency is used up. First: look \
                 at which function runs most at the same time, then raise the quota or lower that one's bound."
            ),
            subject: Subject::Function(stage.stage),
            metric: "Throttles",
            statistic: Statistic::Sum,
            threshold: THREE_OF_FIVE_MINUTES(0),
            severity: Severity::Page,
        },
    ];
    if let Some((queue, settings)) = stage.queue() {
        alarms.push(Alarm {
            name: format!("{}-age-alarm", queue.name()),
            description: format!(
                "A message has waited for the {name} stage for more than {} s; nothing is lost while it waits. First: \
                 look at the function's errors and throttles, then at what it calls.",
                settings.alarm_age_seconds
            ),
            subject: Subject::Queue(queue),
            metric: "ApproximateAgeOfOldestMessage",
            statistic: Statistic::Maximum,
            threshold: FOR_THREE_MINUTES(settings.alarm_age_seconds),
            severity: Severity::Page,
        });
    }
    if let Some(schedule) = stage.schedule {
        // Five times the schedule's own period: one late message should open no ticket.
        let minutes = 5 * schedule.every_minutes;
        alarms.push(Alarm {
            name: format!("{}-silent-alarm", stage.schedule_name()),
            description: format!(
                "The {name} stage has not swept for {minutes} minutes, although its schedule is every {}: orders that stopped \
                 moving are not found. First: check whether the schedule is enabled and whether its role may send to the \
                 queue, then at the function's log.",
                schedule.every_minutes
            ),
            subject: Subject::Business,
            metric: metric::SWEEPS,
            statistic: Statistic::Sum,
            threshold: Threshold { limit: Limit::AtLeast(1), breaches: minutes, of: minutes },
            severity: Severity::Ticket,
        });
    }
    if let Some(queue) = stage.dead_letters() {
        alarms.push(Alarm {
            name: format!("{}-not-empty-alarm", queue.name()),
            description: match stage.queue() {
                Some(_) => format!(
                    "A message of the {name} stage moved to the dead-letter queue, which keeps it for 14 days. First: read the \
                     reason of the messages in {}, fix the cause, then redrive them.",
                    queue.name()
                ),
                None => format!(
                    "Records of the orders table's stream moved to the {name} stage's dead-letter queue. First: read {} with \
                     `cargo ops dlq show`: a message with a reason is one quarantined record, a message without names a range of \
                     the stream; fix the cause, then redrive, which reads the events from the table.",
                    queue.name()
                ),
            },
            subject: Subject::Queue(queue),
            metric: "ApproximateNumberOfMessagesVisible",
            statistic: Statistic::Maximum,
            threshold: AT_ONCE(0),
            severity: Severity::Page,
        });
    }
    if let Source::OrderEvents(stream) = stage.source {
        alarms.push(Alarm {
            name: format!("{name}-function-iterator-age-alarm"),
            description: format!(
                "Committed events have waited for the {name} function for more than {} s: customers are not notified. \
                 First: look at the function's errors; the stream forgets after 24 hours.",
                stream.alarm_age_seconds
            ),
            subject: Subject::Function(stage.stage),
            metric: "IteratorAge",
            statistic: Statistic::Maximum,
            threshold: FOR_THREE_MINUTES(stream.alarm_age_seconds * 1000),
            severity: Severity::Page,
        });
    }
    alarms
}
