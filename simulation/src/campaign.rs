//! Many runs on all processors: each seed on its own, so that the result does not depend on how many there are.

use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde::Serialize;

use crate::plan::{Plan, Statistics, Violation};
use crate::run::{NoRuntime, run};

/// A run that broke an invariant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Broken {
    /// Its seed.
    pub seed: u64,
    /// The broken invariants.
    pub violations: Vec<Violation>,
}

/// The outcome of many runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// How many runs took place.
    pub runs: u64,
    /// The counts of all of them.
    pub statistics: Statistics,
    /// The runs that broke an invariant, by seed.
    pub broken: Vec<Broken>,
}

/// Runs the plan with its seed and the seeds after it, on that many threads.
///
/// `go_on` gets the number of finished runs after every run; the campaign stops when it answers false.
///
/// # Errors
/// When this machine gives no runtime to run one in.
pub fn run_many(
    first: &Plan,
    runs: u64,
    threads: NonZeroUsize,
    go_on: impl Fn(u64) -> bool + Sync,
) -> Result<Report, NoRuntime> {
    let next = AtomicU64::new(0);
    let stopped = AtomicBool::new(false);
    let report = Mutex::new(Ok(Report::default()));
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= runs || stopped.load(Ordering::Relaxed) {
                return;
            }
            let plan = Plan { seed: first.seed.wrapping_add(number), ..first.clone() };
            let outcome = run(&plan);
            let mut report = report.lock().unwrap_or_else(PoisonError::into_inner);
            let done = match (&mut *report, outcome) {
                (Ok(report), Ok(outcome)) => {
                    report.runs += 1;
                    report.statistics.add(&outcome.statistics);
                    if !outcome.is_well() {
                        report.broken.push(Broken { seed: plan.seed, violations: outcome.violations });
                    }
                    report.runs
                }
                (Ok(_), Err(error)) => {
                    *report = Err(error);
                    stopped.store(true, Ordering::Relaxed);
                    return;
                }
                (Err(_), _) => return,
            };
            drop(report);
            if !go_on(done) {
                stopped.store(true, Ordering::Relaxed);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads.get() {
            scope.spawn(work);
        }
    });
    let mut report = report.into_inner().unwrap_or_else(PoisonError::into_inner)?;
    report.broken.sort_by_key(|broken| broken.seed);
    Ok(report)
}
