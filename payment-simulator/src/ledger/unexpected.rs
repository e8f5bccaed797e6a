//! The refusal of a command that a payment's state does not allow.

use super::super::answer::Problem;
use super::super::objects;
use super::intent::Intent;

impl Intent {
    pub(super) fn unexpected(&self, verb: &str, needed: &str) -> Problem {
        self.unexpected_because(format!(
            "This PaymentIntent could not be {verb} because it has a status of {}. \
             Only a PaymentIntent with one of the following statuses may be {verb}: {needed}.",
            self.status.name()
        ))
    }

    pub(super) fn unexpected_because(&self, message: String) -> Problem {
        Problem::unexpected_state(message, objects::intent(self, false))
    }
}
