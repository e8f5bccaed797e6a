//! Policies that a role has only under a condition.

use super::inputs::Given;
use crate::aws::IamRolePolicy;
use crate::aws::iam_role::IamRoleReference;
use crate::iam::{Policy, Statement};
use crate::naming::{logical, suffixed};
use crate::pipeline::StageDescription;
use crate::terraform::kind::Boolean;
use crate::terraform::{Expression, Module};

/// A policy of a stage's role that the environment has only under a condition.
pub(super) fn policy_when(
    module: &mut Module,
    stage: &StageDescription,
    given: &Given,
    role: &IamRoleReference,
    condition: &Expression<Boolean>,
    what: &str,
    statements: Vec<Statement>,
) {
    module.add_when(
        condition,
        &format!("{}_{}", logical(&stage.function()), logical(what)),
        IamRolePolicy { role: role.id(), policy: Policy::new(statements).encode() }
            .name(suffixed(&format!("{}-{what}-policy", stage.stage.name()), &given.suffix)),
    );
}
