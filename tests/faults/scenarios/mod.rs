//! The scenarios: what goes wrong, while orders flow.

mod aws_fails;
mod emulator_restarts;
mod errors_are_kept;
mod functions_die;
mod gateway_fails;
mod gateway_is_away;
mod outages;

use futures::future::LocalBoxFuture;

use crate::world::World;

/// One scenario.
pub struct Scenario {
    /// Its name: what must hold.
    pub name: &'static str,
    /// What it does; it fails by panicking.
    pub run: for<'a> fn(&'a World<'a>) -> LocalBoxFuture<'a, ()>,
}

/// A scenario, named after its function.
macro_rules! scenario {
    ($file:ident::$name:ident) => {
        Scenario { name: stringify!($name), run: |world| Box::pin($file::$name(world)) }
    };
}

/// Every scenario, in the order in which they run.
pub fn all() -> Vec<Scenario> {
    vec![
        scenario!(outages::orders_wait_for_a_throttled_table_and_none_is_lost),
        scenario!(outages::orders_wait_for_a_catalogue_that_cannot_be_read_and_none_is_lost),
        scenario!(outages::orders_wait_for_a_broken_stage_and_none_is_lost),
        scenario!(outages::orders_complete_while_sns_is_down_and_every_event_is_published_afterwards),
        scenario!(outages::orders_complete_while_ses_is_down_and_every_mail_is_sent_afterwards),
        scenario!(outages::orders_complete_while_nobody_reads_the_stream_and_every_event_is_published_afterwards),
        scenario!(functions_die::no_order_is_lost_when_functions_are_killed_at_work),
        scenario!(aws_fails::no_order_is_lost_when_aws_fails_is_slow_and_loses_answers),
        scenario!(gateway_is_away::an_outage_of_the_gateway_of_minutes_delays_orders_and_loses_none),
        scenario!(gateway_fails::nobody_is_charged_twice_when_the_gateway_fails_and_loses_answers),
        scenario!(emulator_restarts::orders_under_way_survive_a_restart_of_the_emulator),
        scenario!(errors_are_kept::a_few_payments_with_a_saved_error_delay_no_others),
    ]
}
