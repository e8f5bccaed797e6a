//! The numbers of an apply or a destroy.

/// The result of an apply or a destroy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Applied {
    /// Resources that were created.
    pub added: u64,
    /// Resources that were changed in place.
    pub changed: u64,
    /// Resources that were destroyed.
    pub removed: u64,
}
