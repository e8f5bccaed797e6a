//! State that the proxy's requests share.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::call::Call;
use super::fault::{Fault, FaultPlan};

/// Numbers of requests and faults.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// All requests, with and without faults.
    pub requests: u64,
    /// Faults by their [name](Fault::name).
    pub injected: BTreeMap<&'static str, u64>,
    /// Faults by operation (AWS's action, or the path) and by their name.
    pub injected_into: BTreeMap<(String, &'static str), u64>,
    /// Requests without an upstream, or without its answer.
    pub unreachable: u64,
}

impl Counts {
    /// Number of faults of any kind.
    #[must_use]
    pub fn faults(&self) -> u64 {
        self.injected.values().sum()
    }
}

#[derive(Debug)]
pub struct State {
    http: reqwest::Client,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    upstream: Option<String>,
    plan: FaultPlan,
    random: StdRng,
    counts: Counts,
}

impl State {
    pub fn new(http: reqwest::Client) -> Self {
        let (plan, counts) = (FaultPlan::default(), Counts::default());
        let random = StdRng::seed_from_u64(plan.seed());
        Self { http, inner: Mutex::new(Inner { upstream: None, plan, random, counts }) }
    }

    /// The value is valid after every step, so a poisoned lock is safe to use.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub const fn http(&self) -> &reqwest::Client {
        &self.http
    }

    pub fn upstream(&self) -> Option<String> {
        self.inner().upstream.clone()
    }

    pub fn set_upstream(&self, url: &str) {
        self.inner().upstream = Some(url.trim_end_matches('/').to_owned());
    }

    pub fn set_plan(&self, plan: FaultPlan) {
        let inner = &mut *self.inner();
        inner.random = StdRng::seed_from_u64(plan.seed());
        inner.plan = plan;
    }

    pub fn counts(&self) -> Counts {
        self.inner().counts.clone()
    }

    /// Counts a request and decides what happens to it.
    pub fn decide(&self, call: &Call) -> Option<Fault> {
        let Inner { plan, random, counts, .. } = &mut *self.inner();
        counts.requests += 1;
        let fault = plan.decide(call, || random.random())?;
        *counts.injected.entry(fault.name()).or_default() += 1;
        let asked_for = call.action.clone().unwrap_or_else(|| call.path.clone());
        *counts.injected_into.entry((asked_for, fault.name())).or_default() += 1;
        Some(fault)
    }

    pub fn count_unreachable(&self) {
        self.inner().counts.unreachable += 1;
    }
}
