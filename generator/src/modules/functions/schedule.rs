//! What puts a message into a stage's queue at fixed times: EventBridge Scheduler, with a role for this queue only.

use super::inputs::Given;
use super::source::source_queue;
use crate::aws::scheduler_schedule::{FlexibleTimeWindow, Target, TargetRetryPolicy};
use crate::aws::{IamRole, IamRolePolicy, SchedulerSchedule};
use crate::iam::{Policy, Statement};
use crate::naming::{logical, suffixed};
use crate::pipeline::StageDescription;
use crate::terraform::{Module, Resource};

/// The service that sends at the fixed times.
const SCHEDULER: &str = "scheduler.amazonaws.com";
/// The group of every schedule that names none. Scheduler takes no narrower source than a group in a role's condition.
const GROUP: &str = "schedule-group/default";

/// Adds the stage's schedule, where it has one.
pub(super) fn add(module: &mut Module, stage: &StageDescription, given: &Given) {
    let Some(schedule) = stage.schedule else { return };
    let name = stage.schedule_name();
    let suffix = &given.suffix;
    let group = given.location.arn("scheduler", GROUP);
    let role = module.add(
        &logical(&name),
        IamRole { assume_role_policy: Policy::assumed_by_for(SCHEDULER, &given.location.account, group) }
            .name(suffixed(&format!("{name}-role"), suffix))
            .description(format!("Lets the schedule send to the {} stage's queue.", stage.stage.name())),
    );
    let queue = source_queue(stage, &given.queue_arns);
    let send = Statement::allow("SendAtFixedTimes", &["sqs:SendMessage"], vec![queue.clone()]);
    let policy = module.add(
        &logical(&name),
        IamRolePolicy { role: role.id(), policy: Policy::new(vec![send]).encode() }
            .name(suffixed(&format!("{name}-policy"), suffix)),
    );
    module.add(
        &logical(&name),
        SchedulerSchedule {
            flexible_time_window: [FlexibleTimeWindow { mode: "OFF" }],
            schedule_expression: schedule.expression(),
            target: [Target { arn: queue, role_arn: role.arn() }
                .input(schedule.message)
                // The next message says the same: a late one is worth nothing.
                .retry_policy(
                    TargetRetryPolicy {}
                        .maximum_event_age_in_seconds(60 * schedule.every_minutes)
                        .maximum_retry_attempts(RETRIES),
                )],
        }
        .name(suffixed(&name, suffix))
        .description(format!("Sends to the {} stage's queue.", stage.stage.name()))
        .depends_on(&[&policy]),
    );
}

/// Further attempts at a message that SQS did not take.
const RETRIES: u32 = 3;
