//! The attributes of what is published on the topics.

/// An attribute of every message on the topics, for a subscription's filter policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TopicAttribute {
    /// What happened.
    EventType,
    /// Where the order stands after it.
    Status,
    /// Whose order it is.
    CustomerId,
    /// The environment's suffix.
    Environment,
}

impl TopicAttribute {
    /// Every attribute.
    pub const ALL: [Self; 4] = [Self::EventType, Self::Status, Self::CustomerId, Self::Environment];

    /// The attribute's name in a message.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::EventType => "eventType",
            Self::Status => "status",
            Self::CustomerId => "customerId",
            Self::Environment => "environment",
        }
    }
}
