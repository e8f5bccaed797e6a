//! The simulation's settings are the pipeline's.

use generator::pipeline::{QUEUE_RETENTION_SECONDS, Source, stages};
use order_simulation::settings;

#[test]
fn the_settings_are_those_of_the_pipelines_description() {
    assert_eq!(settings::RETENTION, u64::from(QUEUE_RETENTION_SECONDS) * 1000);
    for description in stages() {
        let stage = description.stage;
        let seconds = |duration: std::time::Duration| duration.as_secs();
        assert_eq!(seconds(settings::function_timeout(stage)), u64::from(description.timeout_seconds), "{stage:?}");
        if let Some(schedule) = description.schedule {
            assert_eq!(settings::SWEEP_EVERY, u64::from(schedule.every_minutes) * 60_000);
        }
        match description.source {
            Source::Queue(queue) => {
                let visible = u64::from(description.visibility_timeout_seconds()) * 1000;
                assert_eq!(settings::visibility_timeout(stage), visible, "{stage:?}");
                assert_eq!(settings::BATCH, queue.batch_size as usize);
                assert_eq!(settings::maximum_receives(stage), queue.maximum_receives, "{stage:?}");
                assert_eq!(settings::maximum_concurrency(stage), queue.maximum_concurrency as usize, "{stage:?}");
                assert_eq!(seconds(settings::policy(stage).base), u64::from(queue.retry_base_seconds), "{stage:?}");
                assert_eq!(seconds(settings::policy(stage).cap), u64::from(queue.retry_cap_seconds), "{stage:?}");
            }
            Source::OrderEvents(stream) => {
                assert_eq!(settings::RECORDS, stream.batch_size as usize);
                assert_eq!(settings::RECORD_AGE, u64::from(stream.maximum_record_age_seconds) * 1000);
            }
            Source::Api => {}
        }
    }
}
