//! The scenarios: what goes wrong, while orders flow.

mod aws_fails;
mod emulator_restarts;
mod functions_die;
mod gateway_fails;
mod gateway_is_away;

use futures::future::LocalBoxFuture;

use crate::world::World;

/// One scenario.
pub struct Scenario {
    /// Its name: what must hold.
    pub name: &'static str,
    /// What it does; it fails by panicking.
    pub run: for<'a> fn(&'a World<'a>) -> LocalBoxFuture<'a, ()>,
}

/// Scenarios, named after their functions.
macro_rules! scenarios {
    ($($file:ident::$name:ident),* $(,)?) => {
        /// Every scenario, in the order in which they run.
        pub fn all() -> Vec<Scenario> {
            vec![$(Scenario { name: stringify!($name), run: |world| Box::pin($file::$name(world)) }),*]
        }
    };
}

scenarios![
    functions_die::no_order_is_lost_when_functions_are_killed_at_work,
    aws_fails::no_order_is_lost_when_aws_fails_is_slow_and_loses_answers,
    gateway_is_away::an_outage_of_the_gateway_delays_orders_and_loses_none,
    gateway_fails::nobody_is_charged_twice_when_the_gateway_fails_and_loses_answers,
    emulator_restarts::orders_under_way_survive_a_restart_of_the_emulator,
];
