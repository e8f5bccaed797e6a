//! A deterministic simulation of AWS and of the payment gateway around the real stages.
//!
//! The functions that run on Lambda run here over simulated ports. A seed decides every interleaving and every fault, so
//! that a run which breaks an invariant can be replayed from its seed. `docs/simulation.md` says what is simulated, how
//! closely, and what is not.
//!
//! One file for each simulated service: [`queue`], [`table`], [`stream`], [`gateway`], [`notifier`]; `event_source` and
//! `invocation` and `process` are Lambda; `ports` connects the stages with the services, and injects the faults; `workload`
//! has the clients and warehouses; `invariants` and `dead_letters` judge a run.

mod campaign;
mod dead_letters;
mod event_source;
mod fault;
mod gateway;
mod invariants;
mod invocation;
mod mutation;
mod notifier;
mod oracle;
mod plan;
mod ports;
mod process;
mod queue;
mod random;
mod run;
mod seam;
pub mod settings;
mod shrink;
mod sometimes;
mod story;
mod stream;
mod table;
mod workload;
mod world;

pub use campaign::{Broken, Report, run_many};
pub use fault::{FaultKind, FaultProfile, UnknownFault};
pub use mutation::Mutation;
pub use plan::{Invariant, Outcome, Plan, Statistics, Violation};
pub use run::{NoRuntime, run};
pub use shrink::{Shortest, shrink};
pub use sometimes::SOMETIMES;
pub use story::{Line, Story};
