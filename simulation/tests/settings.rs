//! The simulation's settings are the pipeline's.

use generator::pipeline::{QUEUE_RETENTION_SECONDS, Source, stages};
use order_simulation::settings;

#[test]
fn the_settings_are_those_of_the_pipelines_description() {
    assert_eq!(settings::RETENTION, u64::from(QUEUE_RETENTION_SECONDS) * 1000);
    for stage in stages() {
        let seconds = |duration: std::time::Duration| duration.as_secs();
        assert_eq!(
            seconds(settings::function_timeout(stage.stage)),
            u64::from(stage.timeout_seconds),
            "{:?}",
            stage.stage
        );
        match stage.source {
            Source::Queue(queue) => {
                let visible = u64::from(stage.visibility_timeout_seconds()) * 1000;
                assert_eq!(settings::visibility_timeout(stage.stage), visible, "{:?}", stage.stage);
                assert_eq!(settings::BATCH, queue.batch_size as usize);
                assert_eq!(settings::MAXIMUM_RECEIVES, queue.maximum_receives);
                assert_eq!(seconds(settings::POLICY.base), u64::from(queue.retry_base_seconds));
                assert_eq!(seconds(settings::POLICY.cap), u64::from(queue.retry_cap_seconds));
            }
            Source::OrderEvents(stream) => {
                assert_eq!(settings::RECORDS, stream.batch_size as usize);
                assert_eq!(settings::RECORD_AGE, u64::from(stream.maximum_record_age_seconds) * 1000);
            }
            Source::Api => {}
        }
    }
}
