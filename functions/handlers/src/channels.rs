//! The ways to customers that an environment may use.

use order_domain::notification::CallingCodes;
use order_domain::order::Order;
use order_domain::request::Channel;

/// The channels that an environment may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channels {
    /// Whether e-mail may be sent.
    pub email: bool,
    /// The numbers that text messages may be sent to; `None` where none may be sent.
    pub sms: Option<CallingCodes>,
    /// Whether push notifications may be sent.
    pub push: bool,
}

impl Channels {
    /// Whether there is any.
    #[must_use]
    pub const fn any(&self) -> bool {
        self.email || self.sms.is_some() || self.push
    }

    /// The channels that lead to the order's customer: those that the order names, that are switched on, and that the
    /// customer has an address for. A number that may not be texted counts: the refusal is worth a record.
    pub fn to_customer_of(&self, order: &Order) -> impl Iterator<Item = Channel> {
        let customer = &order.customer;
        order.notify.iter().copied().filter(|channel| match channel {
            Channel::Email => self.email,
            Channel::Sms => self.sms.is_some() && customer.phone.is_some(),
            Channel::Push => self.push && customer.push_endpoint.is_some(),
        })
    }
}
