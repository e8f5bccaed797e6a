//! What is broken for the time of an outage, and how it works again.

use deployed::Connection;
use fault_proxy::{Counts, FaultPlan, Rule};
use local::emulator::Request;
use serde_json::{Value, json};

use crate::permissions::Permissions;
use crate::world::{World, injected};

/// Lambda's event source mappings.
const MAPPINGS: &str = "/2015-03-31/event-source-mappings/";

/// The part that does not work.
#[derive(Clone, Copy)]
pub enum Breakage {
    /// AWS fails some of what the functions ask.
    Requests(fn(&Connection) -> Rule),
    /// Nothing is read from what feeds this function.
    Source(&'static str),
    /// This function's role may do nothing, so that whatever it is invoked for fails.
    Permissions(&'static str),
}

/// A breakage that has to be repaired.
#[must_use = "it stays broken until it is repaired"]
pub enum Broken {
    Requests { before: Counts },
    Source { mapping: String },
    Permissions(Permissions),
}

impl Breakage {
    pub async fn begin(self, world: &World<'_>) -> Broken {
        match self {
            Self::Requests(rule) => {
                let aws = &world.proxies().aws;
                let before = aws.counts();
                aws.set(FaultPlan::only(rule(&world.shop.connection)));
                Broken::Requests { before }
            }
            Self::Source(function) => {
                let mapping = mapping_of(world, function).await;
                switch(world, &mapping, false).await;
                Broken::Source { mapping }
            }
            Self::Permissions(stage) => {
                Broken::Permissions(Permissions::take_from(&world.shop, &format!("{stage}-role-local")).await)
            }
        }
    }
}

impl Broken {
    /// It works again; the faults that were met meanwhile, where they can be counted.
    pub async fn repair(self, world: &World<'_>) -> Vec<(&'static str, u64)> {
        match self {
            Self::Requests { before } => {
                let aws = &world.proxies().aws;
                aws.clear();
                let met = injected(&before, &aws.counts());
                assert!(!met.is_empty(), "nobody asked for what was broken");
                return met;
            }
            Self::Source { mapping } => switch(world, &mapping, true).await,
            Self::Permissions(permissions) => permissions.restore(&world.shop).await,
        }
        Vec::new()
    }
}

/// The id of the mapping that feeds a function.
async fn mapping_of(world: &World<'_>, function: &str) -> String {
    let path = format!("{MAPPINGS}?FunctionName={}", world.shop.connection.functions[function]);
    let listed: Value = serde_json::from_str(&world.shop.aws("lambda", Request::Get(&path)).await).unwrap();
    listed["EventSourceMappings"][0]["UUID"].as_str().expect("a mapping").to_owned()
}

async fn switch(world: &World<'_>, mapping: &str, on: bool) {
    let (path, input) = (format!("{MAPPINGS}{mapping}"), json!({ "Enabled": on }).to_string());
    world.shop.aws("lambda", Request::Put { path: &path, input: &input }).await;
}
