//! Bugs of the pipeline that the simulation found and that are not mended yet: none now. What they cause is counted apart
//! from violations, so that a run fails for what is new; a test of each says when it is gone. What was found and mended is
//! listed in `docs/simulation.md`.

use order_domain::order::Order;
use serde::Serialize;

use crate::gateway::Gateway;
use crate::plan::Plan;
use crate::world::DeadLettered;

/// A known bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {}

impl Finding {
    /// Every finding.
    pub const ALL: [Self; 0] = [];

    /// A run that shows it.
    #[must_use]
    pub fn example(self) -> Plan {
        match self {}
    }
}

/// The known bug that put a letter into a dead-letter queue, if one did.
pub(crate) const fn behind(_: &DeadLettered, _: Option<&Order>, _: &Gateway) -> Option<Finding> {
    None
}
