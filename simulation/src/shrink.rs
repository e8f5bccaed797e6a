//! The shortest story of a broken invariant: fewer orders, other seeds, fewer kinds of faults, as long as the same invariant
//! breaks. Bounded by a number of runs, so that it ends.

use crate::plan::{Invariant, Plan, Violation};
use crate::run::{NoRuntime, run};
use crate::story::Story;

/// The sizes that are tried, smallest first.
const SIZES: [u32; 9] = [1, 2, 3, 5, 8, 13, 25, 50, 100];
/// Orders of all the runs that are tried of each size: many small ones, few large ones.
const ORDERS_OF_A_SIZE: u64 = 400;
/// Seeds that are tried without a kind of fault.
const SEEDS_WITHOUT: u64 = 25;

/// A short run that breaks the invariant that a long one broke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortest {
    /// The run.
    pub plan: Plan,
    /// Its violation.
    pub violation: Violation,
    /// The story of the violation's order, or of all orders where it names none.
    pub story: Story,
    /// How many runs it took to find it.
    pub attempts: u32,
}

struct Search {
    invariant: Invariant,
    best: (Plan, Violation),
    attempts: u32,
    most: u32,
}

impl Search {
    /// Runs a plan; true, and it is the best, when it breaks the same invariant.
    fn breaks(&mut self, plan: Plan) -> Result<bool, NoRuntime> {
        if self.attempts >= self.most {
            return Ok(false);
        }
        self.attempts += 1;
        let found = run(&plan)?.violations.into_iter().find(|violation| violation.invariant == self.invariant);
        let Some(violation) = found else { return Ok(false) };
        self.best = (plan, violation);
        Ok(true)
    }

    fn any_seed_breaks(&mut self, plan: &Plan, seeds: u64) -> Result<bool, NoRuntime> {
        for seed in std::iter::once(plan.seed).chain(1..=seeds) {
            if self.breaks(Plan { seed, ..plan.clone() })? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn fewer_orders(&mut self) -> Result<(), NoRuntime> {
        let now = self.best.0.orders;
        for orders in SIZES.into_iter().filter(|size| *size < now) {
            let plan = Plan { orders, ..self.best.0.clone() };
            if self.any_seed_breaks(&plan, ORDERS_OF_A_SIZE / u64::from(orders))? {
                return Ok(());
            }
        }
        Ok(())
    }

    fn fewer_faults(&mut self) -> Result<(), NoRuntime> {
        for kind in self.best.0.faults.kinds() {
            let faults = self.best.0.faults.without(kind);
            let plan = Plan { faults, ..self.best.0.clone() };
            self.any_seed_breaks(&plan, SEEDS_WITHOUT)?;
        }
        Ok(())
    }
}

/// Looks for a shorter run that breaks the same invariant, in at most that many runs.
///
/// # Errors
/// When this machine gives no runtime to run one in.
pub fn shrink(plan: &Plan, violation: &Violation, most: u32) -> Result<Shortest, NoRuntime> {
    let quiet = Plan { story: false, ..plan.clone() };
    let best = (quiet, violation.clone());
    let mut search = Search { invariant: violation.invariant, best, attempts: 0, most };
    search.fewer_orders()?;
    search.fewer_faults()?;
    search.fewer_orders()?;
    let (plan, violation) = search.best;
    let outcome = run(&plan.clone().with_story())?;
    let whole = outcome.story.unwrap_or_default();
    let story = violation.order.map_or_else(|| whole.clone(), |order| whole.of(order));
    Ok(Shortest { plan, violation, story, attempts: search.attempts })
}
