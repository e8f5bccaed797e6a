//! The attributes of what is published on the topics.

/// An attribute of every message on the topics, for a subscription's filter policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, strum::VariantArray, strum::IntoStaticStr)]
#[strum(serialize_all = "camelCase")]
pub enum TopicAttribute {
    /// The event's type.
    EventType,
    /// The order's status after the event.
    Status,
    /// The customer's id.
    CustomerId,
    /// The environment's suffix.
    Environment,
}

impl TopicAttribute {
    /// Every attribute.
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The attribute's name in a message.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}
