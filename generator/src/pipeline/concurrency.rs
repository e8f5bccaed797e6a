//! How much of an account's Lambda concurrency the pipeline can use, and how its bounds shrink where there is less: a
//! function that the account has no room for is throttled, and its message has been received for nothing.

use super::names::Queue;
use super::{Source, StageDescription, stages};

/// The smallest bound that Lambda takes for a queue's mapping
/// (docs.aws.amazon.com/lambda/latest/api/API_ScalingConfig.html).
pub const SMALLEST_BOUND: u32 = 2;
/// What is kept for the query function where the bounds are made to fit: reckoned with 20 ms a read, two at a time answer
/// 100 requests a second.
pub const KEPT_FOR_READS: u32 = 2;

/// The bounds of the queues, by queue.
pub type Bounds = Vec<(Queue, u32)>;

/// The bound of each queue, as it is described.
#[must_use]
pub fn bounds() -> Bounds {
    let of = |stage: &StageDescription| stage.queue().map(|(queue, settings)| (queue, settings.maximum_concurrency));
    stages().iter().filter_map(of).collect()
}

/// Invocations of all queues' functions at the same time, at most.
#[must_use]
pub fn of_queues() -> u32 {
    bounds().iter().map(|(_, bound)| bound).sum()
}

/// Invocations of the stream's function at the same time, at most, while the stream has as many shards as at first.
#[must_use]
pub fn of_streams() -> u32 {
    let of = |stage: StageDescription| match stage.source {
        Source::OrderEvents(stream) => stream.parallelization_factor * stream.first_shards,
        Source::Queue(_) | Source::Api => 0,
    };
    stages().into_iter().map(of).sum()
}

/// Invocations by all event sources at the same time, at most. Reads come on top: only the API's throttles bound them.
#[must_use]
pub fn of_event_sources() -> u32 {
    of_queues() + of_streams()
}

/// The least concurrency that the pipeline works with: the smallest bounds, the stream, and some reads.
#[must_use]
pub fn least() -> u32 {
    let queues = u32::try_from(bounds().len()).unwrap_or(u32::MAX);
    SMALLEST_BOUND.saturating_mul(queues).saturating_add(of_streams() + KEPT_FOR_READS)
}

/// The bounds with which the event sources, and some reads, fit into so much concurrency; `None` where there is less than
/// [`least`]. What every bound has above the smallest one shrinks in the same proportion.
#[must_use]
pub fn bounds_within(concurrency: u32) -> Option<Bounds> {
    let spare = concurrency.checked_sub(least())?;
    let full = of_event_sources() + KEPT_FOR_READS - least();
    let fit = |above: u32| if spare < full { above * spare / full } else { above };
    Some(bounds().into_iter().map(|(queue, bound)| (queue, SMALLEST_BOUND + fit(bound - SMALLEST_BOUND))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(bounds: &Bounds) -> u32 {
        bounds.iter().map(|(_, bound)| bound).sum()
    }

    #[test]
    fn bounds_fit_into_whatever_concurrency_there_is_and_are_never_too_small_for_lambda() {
        for concurrency in least()..=1000 {
            let within = bounds_within(concurrency).unwrap();
            assert!(sum(&within) + of_streams() + KEPT_FOR_READS <= concurrency, "{concurrency}: {within:?}");
            assert!(within.iter().all(|(_, bound)| *bound >= SMALLEST_BOUND), "{concurrency}: {within:?}");
        }
    }

    #[test]
    fn enough_concurrency_changes_no_bound_and_too_little_has_none() {
        assert_eq!(bounds_within(1000), Some(bounds()));
        assert_eq!(bounds_within(of_event_sources() + KEPT_FOR_READS), Some(bounds()));
        assert_eq!(bounds_within(least() - 1), None);
        assert!(bounds_within(least()).unwrap().iter().all(|(_, bound)| *bound == SMALLEST_BOUND));
    }

    #[test]
    fn bounds_shrink_in_proportion() {
        let half = bounds_within(least() + (of_event_sources() + KEPT_FOR_READS - least()) / 2).unwrap();
        for ((queue, half), (_, whole)) in half.iter().zip(bounds()) {
            let (half, whole) = (half - SMALLEST_BOUND, whole - SMALLEST_BOUND);
            assert!(2 * half <= whole && whole <= 2 * half + 2, "{queue:?}: {half} of {whole}");
        }
    }

    #[test]
    fn no_bound_is_described_that_lambda_does_not_take() {
        assert!(bounds().iter().all(|(_, bound)| (SMALLEST_BOUND..=1000).contains(bound)), "{:?}", bounds());
    }
}
