//! What must hold of the description, whatever it says.

use super::*;

#[test]
fn every_stage_is_described_once() {
    let described: Vec<_> = stages().iter().map(|stage| stage.stage).collect();
    assert_eq!(described, Stage::ALL);
}

/// P8: elsewhere the visibility timeout was the function's, and one failure failed its whole batch.
#[test]
fn a_message_stays_hidden_for_six_timeouts_at_least() {
    for stage in stages() {
        assert!(stage.visibility_timeout_seconds() >= 6 * stage.timeout_seconds, "{:?}", stage.stage);
    }
}

#[test]
fn a_stage_forwards_only_to_a_stage_behind_a_queue() {
    let stages = stages();
    for next in stages.iter().flat_map(|stage| stage.forwards_to) {
        assert!(stages.iter().any(|stage| stage.stage == *next && stage.queue().is_some()), "{next:?}");
        assert!(order_contract::variable::queue_url(*next).is_some(), "{next:?}");
    }
}

#[test]
fn a_backing_off_message_outlives_an_hours_outage() {
    // Full jitter waits half of the cap on average; what counts is the receives that fit into an hour at most.
    for (_, queue) in stages().iter().filter_map(StageDescription::queue) {
        let most_receives = 3600 / (queue.retry_cap_seconds / 2) + queue.retry_cap_seconds.ilog2();
        assert!(most_receives < queue.maximum_receives, "{queue:?}");
    }
}

/// Half of the cap is the average wait.
#[test]
fn what_customers_are_to_be_told_outlives_a_days_outage() {
    let contact = stages().into_iter().find(|stage| stage.stage == Stage::Contact).unwrap();
    let (_, queue) = contact.queue().unwrap();
    assert!(queue.maximum_receives * queue.retry_cap_seconds / 2 > 24 * 60 * 60, "{queue:?}");
}

#[test]
fn a_stage_that_asks_for_customers_to_be_told_knows_which_channels_there_are_and_may_use_none() {
    let channels = |wanted: Stage| {
        let stage = stages().into_iter().find(|stage| stage.stage == wanted).unwrap();
        (stage.channels().count(), stage.grants.iter().copied().filter(|grant| grant.is_channel()).count())
    };
    assert_eq!([Stage::Notify, Stage::Contact, Stage::Payment].map(channels), [(3, 0), (3, 3), (0, 0)]);
}

#[test]
fn a_stream_record_is_dead_lettered_before_the_stream_forgets_it() {
    for stage in stages() {
        if let Source::OrderEvents(stream) = stage.source {
            assert!(stream.maximum_record_age_seconds < 24 * 60 * 60);
        }
    }
}

#[test]
fn a_function_outlasts_all_of_its_calls() {
    for stage in stages() {
        let (work, timeout) = (stage.longest_work_seconds(), u64::from(stage.timeout_seconds));
        assert!(work < timeout, "{:?}: {work} s of calls in {timeout} s", stage.stage);
    }
}

#[test]
fn a_message_that_kills_the_process_reaches_the_dead_letter_queue_before_it_is_forgotten() {
    for stage in stages() {
        if let Some((_, queue)) = stage.queue() {
            let dead_lettered_after = stage.visibility_timeout_seconds() * queue.maximum_receives;
            assert!(dead_lettered_after < QUEUE_RETENTION_SECONDS, "{:?}: after {dead_lettered_after} s", stage.stage);
        }
    }
}

#[test]
fn every_alarm_says_what_to_do_first() {
    for alarm in alarms() {
        let (what, first) = alarm.description.split_once(" First: ").unwrap_or_else(|| panic!("{}", alarm.name));
        assert!(what.len() > 20 && first.len() > 20 && first.ends_with('.'), "{}", alarm.description);
        // CloudWatch's limit, less the severity before it.
        assert!(alarm.description.len() < 1000, "{}", alarm.name);
    }
}
