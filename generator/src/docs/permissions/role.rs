//! A role, as the policies describe it.

/// A role and everything that it may do.
#[derive(Debug, Clone, PartialEq)]
pub struct Role {
    /// Its name without the suffix, e.g. `payment-role`.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The service that acts in it.
    pub assumed_by: String,
    /// What it may do, in the order of its policies.
    pub permissions: Vec<Permission>,
}

/// One statement of a role's policies.
#[derive(Debug, Clone, PartialEq)]
pub struct Permission {
    /// The statement's id.
    pub id: String,
    /// When the policy is there, as the module says it; `None` for always.
    pub when: Option<String>,
    /// `Allow`; a role's policies forbid nothing.
    pub effect: String,
    /// The actions.
    pub actions: Vec<String>,
    /// The resources, short: `payment-queue` for that queue's ARN.
    pub resources: Vec<String>,
    /// Every resource but these.
    pub except: bool,
    /// What else has to hold.
    pub conditions: Vec<String>,
}
